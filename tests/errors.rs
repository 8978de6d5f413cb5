//! What cannot work gives a typed error that says why: never a panic, never silent garbage. Tensor calls and devices.

mod common;

use common::devices::{cpu, gpu, open};
use std::ops::Range;
use wgrad::{
    Activation, Adadelta, Adagrad, Adam, Adamax, Augmentation, Bytes, Criterion, Device,
    DeviceKind, Error, Gemm, GpuOptions, GradientNorm, Layout, Lion, Loss, NAdam, Optimizer,
    OptimizerState, RAdam, Result, RmsProp, Sgd, Tensor, TensorTarget, Words,
};

fn zeros(device: &Device, rows: usize, cols: usize) -> Tensor {
    Tensor::zeros(device, [rows, cols]).unwrap()
}

fn words(device: &Device, values: &[u32]) -> Words {
    Words::new(device, values).unwrap()
}

fn state(weights: &Tensor) -> OptimizerState {
    OptimizerState::new(weights, Sgd::new(0.1).momentum(0.5)).unwrap()
}

fn norm(gradient: &Tensor) -> GradientNorm {
    GradientNorm::new(&[gradient]).unwrap()
}

/// The calls with operands that do not fit: (operation, result).
fn misfits(d: &Device) -> Vec<(&'static str, Result<()>)> {
    let x = || zeros(d, 2, 3);
    let t = |rows, cols| zeros(d, rows, cols);
    let (nn, nt, tn) = (Layout::NN, Layout::NT, Layout::TN);
    let (squared, gaussian) = (Loss::squared_error(), Criterion::GaussianNll.into());
    let cosine = Criterion::CosineEmbedding { margin: 0.0 }.into();
    let triplet = Criterion::TripletMargin { margin: 1.0 }.into();
    let mut misfits: Vec<(&'static str, Result<()>)> = vec![
        ("matmul", x().matmul(&t(2, 3), nn).map(drop)),
        ("matmul", x().matmul(&t(3, 2), nt).map(drop)),
        ("matmul", x().matmul(&t(3, 2), tn).map(drop)),
        ("matmul", x().matmul(&t(0, 3), nn).map(drop)),
        (
            "dense",
            x().dense(&t(3, 2), &t(1, 3), Activation::Relu).map(drop),
        ),
        (
            "dense",
            x().dense(&t(5, 3), &t(1, 3), Activation::Relu).map(drop),
        ),
        (
            "dense",
            x().dense(&t(5, 3), &t(5, 1), Activation::Relu).map(drop),
        ),
        ("bias_add", x().bias_add(&t(1, 2)).map(drop)),
        ("bias_add", x().bias_add(&t(3, 1)).map(drop)),
        (
            "cross_entropy",
            x().cross_entropy(&words(d, &[0])).map(drop),
        ),
        (
            "cross_entropy",
            x().cross_entropy(&words(d, &[0, 1, 2])).map(drop),
        ),
        (
            "cross_entropy",
            t(0, 3).cross_entropy(&words(d, &[])).map(drop),
        ),
        (
            "cross_entropy",
            t(2, 0).cross_entropy(&words(d, &[0, 0])).map(drop),
        ),
        (
            "gather_augmented",
            x().gather_augmented(&words(d, &[0]), &Augmentation::new([2, 2]), 0, 0)
                .map(drop),
        ),
        (
            "gather_augmented",
            Bytes::new(d, [1, 3], &[0; 3])
                .unwrap()
                .gather_augmented(&words(d, &[0]), &Augmentation::new([3, 3]), 0, 0, 1.0, 0.0)
                .map(drop),
        ),
        ("loss", x().loss(&squared, &[], &t(2, 4)).map(drop)),
        ("loss", x().loss(&squared, &[], &t(3, 2)).map(drop)),
        ("loss", x().loss(&squared, &[&x()], &x()).map(drop)),
        ("loss", x().loss(&squared, &[], &words(d, &[0])).map(drop)),
        ("loss", t(0, 3).loss(&squared, &[], &t(0, 3)).map(drop)),
        ("loss", t(2, 0).loss(&squared, &[], &t(2, 0)).map(drop)),
        ("loss", x().loss(&gaussian, &[], &x()).map(drop)),
        ("loss", x().loss(&gaussian, &[&t(2, 4)], &x()).map(drop)),
        ("loss", x().loss(&cosine, &[&x()], &x()).map(drop)),
        (
            "loss",
            x().loss(&triplet, &[&x()], TensorTarget::None).map(drop),
        ),
        (
            "row_losses",
            x().row_losses(&squared, &[], &t(2, 4)).map(drop),
        ),
        ("Tensor::new", Tensor::new(d, [2, 3], &[0.0; 5]).map(drop)),
        ("Tensor::new", Tensor::new(d, [2, 3], &[0.0; 7]).map(drop)),
        ("Tensor::new", Tensor::new(d, [0, 3], &[0.0]).map(drop)),
        ("update", x().update(&t(3, 2), &mut state(&x())).map(drop)),
        ("update", x().update(&x(), &mut state(&t(3, 3))).map(drop)),
    ];
    let batch_norm = |x: Tensor, gamma: Tensor, beta: Tensor, running: Tensor| {
        x.batch_norm(&gamma, &beta, &running, 1e-5, 0.1).map(drop)
    };
    let batch_norm_backward = |x: Tensor, saved: Tensor, gamma: Tensor| {
        t(2, 3).batch_norm_backward(&x, &saved, &gamma).map(drop)
    };
    let normalize = |gamma: Tensor, beta: Tensor, running: Tensor| {
        t(2, 3).normalize(&gamma, &beta, &running, 1e-5).map(drop)
    };
    let row = || t(1, 3);
    misfits.extend([
        ("batch_norm", batch_norm(x(), t(1, 4), row(), t(2, 3))),
        ("batch_norm", batch_norm(x(), row(), t(3, 1), t(2, 3))),
        ("batch_norm", batch_norm(x(), row(), row(), t(1, 3))),
        ("batch_norm", batch_norm(t(0, 3), row(), row(), t(2, 3))),
        (
            "batch_norm_backward",
            batch_norm_backward(t(3, 3), t(2, 3), row()),
        ),
        (
            "batch_norm_backward",
            batch_norm_backward(x(), t(1, 3), row()),
        ),
        (
            "batch_norm_backward",
            batch_norm_backward(x(), t(2, 3), t(1, 2)),
        ),
        ("normalize", normalize(t(1, 4), row(), t(2, 3))),
        ("normalize", normalize(row(), t(1, 4), t(2, 3))),
        ("normalize", normalize(row(), row(), t(2, 4))),
        (
            "layer_norm",
            x().layer_norm(&t(1, 2), &row(), 1e-5).map(drop),
        ),
        (
            "layer_norm",
            x().layer_norm(&row(), &t(2, 3), 1e-5).map(drop),
        ),
        (
            "layer_norm_backward",
            x().layer_norm_backward(&x(), &t(2, 3), 1e-5).map(drop),
        ),
        ("prelu", x().prelu(&t(1, 2)).map(drop)),
        ("prelu", x().prelu(&t(3, 1)).map(drop)),
        ("prelu_backward", x().prelu_backward(&x(), &x()).map(drop)),
        ("columns", x().columns(1..4).map(drop)),
        ("columns", x().columns(Range { start: 2, end: 1 }).map(drop)),
        ("columns", x().columns(usize::MAX..usize::MAX).map(drop)),
        ("place_columns", x().place_columns(1, 3).map(drop)),
        ("place_columns", x().place_columns(usize::MAX, 3).map(drop)),
        ("concatenate", x().concatenate(&t(3, 3)).map(drop)),
        (
            "gemm",
            x().gemm(&t(3, 5), Some(&t(3, 5)), Gemm::default())
                .map(drop),
        ),
        (
            "gemm",
            x().gemm(&t(3, 5), Some(&t(1, 4)), Gemm::default())
                .map(drop),
        ),
        (
            "gemm",
            x().gemm(&t(3, 5), Some(&t(0, 5)), Gemm::default())
                .map(drop),
        ),
        ("argmax", t(2, 0).argmax().map(drop)),
    ]);
    // (1, 3) is no row for all, and (2, 4) has the padded size of x.
    for other in [[3, 2], [1, 3], [2, 4]] {
        let other = || t(other[0], other[1]);
        misfits.extend([
            ("add", x().add(&other()).map(drop)),
            ("hadamard", x().hadamard(&other()).map(drop)),
            (
                "activate_backward",
                x().activate_backward(Activation::Tanh, &other()).map(drop),
            ),
            ("softmax_backward", x().softmax_backward(&other()).map(drop)),
            (
                "log_softmax_backward",
                x().log_softmax_backward(&other()).map(drop),
            ),
            ("update", x().update(&other(), &mut state(&x())).map(drop)),
            ("prelu_slope", x().prelu_slope(&other()).map(drop)),
            (
                "prelu_backward",
                x().prelu_backward(&other(), &row()).map(drop),
            ),
            (
                "layer_norm_backward",
                x().layer_norm_backward(&other(), &row(), 1e-5).map(drop),
            ),
            ("copy_from", x().copy_from(&other())),
            ("accumulate", x().accumulate(&other(), 1.0)),
            ("average", x().average(&other(), 0.5)),
            (
                "change_statistics",
                x().change_statistics(&other()).map(drop),
            ),
            (
                "update_clipped_by_value",
                x().update_clipped_by_value(&other(), &mut state(&x()), 1.0),
            ),
            (
                "update_clipped_by_norm",
                x().update_clipped_by_norm(&other(), &mut state(&x()), &norm(&x()), 1.0),
            ),
        ]);
    }
    misfits
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    for device in [cpu(), gpu()] {
        for (i, (name, result)) in misfits(device).into_iter().enumerate() {
            let Err(Error::Shape {
                operation,
                expected,
                found,
            }) = result
            else {
                panic!("misfit {i}, {name}: {result:?}");
            };
            assert_eq!(operation, name, "misfit {i}");
            assert_ne!(expected, found, "misfit {i}, {name}");
        }
    }
}

