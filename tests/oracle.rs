//! The oracle itself: against published values, against central differences, and against steps worked out by hand.

mod common;

use approx::{abs_diff_eq, assert_abs_diff_eq, relative_eq};
use common::activations;
use common::data::Random;
use common::optimizers::{Penalties, Rule, adam, descend, momentum, squares};
use common::oracle::{self, widen};
use wgrad::Activation;

/// Asserts |actual − expected| ≤ tolerance · max(1, |expected|).
#[track_caller]
fn assert_near(actual: f64, expected: f64, tolerance: f64) {
    let near = relative_eq!(
        actual,
        expected,
        epsilon = tolerance,
        max_relative = tolerance
    );
    assert!(near, "{actual:e}, expected {expected:e}");
}

#[test]
fn erfc_has_its_published_values() {
    for (x, expected) in [
        (0.0, 1.0),
        (1e-10, 0.999_999_999_887_162_1),
        (0.5, 0.479_500_122_186_953_5),
        (1.0, 0.157_299_207_050_285_13),
        (2.0, 4.677_734_981_047_266e-3),
        (3.0, 2.209_049_699_858_544e-5),
        (5.0, 1.537_459_794_428_035e-12),
        (10.0, 2.088_487_583_762_545e-45),
        (-0.5, 1.520_499_877_813_046_5),
        (-5.0, 1.999_999_999_998_462_5),
    ] {
        let error = (oracle::erfc(x) - expected).abs() / expected;
        assert!(error < 5e-15, "erfc({x}) is off by {error:e}");
    }
    // The two formulas meet.
    let (below, above) = (oracle::erfc(1.0 - 1e-15), oracle::erfc(1.0 + 1e-15));
    assert_abs_diff_eq!(below, above, epsilon = 5e-15);
}

#[test]
fn derivatives_are_central_differences() {
    let step = 1e-5;
    for f in Activation::ALL {
        for z in [-6.5, -2.9, -0.75, -0.1, 0.1, 0.6, 2.0, 7.0] {
            let difference =
                (activations::value(f, z + step) - activations::value(f, z - step)) / (2.0 * step);
            let saved = if f.derivative_needs_z() {
                z
            } else {
                activations::value(f, z)
            };
            assert_near(activations::derivative(f, saved), difference, 1e-9);
        }
    }
}

#[test]
fn softmax_gradients_are_central_differences() {
    let (cols, step) = (5, 0.125);
    let mut random = Random::new(1);
    let (x, dy) = (random.normals(cols), random.normals(cols));
    // Richardson's combination of two steps, which f32 holds exactly, has an error of step⁴ or so.
    let slope = |f: &dyn Fn(&[f32]) -> f64, i: usize| {
        let difference = |step: f32| {
            let at = |shift: f32| {
                let mut x = x.clone();
                x[i] += shift;
                f(&x)
            };
            (at(step) - at(-step)) / (2.0 * f64::from(step))
        };
        (4.0 * difference(step / 2.0) - difference(step)) / 3.0
    };
    let dot = |y: Vec<f64>| {
        y.iter()
            .zip(&dy)
            .map(|(y, &dy)| y * f64::from(dy))
            .sum::<f64>()
    };
    let narrow = |y: Vec<f64>| y.iter().map(|&y| y as f32).collect::<Vec<_>>();
    let plain = oracle::softmax_backward(&dy, &narrow(oracle::softmax(&x, cols)), cols);
    let log = oracle::log_softmax_backward(&dy, &narrow(oracle::log_softmax(&x, cols)), cols);
    let loss = oracle::cross_entropy(&x, &[3], cols);
    for i in 0..cols {
        assert_near(slope(&|x| dot(oracle::softmax(x, cols)), i), plain[i], 1e-4);
        assert_near(
            slope(&|x| dot(oracle::log_softmax(x, cols)), i),
            log[i],
            1e-4,
        );
        assert_near(
            slope(&|x| oracle::cross_entropy(x, &[3], cols).loss, i),
            loss.gradient[i],
            1e-4,
        );
    }
}

