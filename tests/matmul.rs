//! Matrix products and dense layers with awkward shapes, on the CPU and on the GPU with and without subgroups, 64-bit
//! words and runtime checks, against the oracle. Integer-valued products must be exact.

mod common;
#[path = "matmul/long.rs"]
mod long;
#[path = "matmul/stacks.rs"]
mod stacks;

use common::activations;
use common::compare::{Tolerance, assert_close, assert_each_close};
use common::data::{DIMS, Random, shapes};
use common::devices::{
    ALGORITHMS, cpu, gpu, gpu_checked, gpu_hardware_kernels, gpu_with, gpu_without_extras, open,
    tuning,
};
use common::oracle;
use common::precision::{ULP, product_ulps};
use wgrad::{Activation, Device, GpuOptions, Layout, Tensor};

/// Multiply-adds of the largest product.
const MOST: usize = 40_000_000;

fn devices() -> [(&'static str, &'static Device); 4] {
    [
        ("CPU", cpu()),
        ("GPU", gpu()),
        ("GPU without extras", gpu_without_extras()),
        ("GPU, kernels for hardware", gpu_hardware_kernels()),
    ]
}

/// The shapes of A and B as they are stored.
fn operands([m, n, k]: [usize; 3], layout: Layout) -> [[usize; 2]; 2] {
    match layout {
        Layout::NN => [[m, k], [k, n]],
        Layout::NT => [[m, k], [n, k]],
        Layout::TN => [[k, m], [k, n]],
    }
}

fn product(device: &Device, shape: [usize; 3], layout: Layout, a: &[f32], b: &[f32]) -> Vec<f32> {
    let [shape_a, shape_b] = operands(shape, layout);
    let a = Tensor::new(device, shape_a, a).unwrap();
    let c = a
        .matmul(&Tensor::new(device, shape_b, b).unwrap(), layout)
        .unwrap();
    assert_eq!(c.shape(), [shape[0], shape[1]]);
    c.download().unwrap()
}

/// Compares integer-valued products of these shapes with the oracle.
fn check_exact(devices: &[(&str, &Device)], layout: Layout, shapes: &[[usize; 3]]) {
    assert!(!devices.is_empty() && !shapes.is_empty());
    for &shape @ [m, n, k] in shapes {
        let mut random = Random::new((m * 3 + n * 5 + k * 7) as u64);
        let (a, b) = (random.integers(m * k), random.integers(n * k));
        let expected = oracle::matmul(&a, &b, shape, layout);
        for (name, device) in devices {
            let name = format!("{name}, {layout:?} {shape:?}");
            assert_close(
                &name,
                &product(device, shape, layout, &a, &b),
                &expected,
                Tolerance::EXACT,
            );
        }
    }
}

/// A sweep with every dimension in every place; then products that were zeros on some adapters in other projects, and,
/// as a large flat one, enough outputs for the largest tiles of a real GPU.
fn sweep(layout: Layout) {
    let mut sweep = shapes::<3>(layout as u64, 3, MOST);
    assert!(sweep.len() >= 75);
    for place in 0..3 {
        assert!(
            DIMS.iter()
                .all(|dim| sweep.iter().any(|shape| shape[place] == *dim))
        );
    }
    sweep.extend([
        [257, 384, 1152],
        [1152, 257, 384],
        [500, 500, 65],
        [1024, 513, 33],
        [1409, 1537, 9],
    ]);
    check_exact(&devices(), layout, &sweep);
}

#[test]
fn integer_products_are_exact_nn() {
    sweep(Layout::NN);
}

#[test]
fn integer_products_are_exact_nt() {
    sweep(Layout::NT);
}

#[test]
fn integer_products_are_exact_tn() {
    sweep(Layout::TN);
}

#[test]
fn integer_products_are_exact_with_runtime_checks() {
    for layout in Layout::ALL {
        let mut sweep = shapes::<3>(9, 3, MOST);
        sweep.retain(|shape| shape.iter().product::<usize>() < 200_000);
        sweep.push([129, 65, 33]);
        assert!(sweep.len() > 30);
        check_exact(
            &[("GPU with runtime checks", gpu_checked())],
            layout,
            &sweep,
        );
    }
}

/// Each algorithm for GPUs, though the shape would choose another: every dimension in every place, ends of tiles and
/// depths, and fewer k than slices.
#[test]
fn integer_products_are_exact_with_every_algorithm() {
    let mut sweep = shapes::<3>(11, 1, 2_000_000);
    for place in 0..3 {
        assert!(
            DIMS.iter()
                .all(|dim| sweep.iter().any(|shape| shape[place] == *dim))
        );
    }
    sweep.extend([[1, 512, 784], [64, 10, 512], [10, 64, 1030], [5, 13, 2049]]);
    for algorithm in ALGORITHMS {
        let device = gpu_with(algorithm, &sweep);
        for layout in Layout::ALL {
            check_exact(&[(algorithm, &device)], layout, &sweep);
        }
    }
}