#[test]
fn a_state_of_another_shape_with_as_many_floats_is_refused() {
    for device in [cpu(), gpu()] {
        // Both take 16 floats with their padding.
        let result =
            zeros(device, 2, 5).update(&zeros(device, 2, 5), &mut state(&zeros(device, 4, 3)));
        assert!(
            matches!(
                result,
                Err(Error::Shape {
                    operation: "update",
                    ..
                })
            ),
            "{result:?}"
        );
    }
}

#[test]
fn tensors_that_no_device_can_count_are_refused() {
    for device in [cpu(), gpu()] {
        for shape in [
            [usize::MAX, 2],
            [2, usize::MAX],
            [1 << 16, 1 << 16],
            [1 << 30, 1],
        ] {
            let result = Tensor::zeros(device, shape);
            assert!(
                matches!(result, Err(Error::Argument { .. })),
                "{shape:?}: {result:?}"
            );
        }
        let column = zeros(device, 1 << 17, 1);
        let result = column.matmul(&column, Layout::NT);
        assert!(matches!(result, Err(Error::Argument { .. })), "{result:?}");
    }
}

#[test]
fn labels_and_indices_out_of_range_are_refused() {
    for device in [cpu(), gpu()] {
        for (labels, bad_row, bad_label) in [
            ([0, 1, 3], 2, 3),
            ([3, 0, 0], 0, 3),
            ([2, u32::MAX, 0], 1, u32::MAX),
        ] {
            let result = zeros(device, 3, 3).cross_entropy(&words(device, &labels));
            let Err(Error::Label {
                row,
                label,
                classes,
            }) = result
            else {
                panic!("{labels:?}: {result:?}");
            };
            assert_eq!((row, label, classes), (bad_row, bad_label, 3));
        }
        // The ignored label may be anything, the others may not; a single column has labels 0 and 1, but not if it is a
        // class.
        let ignoring = Loss::softmax_cross_entropy().ignore_index(9);
        let binary = Loss::binary_cross_entropy_with_logits();
        for (loss, cols, labels, bad) in [
            (&ignoring, 3, [9, 2, 9], None),
            (&ignoring, 3, [9, 8, 3], Some((1, 8, 3))),
            (&ignoring, 1, [0, 9, 1], Some((2, 1, 1))),
            (&binary, 1, [0, 1, 1], None),
            (&binary, 1, [0, 2, 1], Some((1, 2, 2))),
        ] {
            let result = zeros(device, 3, cols).loss(loss, &[], &words(device, &labels));
            match (result, bad) {
                (Ok(_), None) => {}
                (
                    Err(Error::Label {
                        row,
                        label,
                        classes,
                    }),
                    Some(bad),
                ) => assert_eq!((row, label, classes), bad),
                (result, _) => panic!("{labels:?}: {result:?}"),
            }
        }
        for (rows, index) in [(3, 3), (3, u32::MAX), (0, 0)] {
            let result = zeros(device, rows, 2).gather_rows(&words(device, &[index]));
            assert!(
                matches!(result, Err(Error::Argument { .. })),
                "{rows} rows, {index}: {result:?}"
            );
        }
    }
}