#[test]
fn cross_entropy_averages_and_counts() {
    // Equal logits: loss ln 4 a row. The first of equal greatest logits is the guess.
    let result = oracle::cross_entropy(&[2.0; 8], &[0, 3], 4);
    assert_near(result.loss, 4.0f64.ln(), 1e-15);
    assert_eq!(result.correct, 1);
    let expected = [-0.375, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, -0.375];
    for (found, expected) in result.gradient.iter().zip(expected) {
        assert_near(*found, expected, 1e-15);
    }
}

#[test]
fn optimizers_take_the_steps_worked_out_by_hand() {
    let betas = [0.5, 0.75];
    let adam = |amsgrad, bias_correction| adam::Adam {
        betas,
        epsilon: 0.0,
        amsgrad,
        bias_correction,
    };
    let sgd = |dampening, nesterov| momentum::Sgd {
        momentum: 0.5,
        dampening,
        nesterov,
        classical: false,
    };
    let rms_prop = |momentum, centered| squares::RmsProp {
        alpha: 0.75,
        epsilon: 0.0,
        momentum,
        centered,
    };
    let third = 3.0f64.sqrt();
    let none = Penalties::default();
    let l2 = Penalties { l2: 0.5, ..none };
    let l1 = Penalties { l1: 0.5, ..none };
    let decoupled = Penalties {
        decoupled: 0.5,
        ..none
    };
    let nadam = adam::NAdam {
        betas,
        epsilon: 0.0,
        momentum_decay: 0.0,
    };
    let adamax = adam::Adamax {
        betas,
        epsilon: 0.0,
    };
    let radam = adam::RAdam {
        betas,
        epsilon: 0.0,
    };
    let adadelta = squares::Adadelta {
        rho: 0.75,
        epsilon: 1.0,
    };
    let lion = momentum::Lion { betas };
    let adagrad = squares::Adagrad {
        rate_decay: 1.0,
        initial: 5.0,
        epsilon: 1.0,
    };
    // (rule, penalties, gradients, weights), all from 1 at rate 0.5.
    type Case<'a> = (&'a dyn Rule, Penalties, [f64; 2], [f64; 2]);
    let cases: [Case<'_>; 19] = [
        // Velocities 2 and 0.5·2 + 4 = 5; dampened 2 and 0.5·2 + 0.5·4 = 3; Nesterov's 2 + 1 and 4 + 2.5.
        (&sgd(0.0, false), none, [2.0, 4.0], [0.0, -2.5]),
        (&sgd(0.5, false), none, [2.0, 4.0], [0.0, -1.5]),
        (&sgd(0.0, true), none, [2.0, 4.0], [-0.5, -3.75]),
        // With L2 ½ the gradients are 2 + ½ and 4 − ⅛, the velocities 2.5 and 1.25 + 3.875.
        (&sgd(0.0, false), l2, [2.0, 4.0], [-0.25, -2.8125]),
        // With L1 ½ they are 2 + ½ and 4 − ½, the velocities 2.5 and 1.25 + 3.5; at 0 there is none.
        (&sgd(0.0, false), l1, [2.0, 4.0], [-0.25, -2.625]),
        (&sgd(0.0, false), l1, [1.5, 0.0], [0.0, -0.5]),
        // Equal gradients: the corrected moments are 2 and 4, so each step is the rate.
        (&adam(false, true), none, [2.0, 2.0], [0.5, 0.0]),
        // AdamW first halves the weight times the decay: 1 − ¼ − ½, then ¼·¾ − ½.
        (&adam(false, true), decoupled, [2.0, 2.0], [0.25, -0.3125]),
        // m is 1, then 0.5; v is 1, then 0.75, of which AMSGrad keeps the 1.
        (
            &adam(false, false),
            none,
            [2.0, 0.0],
            [0.5, 0.5 - 0.25 / (third / 2.0)],
        ),
        (&adam(true, false), none, [2.0, 0.0], [0.5, 0.25]),
        // s is 9 and 25; the rate 0.5 and 0.25.
        (&adagrad, none, [2.0, 4.0], [0.75, 0.75 - 1.0 / 6.0]),
        // s is 1, then 0.75; the steps 2 and 0, with momentum 2 and 1.
        (&rms_prop(0.5, false), none, [2.0, 0.0], [0.0, -0.5]),
        // ḡ is ½, so the variance ¾ and the step 2/(√3/2).
        (
            &rms_prop(0.0, true),
            none,
            [2.0, 0.0],
            [1.0 - 2.0 / third, 1.0 - 2.0 / third],
        ),
        // s is 1, then 4.75; d is 0, then ½; the steps 2·√½ and 4·√(1.5/5.75).
        (
            &adadelta,
            none,
            [2.0, 4.0],
            [
                1.0 - 0.5f64.sqrt(),
                1.0 - 0.5f64.sqrt() - 2.0 * (6.0f64 / 23.0).sqrt(),
            ],
        ),
        // m is 1, then ½; u is 2, then 1.5; 1 − β₁ᵗ is ½, then ¾.
        (&adamax, none, [2.0, 0.0], [0.5, 0.5 - 2.0 / 9.0]),
        // μ is ¼, so the products are ¼, 1/16, 1/64; v/(1 − β₂ᵗ) is 4, then 12/7.
        (
            &nadam,
            none,
            [2.0, 0.0],
            [
                0.5 - 1.0 / 15.0,
                0.5 - 1.0 / 15.0 - 4.0 / 63.0 / (12.0f64 / 7.0).sqrt(),
            ],
        ),
        // Never over 5: momentum alone, 1/½ and 2.5/¾.
        (&radam, none, [2.0, 4.0], [0.0, -5.0 / 3.0]),
        // m is ½ after the first step, so the second goes on, against its gradient.
        (&lion, none, [2.0, -0.25], [0.5, 0.0]),
        (&lion, decoupled, [2.0, -0.25], [0.25, -0.3125]),
    ];
    for (rule, penalties, gradients, expected) in cases {
        let path = descend(rule, penalties, 1.0, &[0.5; 2], &gradients);
        assert_path(rule, &path, &expected);
    }
    // A rate that halves: the velocities are 2 and 5, or −1 and −½ − 1.
    for (classical, last) in [(false, -1.25), (true, -1.5)] {
        let rule = momentum::Sgd {
            momentum: 0.5,
            dampening: 0.0,
            nesterov: false,
            classical,
        };
        let path = descend(&rule, none, 1.0, &[0.5, 0.25], &[2.0, 4.0]);
        assert_path(&rule, &path, &[0.0, last]);
    }
}