#[test]
fn integer_products_are_exact_with_every_algorithm_and_runtime_checks() {
    let sweep = [
        [1, 1, 1],
        [3, 7, 5],
        [33, 17, 65],
        [5, 9, 0],
        [130, 6, 70],
        [2, 67, 257],
    ];
    for algorithm in ALGORITHMS {
        let options = GpuOptions::default().tuning(tuning(algorithm, &sweep));
        let device = open(options.runtime_checks(true));
        for layout in Layout::ALL {
            check_exact(&[(algorithm, &device)], layout, &sweep);
        }
    }
}

/// Random products of these shapes in all layouts.
fn check_rounding(devices: &[(&str, &Device)], shapes: &[[usize; 3]]) {
    assert!(!shapes.is_empty());
    for layout in Layout::ALL {
        for &shape @ [m, n, k] in shapes {
            let mut random = Random::new(k as u64);
            let (a, b) = (random.normals(m * k), random.uniform(n * k, -3.0, 5.0));
            let expected = oracle::matmul(&a, &b, shape, layout);
            let magnitudes = |x: &[f32]| x.iter().map(|x| x.abs()).collect::<Vec<_>>();
            let magnitudes = oracle::matmul(&magnitudes(&a), &magnitudes(&b), shape, layout);
            let tolerance = |i: usize| Tolerance::absolute(product_ulps(k) * ULP * magnitudes[i]);
            for (name, device) in devices {
                let name = format!("{name}, {layout:?} {shape:?}");
                assert_each_close(
                    &name,
                    &product(device, shape, layout, &a, &b),
                    &expected,
                    tolerance,
                );
            }
        }
    }
}

#[test]
fn random_products_round_like_a_sum() {
    let shapes = [
        [1, 1, 1024],
        [3, 5, 7],
        [17, 65, 129],
        [128, 128, 128],
        [64, 10, 784],
        [129, 33, 1024],
        [257, 384, 1152],
    ];
    check_rounding(&devices(), &shapes);
    for algorithm in ALGORITHMS {
        let shapes = &shapes[..5];
        check_rounding(&[(algorithm, &gpu_with(algorithm, shapes))], shapes);
    }
}

fn every_activation() -> Vec<Activation> {
    let all = Activation::ALL.into_iter();
    all.chain([Activation::LeakyRelu { slope: 0.25 }]).collect()
}

/// Dense layers whose z are exact, so that only the activation errs.
fn check_dense(devices: &[(&str, &Device)], activations: &[Activation], shapes: &[[usize; 3]]) {
    assert!(!shapes.is_empty());
    for &shape @ [batch, outputs, inputs] in shapes {
        let mut random = Random::new((batch + outputs + inputs) as u64);
        let x = random.eighths(batch * inputs);
        let weight = random.eighths(outputs * inputs);
        let bias = random.eighths(outputs);
        let z = oracle::add_bias(&oracle::matmul(&x, &weight, shape, Layout::NT), &bias);
        for &f in activations {
            let expected: Vec<f64> = z.iter().map(|&z| activations::value(f, z)).collect();
            for (name, device) in devices {
                let x = Tensor::new(device, [batch, inputs], &x).unwrap();
                let weight = Tensor::new(device, [outputs, inputs], &weight).unwrap();
                let bias = Tensor::new(device, [1, outputs], &bias).unwrap();
                let y = x.dense(&weight, &bias, f).unwrap();
                assert_eq!(y.shape(), [batch, outputs]);
                let name = format!("{name}, dense {shape:?} {f}");
                let tolerance = |i: usize| activations::tolerance(f, z[i]);
                assert_each_close(&name, &y.download().unwrap(), &expected, tolerance);
            }
        }
    }
}

#[test]
fn dense_layers_add_their_bias_and_activate() {
    let mut sweep = shapes::<3>(7, 1, 4_000_000);
    sweep.extend([[64, 10, 784], [257, 513, 0]]);
    check_dense(&devices(), &every_activation(), &sweep);
}

#[test]
fn dense_layers_add_their_bias_and_activate_with_every_algorithm() {
    let sweep = [
        [1, 1, 1],
        [3, 7, 5],
        [33, 17, 65],
        [5, 9, 0],
        [2, 130, 258],
        [9, 6, 1100],
    ];
    for algorithm in ALGORITHMS {
        let activations = [Activation::Identity, Activation::Gelu];
        check_dense(
            &[(algorithm, &gpu_with(algorithm, &sweep))],
            &activations,
            &sweep,
        );
    }
}

#[test]
fn dense_layers_work_with_runtime_checks() {
    let sweep = [[1, 1, 1], [3, 7, 5], [33, 17, 65], [5, 9, 0]];
    let devices = [("GPU with runtime checks", gpu_checked())];
    check_dense(&devices, &every_activation(), &sweep);
}
