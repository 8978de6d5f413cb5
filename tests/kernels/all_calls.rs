//! Properties of every call that returns or changes a tensor: zero padding, and the same bits on every run.

mod calls;
mod layers;

use crate::common::compare::{Tolerance, assert_close, assert_same_bits};
use crate::common::data::Random;
use crate::common::devices::{
    cpu, gpu, gpu_checked, gpu_hardware_kernels, gpu_hardware_kernels_without_subgroups,
    gpu_without_extras, open,
};
use crate::common::oracle::{self, widen};
use crate::common::precision::{ULP, sum_ulps};
use calls::calls;
use wgrad::{Device, DeviceKind, GpuOptions, Result, Tensor};

type Call = Box<dyn Fn(&Device) -> Result<Tensor>>;

#[test]
fn padding_stays_zero() {
    for (name, call) in calls() {
        for device in [cpu(), gpu()] {
            let y = call(device).unwrap();
            let values = y.download().unwrap();
            // The norm counts the padding, of which a single 0.01 would show.
            let norm = oracle::norm(&values);
            let with_padding = f64::from(y.norm().unwrap());
            let padding = (with_padding.powi(2) - norm.powi(2)).abs();
            let limit = 2.0 * sum_ulps(2 * values.len()) * ULP * norm.powi(2);
            assert!(
                padding <= limit,
                "{name} on {}: {padding:e}, limit {limit:e}",
                device.report()
            );
        }
    }
}

#[test]
fn runs_repeat_bit_for_bit_and_options_of_the_device_change_only_rounding() {
    for (name, call) in calls() {
        let run = |device: &Device| call(device).unwrap().download().unwrap();
        let plain = run(gpu());
        for _ in 0..3 {
            assert_same_bits(&name, &run(gpu()), &plain);
        }
        // The compiler may fuse other multiplications and additions there. Values are about 1, sums have 129 terms,
        // and the worst amplification is the 8 of a first optimizer step: 10⁻⁵ is 84 ULP.
        let expected = widen(&plain);
        for device in [gpu_checked(), gpu_without_extras()] {
            let tolerance = Tolerance {
                relative: 1e-5,
                absolute: 1e-5,
            };
            assert_close(&name, &run(device), &expected, tolerance);
        }
    }
}

#[test]
fn words_of_64_bits_change_no_bit() {
    // Where the adapter has none, or is no software, these are the same kernels.
    let without = open(GpuOptions::default().loads64(false));
    for (name, call) in calls() {
        let run = |device: &Device| call(device).unwrap().download().unwrap();
        assert_same_bits(&name, &run(gpu()), &run(&without));
    }
}

#[test]
fn subgroups_change_no_bit_of_what_hardware_kernels_reduce() {
    let (with, without) = (
        gpu_hardware_kernels(),
        gpu_hardware_kernels_without_subgroups(),
    );
    // Sums of nothing but loaded values, and the greatest of them, have the same bits however they are compiled.
    for shape @ [rows, cols] in [[1, 1], [3, 33], [7, 255], [65, 1000], [513, 1024]] {
        let values = Random::new(8).normals(rows * cols);
        let results = [with, without].map(|device| {
            let x = Tensor::new(device, shape, &values).unwrap();
            let found = x.statistics().unwrap();
            let sums = [x.sum().unwrap(), found.mean as f32, found.max_abs as f32];
            (sums, x.argmax().unwrap())
        });
        assert_same_bits(&format!("sums {shape:?}"), &results[0].0, &results[1].0);
        assert_eq!(results[0].1, results[1].1, "argmax {shape:?}");
    }
    // Where a term is computed first, a compiler may fuse its last product with a sum's first addition. Software does
    // not.
    for (name, call) in calls() {
        let run = |device: &Device| call(device).unwrap().download().unwrap();
        let (found, expected) = (run(with), run(without));
        if with.report().adapter.kind == DeviceKind::SoftwareGpu {
            assert_same_bits(&name, &found, &expected);
        } else {
            let tolerance = Tolerance {
                relative: 1e-5,
                absolute: 1e-5,
            };
            assert_close(&name, &found, &widen(&expected), tolerance);
        }
    }
}