fn assert_path(rule: &dyn Rule, path: &[f64], expected: &[f64]) {
    assert_eq!(path.len(), expected.len());
    for (found, expected) in path.iter().zip(expected) {
        assert!(
            abs_diff_eq!(found, expected, epsilon = 1e-12),
            "{rule:?}: {path:?}, expected {expected}"
        );
    }
}

/// The known answers of the authors' library (Random123, `kat_vectors`).
#[test]
fn threefry_has_its_published_values() {
    use common::oracle::augmentation::threefry;
    assert_eq!(threefry([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
    assert_eq!(
        threefry([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]),
        [0xc492_3a9c, 0x483d_f7a0]
    );
}

#[test]
fn matmul_multiplies() {
    use wgrad::Layout;
    // [[1, 2, 3], [4, 5, 6]] · [[1, 0], [2, 1], [0, 3]] = [[5, 11], [14, 23]]
    let (a, at) = (
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        [1.0, 4.0, 2.0, 5.0, 3.0, 6.0],
    );
    let (b, bt) = (
        [1.0, 0.0, 2.0, 1.0, 0.0, 3.0],
        [1.0, 2.0, 0.0, 0.0, 1.0, 3.0],
    );
    for (layout, a, b) in [(Layout::NN, a, b), (Layout::NT, a, bt), (Layout::TN, at, b)] {
        assert_eq!(
            oracle::matmul(&a, &b, [2, 2, 3], layout),
            [5.0, 11.0, 14.0, 23.0]
        );
    }
    assert_eq!(widen(&a)[5], 6.0);
}
