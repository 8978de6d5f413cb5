//! Activations and their derivatives, for all shapes and for extreme values.

use crate::common::activations::{self, activations};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu};

use crate::{check, element_shapes};
use wgrad::{Activation, Tensor};

fn check_activation(f: Activation, shape: [usize; 2], z: &[f32]) {
    let expected: Vec<f64> = z.iter().map(|&z| activations::value(f, z.into())).collect();
    let tolerance = |i: usize| activations::tolerance(f, z[i].into());
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
        .map(|(dy, saved)| dy * activations::derivative(f, saved))
        .collect();
    let tolerances: Vec<_> = pairs()
        .map(|(dy, saved)| activations::backward_tolerance(f, dy, saved))
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
        .map(|&z| activations::value(f, z.into()) as f32)
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
