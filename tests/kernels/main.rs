//! Tensor calls other than products, on GPU and CPU against the oracle, with awkward shapes and extreme values.

#[path = "../common/mod.rs"]
mod common;

mod activations;
mod all_calls;
mod attention;
mod attention_dropout;
mod augmentation;
mod axpby;
mod convolution;
mod cross_entropy;
mod dimensions;
mod elementwise;
mod embedding;
mod layer_normalization;
mod long_axes;
mod long_sums;
mod losses;
mod movement;
mod normalization;
mod offset_data;
mod pooling;
mod prelu;
mod random;
mod recurrent;
mod reductions;
mod refusals;
mod row_normalization;
mod softmax;
mod statistics;

use common::compare::{Tolerance, assert_each_close, assert_same_bits};
use common::data::{DIMS, shapes};
use common::devices::{cpu, gpu, gpu_hardware_kernels, gpu_hardware_kernels_without_subgroups};
use common::oracle::widen;
use wgrad::{Device, Result, Tensor};

/// A shape sweep for the elementwise calls, with every dimension as rows and as columns.
fn element_shapes() -> Vec<[usize; 2]> {
    let sweep = shapes::<2>(3, 2, 150_000);
    for place in 0..2 {
        assert!(
            DIMS.iter()
                .all(|dim| sweep.iter().any(|shape| shape[place] == *dim))
        );
    }
    sweep
}

/// The same for the calls that reduce over rows or columns, with long rows and long columns.
fn reduction_shapes() -> Vec<[usize; 2]> {
    let mut sweep = element_shapes();
    sweep.extend([
        [1, 4096],
        [3, 4099],
        [2, 9_001],
        [9_001, 2],
        [4099, 3],
        [65, 1000],
    ]);
    sweep
}

/// Runs a call on all devices, compares each with the truth and the GPU with the CPU, and runs it once more on the GPU.
fn check(
    name: &str,
    expected: &[f64],
    tolerance: impl Fn(usize) -> Tolerance,
    call: impl Fn(&Device) -> Result<Tensor>,
) {
    let run = |device: &Device| {
        call(device)
            .and_then(|y| y.download())
            .unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    let (on_gpu, on_cpu) = (run(gpu()), run(cpu()));
    for (device, subgroups) in [
        (gpu_hardware_kernels(), "with"),
        (gpu_hardware_kernels_without_subgroups(), "without"),
    ] {
        let name = format!("{name}, kernels for hardware {subgroups} subgroups");
        let found = run(device);
        assert_each_close(&name, &found, expected, &tolerance);
        assert_same_bits(&name, &found, &run(device));
    }
    assert_each_close(&format!("{name} on the CPU"), &on_cpu, expected, &tolerance);
    assert_each_close(&format!("{name} on the GPU"), &on_gpu, expected, &tolerance);
    // Errors rarely reach the tolerance, so two of them never reach twice that.
    let (name_of_both, twin) = (format!("{name}, GPU against CPU"), widen(&on_cpu));
    assert_each_close(&name_of_both, &on_gpu, &twin, |i| tolerance(i).times(1.5));
    assert_same_bits(name, &on_gpu, &run(gpu()));
}
