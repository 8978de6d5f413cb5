//! Operands on different devices, and missing devices.

use super::common::devices::{cpu, gpu, open};
use super::{indices, norm, state, zeros};
use wgrad::{
    Activation, Augmentation, Criterion, Device, DeviceKind, Error, Gemm, GpuOptions, Layout, Loss,
};

#[test]
fn operands_on_different_devices_are_refused() {
    for (here, there) in [(cpu(), gpu()), (gpu(), cpu())] {
        let (x, y) = (zeros(here, 2, 2), zeros(there, 2, 2));
        let (row, far_row) = (zeros(here, 1, 2), zeros(there, 1, 2));
        let (squared, gaussian) = (Loss::half_squared_error(), Criterion::GaussianNll.into());
        let mut w = zeros(here, 2, 2);
        let mut w_state = state(&w);
        let calls = [
            ("matmul", x.matmul(&y, Layout::NN).map(drop)),
            ("dense", x.dense(&y, &row, Activation::Relu).map(drop)),
            ("dense", x.dense(&x, &far_row, Activation::Relu).map(drop)),
            ("bias_add", x.bias_add(&far_row).map(drop)),
            ("add", x.add(&y).map(drop)),
            ("mul", x.mul(&y).map(drop)),
            (
                "activate_backward",
                x.activate_backward(Activation::Relu, &y).map(drop),
            ),
            ("softmax_backward", x.softmax_backward(&y).map(drop)),
            ("log_softmax_backward", x.log_softmax_backward(&y).map(drop)),
            (
                "cross_entropy",
                x.cross_entropy(&indices(there, &[0, 0])).map(drop),
            ),
            ("loss", x.loss(&squared, &[], &y).map(drop)),
            ("loss", x.loss(&gaussian, &[&y], &x).map(drop)),
            (
                "loss",
                x.loss(&squared, &[], &indices(there, &[0, 0])).map(drop),
            ),
            (
                "gather_rows",
                x.gather_rows(&indices(there, &[0])).map(drop),
            ),
            (
                "gather_augmented",
                x.gather_augmented(&indices(there, &[0]), &Augmentation::new([1, 2]), 0, 0)
                    .map(drop),
            ),
            ("update", w.update(&y, &mut w_state)),
            ("copy_from", w.copy_from(&y)),
            ("prelu", x.prelu(&far_row).map(drop)),
            ("concat_columns", x.concat_columns(&y).map(drop)),
            ("gemm", x.gemm(&x, Some(&far_row), Gemm::new()).map(drop)),
            ("normalize", x.normalize(&row, &row, &y, 1e-5).map(drop)),
            (
                "batch_norm",
                x.batch_norm(&row, &row, &y, 1e-5, 0.1).map(drop),
            ),
            (
                "batch_norm_backward",
                x.batch_norm_backward(&x, &y, &row).map(drop),
            ),
            ("layer_norm", x.layer_norm(&row, &far_row, 1e-5).map(drop)),
            (
                "layer_norm_backward",
                x.layer_norm_backward(&y, &row, 1e-5).map(drop),
            ),
            ("accumulate", w.accumulate(&y, 1.0)),
            ("average", w.average(&y, 0.5)),
            ("change_statistics", w.change_statistics(&y).map(drop)),
            (
                "update_clipped_by_norm",
                w.update_clipped_by_norm(&x, &mut w_state, &norm(&y), 1.0),
            ),
        ];
        for (name, result) in calls {
            let Err(Error::DeviceMismatch { operation }) = result else {
                panic!("{name}: {result:?}");
            };
            assert_eq!(operation, name);
        }
    }
}

#[test]
fn an_optimizer_state_on_another_device_is_refused() {
    for (here, there) in [(cpu(), gpu()), (gpu(), cpu())] {
        let mut far_state = state(&zeros(there, 2, 2));
        let result = zeros(here, 2, 2).update(&zeros(here, 2, 2), &mut far_state);
        assert!(
            matches!(
                result,
                Err(Error::DeviceMismatch {
                    operation: "update"
                })
            ),
            "{result:?}"
        );
    }
}

#[test]
fn two_openings_of_one_gpu_are_two_devices() {
    let other = open(GpuOptions::default());
    let result = zeros(gpu(), 2, 2).add(&zeros(&other, 2, 2));
    assert!(
        matches!(result, Err(Error::DeviceMismatch { operation: "add" })),
        "{result:?}"
    );
}

#[test]
fn an_adapter_that_is_not_there_is_reported_with_those_that_are() {
    let name = "no adapter has this name";
    let error = Device::gpu(GpuOptions::default().allow_software(true).name(name)).unwrap_err();
    let Error::NoAdapter {
        wanted, present, ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert!(wanted.contains(name), "{wanted}");
    let adapters = Device::adapters();
    assert!(!adapters.is_empty());
    for adapter in &adapters {
        assert!(present.contains(&adapter.name), "{present} lacks {adapter}");
    }
    let beyond = GpuOptions::default()
        .allow_software(true)
        .index(adapters.len());
    assert!(matches!(Device::gpu(beyond), Err(Error::NoAdapter { .. })));
}

#[test]
fn software_is_refused_unless_allowed() {
    let only_software = Device::adapters()
        .iter()
        .all(|adapter| adapter.kind == DeviceKind::SoftwareGpu);
    let (gpu, auto) = (Device::gpu(GpuOptions::default()), Device::auto().unwrap());
    if only_software {
        assert!(matches!(gpu, Err(Error::NoAdapter { .. })), "{gpu:?}");
        assert_eq!(auto.report().adapter.kind, DeviceKind::Cpu);
    } else {
        assert_ne!(gpu.unwrap().report().adapter.kind, DeviceKind::SoftwareGpu);
        assert_ne!(auto.report().adapter.kind, DeviceKind::Cpu);
    }
}
