//! Activations and their derivatives, for all shapes and for extreme values.

use crate::common::data::Random;
use crate::common::devices::{cpu, gpu};
use crate::common::{oracle, precision};
use crate::{check, element_shapes};
use wgrad::{Activation, Tensor};

/// Every activation, those with parameters with several.
fn activations() -> Vec<Activation> {
    let mut all = Activation::ALL.to_vec();
    all.extend([0.0, 0.25, 3.0].map(|slope| Activation::LeakyRelu { slope }));
    all.extend([0.0, 0.25].map(|theta| Activation::ThresholdedRelu { theta }));
    all.extend([0.0, 0.25, 3.0].map(|alpha| Activation::Elu { alpha }));
    all.extend([1e-6, 0.25, 3.0, 1e6].map(|alpha| Activation::Celu { alpha }));
    all.extend([0.0, 2.0].map(|lambda| Activation::HardShrink { lambda }));
    all.extend([0.0, 2.0].map(|lambda| Activation::SoftShrink { lambda }));
    // ONNX's, one steep, one that is flat up to 1.
    all.extend(
        [[0.2, 0.5], [1e6, 0.5], [0.25, -0.25]]
            .map(|[slope, offset]| Activation::HardSigmoid { slope, offset }),
    );
    all.extend([[-2.0, 0.5], [0.25, 1e30]].map(|[min, max]| Activation::HardTanh { min, max }));
    // The last two have no, and a visible, step at the threshold.
    let softplus = [
        [1e-6, 20.0],
        [0.25, 20.0],
        [1e6, 20.0],
        [3.0, 1e30],
        [2.0, 1.0],
    ];
    all.extend(softplus.map(|[beta, threshold]| Activation::Softplus { beta, threshold }));
    all
}

fn check_activation(f: Activation, shape: [usize; 2], z: &[f32]) {
    let expected: Vec<f64> = z.iter().map(|&z| oracle::activation(f, z.into())).collect();
    let tolerance = |i: usize| precision::activation(f, z[i].into());
    check(&format!("{f} {shape:?}"), &expected, tolerance, |d| {
        Tensor::new(d, shape, z)?.activate(f)
    });
}

fn check_derivative(f: Activation, shape: [usize; 2], dy: &[f32], saved: &[f32]) {
    let pairs = || {
        dy.iter()
            .zip(saved)
            .map(|(&dy, &saved)| (f64::from(dy), f64::from(saved)))
    };
    let expected: Vec<f64> = pairs()
        .map(|(dy, saved)| dy * oracle::derivative(f, saved))
        .collect();
    let tolerances: Vec<_> = pairs()
        .map(|(dy, saved)| precision::activation_backward(f, dy, saved))
        .collect();
    check(
        &format!("{f} backward {shape:?}"),
        &expected,
        |i| tolerances[i],
        |d| Tensor::new(d, shape, dy)?.activate_backward(f, &Tensor::new(d, shape, saved)?),
    );
}

/// What a backward call is given.
fn saved(f: Activation, z: &[f32]) -> Vec<f32> {
    if f.derivative_needs_z() {
        return z.to_vec();
    }
    z.iter()
        .map(|&z| oracle::activation(f, z.into()) as f32)
        .collect()
}

/// Each activation over each small shape, and each larger shape with one activation in [`TURNS`], in turn: all of them
/// share the kernel that finds its elements.
#[test]
fn activations_and_derivatives_over_shapes() {
    const SMALL: usize = 2_048;
    const TURNS: usize = 8;
    let mut tried = vec![0; activations().len()];
    let mut large_shapes = 0;
    for shape @ [rows, cols] in element_shapes() {
        let mut random = Random::new((rows * 37 + cols) as u64);
        let z = random.uniform(rows * cols, -6.0, 6.0);
        let dy = random.normals(rows * cols);
        let is_large = rows * cols > SMALL;
        large_shapes += usize::from(is_large);
        for (number, f) in activations().into_iter().enumerate() {
            if is_large && (number + large_shapes) % TURNS != 0 {
                continue;
            }
            tried[number] += usize::from(is_large);
            check_activation(f, shape, &z);
            check_derivative(f, shape, &dy, &saved(f, &z));
        }
    }
    assert!(tried.iter().all(|&shapes| shapes > 1), "{tried:?}");
}

#[test]
fn activations_and_derivatives_of_extreme_values() {
    let magnitudes = [
        0.0,
        1e-45,
        1e-40,
        1.2e-38,
        1e-30,
        1e-8,
        1e-3,
        0.1,
        0.3,
        0.5,
        0.624_999_9,
        0.625,
        0.625_000_1,
        0.7517915,
        1.0,
        2.0,
        3.5,
        5.0,
        5.5,
        8.0,
        9.0,
        10.0,
        12.0,
        13.0,
        13.2,
        14.0,
        14.999,
        15.0,
        15.001,
        17.0,
        20.0,
        38.0,
        50.0,
        80.0,
        87.0,
        88.0,
        89.0,
        100.0,
        104.0,
        1e3,
        1e10,
        1.8e19,
        1e20,
        1e30,
        8.6e37,
        1e38,
    ];
    let mut z: Vec<f32> = magnitudes.iter().flat_map(|&z| [z, -z]).collect();
    // A fine sweep as well, where the functions bend.
    z.extend((0..4000).map(|i| (i - 2000) as f32 * 0.0075));
    let shape = [1, z.len()];
    for f in activations() {
        check_activation(f, shape, &z);
        for dy in [1.0, -3.0e-3, 1e5] {
            check_derivative(f, shape, &vec![dy; z.len()], &saved(f, &z));
        }
    }
}

#[test]
fn tanh_is_odd_and_ends_at_one() {
    let z: Vec<f32> = (0..1000).map(|i| i as f32 * 0.02).collect();
    let negative: Vec<f32> = z.iter().map(|z| -z).collect();
    for device in [cpu(), gpu()] {
        let tanh = |z: &[f32]| {
            let z = Tensor::new(device, [1, z.len()], z).unwrap();
            z.activate(Activation::Tanh).unwrap().download().unwrap()
        };
        let (right, left) = (tanh(&z), tanh(&negative));
        for i in 0..z.len() {
            assert_eq!(right[i], -left[i], "tanh {}", z[i]);
            assert!(
                right[i].abs() <= 1.0 && (z[i] < 15.0 || right[i] == 1.0),
                "tanh {}",
                z[i]
            );
        }
    }
}