#[test]
fn settings_of_normalisations_and_distributions_out_of_range_are_refused() {
    for device in [cpu(), gpu()] {
        let x = zeros(device, 2, 3);
        let (row, running) = (zeros(device, 1, 3), zeros(device, 2, 3));
        let mut results = Vec::new();
        for bad in [0.0, -1e-5, f32::NAN, f32::INFINITY] {
            results.extend([
                x.batch_norm(&row, &row, &running, bad, 0.1).map(drop),
                x.normalize(&row, &row, &running, bad).map(drop),
                x.layer_norm(&row, &row, bad).map(drop),
                x.layer_norm_backward(&x, &row, bad).map(drop),
            ]);
        }
        for bad in [-0.1, 1.1, f32::NAN] {
            results.push(x.batch_norm(&row, &row, &running, 1e-5, bad).map(drop));
        }
        for bad in [-0.1, 1.0, f32::NAN, f32::INFINITY] {
            results.push(x.dropout(bad, 0, 0).map(drop));
        }
        for [low, high] in [
            [0.0, 0.0],
            [1.0, 0.0],
            [f32::NAN, 1.0],
            [0.0, f32::INFINITY],
            [f32::MIN, f32::MAX],
        ] {
            results.push(Tensor::uniform(device, [1, 1], low, high, 0, 0).map(drop));
        }
        for [mean, deviation] in [[f32::NAN, 1.0], [0.0, -1.0], [0.0, f32::INFINITY]] {
            results.push(Tensor::normal(device, [1, 1], mean, deviation, 0, 0).map(drop));
        }
        for (i, result) in results.iter().enumerate() {
            assert!(
                matches!(result, Err(Error::Argument { .. })),
                "{i}: {result:?}"
            );
        }
    }
}

#[test]
fn operands_on_different_devices_are_refused() {
    for (here, there) in [(cpu(), gpu()), (gpu(), cpu())] {
        let (x, y) = (zeros(here, 2, 2), zeros(there, 2, 2));
        let (row, far_row) = (zeros(here, 1, 2), zeros(there, 1, 2));
        let (squared, gaussian) = (Loss::squared_error(), Criterion::GaussianNll.into());
        let mut w = zeros(here, 2, 2);
        let mut w_state = state(&w);
        let calls = [
            ("matmul", x.matmul(&y, Layout::NN).map(drop)),
            ("dense", x.dense(&y, &row, Activation::Relu).map(drop)),
            ("dense", x.dense(&x, &far_row, Activation::Relu).map(drop)),
            ("bias_add", x.bias_add(&far_row).map(drop)),
            ("add", x.add(&y).map(drop)),
            ("hadamard", x.hadamard(&y).map(drop)),
            (
                "activate_backward",
                x.activate_backward(Activation::Relu, &y).map(drop),
            ),
            ("softmax_backward", x.softmax_backward(&y).map(drop)),
            ("log_softmax_backward", x.log_softmax_backward(&y).map(drop)),
            (
                "cross_entropy",
                x.cross_entropy(&words(there, &[0, 0])).map(drop),
            ),
            ("loss", x.loss(&squared, &[], &y).map(drop)),
            ("loss", x.loss(&gaussian, &[&y], &x).map(drop)),
            (
                "loss",
                x.loss(&squared, &[], &words(there, &[0, 0])).map(drop),
            ),
            ("gather_rows", x.gather_rows(&words(there, &[0])).map(drop)),
            (
                "gather_augmented",
                x.gather_augmented(&words(there, &[0]), &Augmentation::new([1, 2]), 0, 0)
                    .map(drop),
            ),
            ("update", w.update(&y, &mut w_state)),
            ("copy_from", w.copy_from(&y)),
            ("prelu", x.prelu(&far_row).map(drop)),
            ("concatenate", x.concatenate(&y).map(drop)),
            (
                "gemm",
                x.gemm(&x, Some(&far_row), Gemm::default()).map(drop),
            ),
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

#[track_caller]
fn assert_limit(result: Result<Tensor>, most: u64) {
    let Err(Error::Limit { needed, limit, .. }) = &result else {
        panic!("{result:?}");
    };
    assert_eq!(*limit, most);
    assert!(*needed > most, "{needed}");
    let message = result.unwrap_err().to_string();
    assert!(message.contains(&most.to_string()), "{message}");
}

#[test]
fn a_result_over_the_binding_limit_is_refused_with_both_numbers() {
    // Without sentinels the host holds none of it.
    let device = Device::gpu(GpuOptions::default().allow_software(true)).unwrap();
    let report = device.report();
    let most = report.max_binding_bytes.min(report.max_buffer_bytes);
    // The outer product of two columns, of just more elements than fit, if 32 bits can count them.
    let side = (((most / 4) as f64).sqrt() as usize + 4)
        .next_multiple_of(4)
        .min(65_532);
    assert!(
        (side * side) as u64 * 4 > most,
        "the limit is out of reach: {most}"
    );
    let column = zeros(&device, side, 1);
    assert_limit(column.matmul(&column, Layout::NT), most);
    // The device is still of use.
    assert_eq!(zeros(&device, 1, 1).sum().unwrap(), 0.0);
}

#[test]
fn an_upload_over_the_binding_limit_is_refused_with_both_numbers() {
    let device = Device::gpu(GpuOptions::default().allow_software(true)).unwrap();
    let report = device.report();
    let most = report.max_binding_bytes.min(report.max_buffer_bytes);
    // The host holds the values twice: 2 GiB at most.
    let cols = (most / 4) as usize + 1;
    if most <= 1 << 30 {
        assert_limit(Tensor::zeros(&device, [1, cols]), most);
    } else {
        println!(
            "not tried: it would take {} bytes of the host's memory",
            2 * most
        );
    }
    assert_eq!(zeros(&device, 1, 1).sum().unwrap(), 0.0);
}

#[test]
fn logits_that_are_not_finite_are_refused() {
    for device in [cpu(), gpu()] {
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for [rows, cols] in [[1, 1], [3, 5], [67, 33], [2, 1000]] {
                for place in [0, rows * cols / 2, rows * cols - 1] {
                    let mut logits = vec![0.5; rows * cols];
                    logits[place] = bad;
                    let logits = Tensor::new(device, [rows, cols], &logits).unwrap();
                    let result = logits.cross_entropy(&words(device, &vec![0; rows]));
                    assert!(
                        matches!(&result, Err(Error::NonFinite { tensor, .. }) if tensor == "the loss"),
                        "{bad} at {place} of [{rows}, {cols}] on {}: {result:?}",
                        device.report(),
                    );
                }
            }
        }
    }
}

#[test]
fn every_call_on_a_lost_device_says_so() {
    let device = open(GpuOptions::default());
    let x = Tensor::new(&device, [2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let labels = words(&device, &[0, 1]);
    let mut w = zeros(&device, 2, 2);
    let mut w_state = state(&w);
    assert_eq!(x.sum().unwrap(), 10.0);
    device.simulate_loss();
    // Twice, since a loss is for good.
    for round in 0..2 {
        let calls = [
            ("download", x.download().map(drop)),
            ("add", x.add(&x).and_then(|y| y.download()).map(drop)),
            (
                "matmul",
                x.matmul(&x, Layout::NN)
                    .and_then(|y| y.download())
                    .map(drop),
            ),
            ("sum", x.sum().map(drop)),
            ("cross_entropy", x.cross_entropy(&labels).map(drop)),
            (
                "update",
                w.update(&x, &mut w_state)
                    .and_then(|()| w.download())
                    .map(drop),
            ),
            (
                "Tensor::new",
                Tensor::new(&device, [1, 1], &[1.0])
                    .and_then(|y| y.download())
                    .map(drop),
            ),
            ("Words::new", Words::new(&device, &[1]).map(drop)),
        ];
        for (name, result) in calls {
            assert!(
                matches!(result, Err(Error::DeviceLost { .. })),
                "{name}, round {round}: {result:?}"
            );
        }
    }
    // What is left of it can be let go, and another one opened.
    drop((x, labels, w, w_state, device));
    assert_eq!(
        zeros(&open(GpuOptions::default()), 2, 2).sum().unwrap(),
        0.0
    );
}

#[test]
fn losing_the_cpu_does_nothing() {
    cpu().simulate_loss();
    assert_eq!(zeros(cpu(), 2, 2).sum().unwrap(), 0.0);
}

#[test]
fn parameters_of_activations_outside_their_range_are_refused() {
    let mut refused = Vec::new();
    for bad in [-0.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        refused.extend([
            Activation::LeakyRelu { slope: bad },
            Activation::ThresholdedRelu { theta: bad },
            Activation::Elu { alpha: bad },
            Activation::HardShrink { lambda: bad },
            Activation::SoftShrink { lambda: bad },
            Activation::Softplus {
                beta: 1.0,
                threshold: bad,
            },
        ]);
    }
    for bad in [-1.0, 0.0, 0.9e-6, 1.1e6, f32::NAN, f32::INFINITY] {
        refused.extend([
            Activation::Celu { alpha: bad },
            Activation::HardSigmoid {
                slope: bad,
                offset: 0.5,
            },
            Activation::Softplus {
                beta: bad,
                threshold: 20.0,
            },
        ]);
    }
    for offset in [-1.1e6, 1.1e6, f32::NAN, f32::INFINITY] {
        refused.push(Activation::HardSigmoid { slope: 0.2, offset });
    }
    for [min, max] in [
        [1.0, 1.0],
        [1.0, -1.0],
        [f32::NAN, 1.0],
        [-1.0, f32::NAN],
        [f32::NEG_INFINITY, 1.0],
        [-1.0, f32::INFINITY],
    ] {
        refused.push(Activation::HardTanh { min, max });
    }
    for device in [cpu(), gpu()] {
        let x = zeros(device, 2, 2);
        for &f in &refused {
            let calls = [
                x.activate(f),
                x.activate_backward(f, &x),
                x.dense(&x, &zeros(device, 1, 2), f),
            ];
            for result in calls {
                assert!(
                    matches!(result, Err(Error::Argument { .. })),
                    "{f:?}: {result:?}"
                );
            }
        }
        for f in Activation::ALL {
            assert!(x.activate(f).is_ok(), "{f}");
        }
    }
}

#[test]
fn decays_of_averages_outside_their_range_are_refused() {
    for device in [cpu(), gpu()] {
        let (mut average, w) = (zeros(device, 2, 2), zeros(device, 2, 2));
        for wrong in [f64::NAN, f64::INFINITY, -0.1, 1.0, 1.0 - 1e-12] {
            let result = average.average(&w, wrong);
            assert!(matches!(result, Err(Error::Argument { .. })), "{wrong}");
        }
        assert!(average.average(&w, 0.0).is_ok());
    }
}

fn assert_refused(optimizers: &[Optimizer]) {
    assert!(!optimizers.is_empty());
    for device in [cpu(), gpu()] {
        let w = zeros(device, 2, 2);
        let mut accepted = optimizers.to_vec();
        accepted.retain(|&optimizer| {
            let result = OptimizerState::new(&w, optimizer);
            !matches!(result, Err(Error::Argument { .. }))
        });
        assert!(accepted.is_empty(), "not refused: {accepted:#?}");
    }
}

#[test]
fn hyperparameters_outside_their_ranges_are_refused() {
    let mut bad: Vec<Optimizer> = vec![
        Sgd::new(0.1).dampening(f64::NAN).into(),
        Sgd::new(0.1).nesterov(true).into(),
        Sgd::new(0.1)
            .momentum(0.9)
            .dampening(0.1)
            .nesterov(true)
            .into(),
    ];
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1] {
        bad.append(&mut vec![
            Sgd::new(wrong).into(),
            Adam::new(wrong).into(),
            Adam::w(wrong).into(),
        ]);
        bad.append(&mut vec![
            Adagrad::new(wrong).into(),
            RmsProp::new(wrong).into(),
            Adadelta::new(wrong).into(),
            Adamax::new(wrong).into(),
            NAdam::new(wrong).into(),
            RAdam::new(wrong).into(),
            Lion::new(wrong).into(),
        ]);
        bad.append(&mut vec![
            Sgd::new(0.1).l1(wrong).into(),
            Adam::new(0.1).l1(wrong).into(),
            Adam::w(0.1).l1(wrong).into(),
            Adagrad::new(0.1).l1(wrong).into(),
            RmsProp::new(0.1).l1(wrong).into(),
            Adadelta::new(0.1).l1(wrong).into(),
            Adamax::new(0.1).l1(wrong).into(),
            NAdam::new(0.1).l1(wrong).into(),
            RAdam::new(0.1).l1(wrong).into(),
            Lion::new(0.1).l1(wrong).into(),
        ]);
        bad.append(&mut vec![
            Sgd::new(0.1).weight_decay(wrong).into(),
            Adam::new(0.1).weight_decay(wrong).into(),
            Adam::w(0.1).weight_decay(wrong).into(),
            Adagrad::new(0.1).weight_decay(wrong).into(),
            RmsProp::new(0.1).weight_decay(wrong).into(),
            Adadelta::new(0.1).weight_decay(wrong).into(),
            Adamax::new(0.1).weight_decay(wrong).into(),
            NAdam::new(0.1).weight_decay(wrong).into(),
            NAdam::new(0.1).weight_decay(wrong).decoupled(true).into(),
            RAdam::new(0.1).weight_decay(wrong).into(),
            RAdam::new(0.1).weight_decay(wrong).decoupled(true).into(),
            Lion::new(0.1).weight_decay(wrong).into(),
            NAdam::new(0.1).momentum_decay(wrong).into(),
            Adagrad::new(0.1).rate_decay(wrong).into(),
            Adagrad::new(0.1).initial_accumulator(wrong).into(),
        ]);
    }
    for wrong in [f64::NAN, f64::INFINITY, -0.1, 1.0, 1.5] {
        bad.append(&mut vec![
            Sgd::new(0.1).momentum(wrong).into(),
            Adam::new(0.1).betas(wrong, 0.9).into(),
            Adam::new(0.1).betas(0.9, wrong).into(),
            RmsProp::new(0.1).alpha(wrong).into(),
            RmsProp::new(0.1).momentum(wrong).into(),
            Adadelta::new(0.1).rho(wrong).into(),
            Adamax::new(0.1).betas(wrong, 0.9).into(),
            Adamax::new(0.1).betas(0.9, wrong).into(),
            NAdam::new(0.1).betas(wrong, 0.9).into(),
            NAdam::new(0.1).betas(0.9, wrong).into(),
            RAdam::new(0.1).betas(wrong, 0.9).into(),
            RAdam::new(0.1).betas(0.9, wrong).into(),
            Lion::new(0.1).betas(wrong, 0.9).into(),
            Lion::new(0.1).betas(0.9, wrong).into(),
        ]);
    }
    for wrong in [f64::NAN, f64::INFINITY, -1e-8, 0.0, 1e-60] {
        bad.append(&mut vec![
            Adam::new(0.1).epsilon(wrong).into(),
            Adagrad::new(0.1).epsilon(wrong).into(),
            RmsProp::new(0.1).epsilon(wrong).into(),
            Adadelta::new(0.1).epsilon(wrong).into(),
            Adamax::new(0.1).epsilon(wrong).into(),
            NAdam::new(0.1).epsilon(wrong).into(),
            RAdam::new(0.1).epsilon(wrong).into(),
        ]);
    }
    assert_refused(&bad);
}

#[test]
fn hyperparameters_that_are_not_finite_as_f32_or_flush_to_zero_are_refused() {
    assert_refused(&[
        // Finite as f64, infinite as f32: 0 · ∞ is NaN.
        Sgd::new(1e39).into(),
        Adam::w(0.1).weight_decay(1e39).into(),
        Adagrad::new(0.1).initial_accumulator(1e39).into(),
        Adam::new(0.1).epsilon(1e39).into(),
        Sgd::new(0.1).momentum(0.5).dampening(1e39).into(),
        // Below 1 as f64, but 1 as f32: the average never forgets.
        Adam::new(0.1).betas(0.9, 1.0 - 1e-12).into(),
        Sgd::new(0.1).momentum(1.0 - 1e-12).into(),
        // Subnormal as f32: a GPU may flush it to zero, and 0/0 is NaN.
        Adam::new(0.1).epsilon(1e-40).into(),
        Adagrad::new(0.1).epsilon(1e-40).into(),
        RmsProp::new(0.1).epsilon(1e-40).into(),
    ]);
}

#[test]
fn hyperparameters_at_the_ends_of_their_ranges_are_legal() {
    let optimizers: [Optimizer; 11] = [
        Sgd::new(0.0).into(),
        Sgd::new(0.0).momentum(0.999).dampening(1.0).into(),
        Adam::new(0.0).betas(0.0, 0.0).into(),
        Adagrad::new(0.0).initial_accumulator(0.0).into(),
        RmsProp::new(0.0).alpha(0.0).momentum(0.0).into(),
        Adadelta::new(0.0).rho(0.0).into(),
        Adamax::new(0.0).betas(0.0, 0.0).into(),
        NAdam::new(0.0).betas(0.0, 0.0).momentum_decay(0.0).into(),
        RAdam::new(0.0).betas(0.0, 0.0).into(),
        Lion::new(0.0).betas(0.0, 0.0).into(),
        Sgd::new(0.0)
            .momentum(0.9)
            .nesterov(true)
            .classical(true)
            .into(),
    ];
    for optimizer in optimizers {
        for device in [cpu(), gpu()] {
            let mut w = Tensor::new(device, [1, 2], &[1.5, -2.5]).unwrap();
            let mut state = OptimizerState::new(&w, optimizer).unwrap();
            let gradient = Tensor::new(device, [1, 2], &[1.0, 0.0]).unwrap();
            w.update(&gradient, &mut state).unwrap();
            assert_eq!(w.download().unwrap(), [1.5, -2.5], "{optimizer:?}");
        }
    }
}

#[test]
fn augmentations_out_of_range_are_refused() {
    let images = || Augmentation::new([4, 6]);
    let d = cpu();
    for (augmentation, wanted) in [
        (Augmentation::new([0, 24]), "side"),
        (Augmentation::new([24, 0]), "side"),
        (Augmentation::new([1, usize::MAX]), "side"),
        (images().channels(0), "channels"),
        (images().shift(-1.0), "shift"),
        (images().shift(f32::NAN), "shift"),
        (images().shift(40_000.0), "shift"),
        (images().rotate(181.0), "degrees"),
        (images().rotate(-1.0), "degrees"),
        (images().rotate(f32::INFINITY), "degrees"),
        (images().scale(0.95), "scale"),
        (images().scale(-0.1), "scale"),
        (images().elastic(-1.0, 3), "amplitude"),
        (images().elastic(f32::NAN, 3), "amplitude"),
        (images().elastic(1.0, 0), "spacing"),
        (images().elastic(1.0, usize::MAX), "spacing"),
        // 67 · 35 control points.
        (
            Augmentation::new([64, 32]).elastic(1.0, 1),
            "1024 control points",
        ),
    ] {
        let rows = words(d, &[0]);
        let error = zeros(d, 1, 24)
            .gather_augmented(&rows, &augmentation, 0, 0)
            .unwrap_err();
        assert!(
            matches!(error, Error::Argument { .. }) && error.to_string().contains(wanted),
            "{augmentation:?}: {error}"
        );
    }
    let past = zeros(d, 1, 24).gather_augmented(&words(d, &[1]), &images(), 0, 0);
    assert!(matches!(past, Err(Error::Argument { .. })), "{past:?}");
}

#[test]
fn losses_out_of_range_and_targets_they_do_not_take_are_refused() {
    let device = cpu();
    let (x, labels) = (zeros(device, 2, 3), words(device, &[0, 1]));
    let plain = Loss::softmax_cross_entropy;
    let multi_margin = Criterion::MultiMargin { margin: 1.0 };
    let no_target = TensorTarget::None;
    let (of_labels, of_values) = (TensorTarget::Labels(&labels), TensorTarget::Values(&x));
    let squared = Loss::mean_squared_error;
    let refused: Vec<(Loss, TensorTarget<'_>)> = vec![
        (plain().label_smoothing(1.5), of_labels),
        (plain().label_smoothing(-0.1), of_labels),
        (plain().label_smoothing(f32::NAN), of_labels),
        (Criterion::SmoothL1 { beta: 0.0 }.into(), of_values),
        (Criterion::SmoothL1 { beta: f32::NAN }.into(), of_values),
        (Criterion::Huber { delta: -1.0 }.into(), of_values),
        (
            Criterion::Hinge {
                margin: f32::INFINITY,
            }
            .into(),
            of_values,
        ),
        (Criterion::MultiMargin { margin: 0.0 }.into(), of_labels),
        (Criterion::TripletMargin { margin: -1.0 }.into(), no_target),
        (Criterion::CosineEmbedding { margin: 1.5 }.into(), of_labels),
        (plain().scaled(f32::NAN), of_labels),
        (plain().class_weights([1.0, 1.0]), of_labels),
        (plain().class_weights([1.0, -1.0, 1.0]), of_labels),
        (plain().class_weights([1.0, f32::NAN, 1.0]), of_labels),
        (squared().class_weights([1.0; 3]), of_values),
        (squared().ignore_index(1), of_values),
        (squared(), no_target),
        (squared(), TensorTarget::Constant(f32::NAN)),
        (multi_margin.into(), of_values),
        (multi_margin.into(), TensorTarget::Constant(0.0)),
        (Criterion::Value.into(), of_labels),
    ];
    for (loss, target) in refused {
        let result = x.loss(&loss, &[], target).map(drop);
        assert!(
            matches!(result, Err(Error::Argument { .. })),
            "{loss:?}, {target:?}: {result:?}"
        );
    }
}
