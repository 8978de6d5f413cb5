//! Elementwise operations of graphs: values against plain `f64`. Their gradients are tested in `gradients.rs`.

use super::CLASSES;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use approx::{abs_diff_eq, assert_abs_diff_eq};
use wgrad::{Activation, Graph, Init, Value};

type Build = fn(&mut Graph, Value, Value) -> wgrad::Result<Value>;

/// An operation of one or two operands, and how near its result is to the formula in `f64`.
struct Operation {
    name: &'static str,
    build: Build,
    formula: fn(f64, f64) -> f64,
    relative: f64,
    absolute: f64,
}

const fn operation(
    name: &'static str,
    build: Build,
    formula: fn(f64, f64) -> f64,
    relative: f64,
    absolute: f64,
) -> Operation {
    Operation {
        name,
        build,
        formula,
        relative,
        absolute,
    }
}

const ULP: f64 = 1.2e-7;

/// Every elementwise operation. Sums, differences and products round once, 2⁻²⁴. WGSL lets a division err by 2.5 ULP, a
/// square root by that and one more division, exp by 3 + 2|x| ULP with |x| ≤ 5, and log by 3 ULP or, between 0.5 and 2,
/// by 2⁻²¹ absolute. It defines xᵖ as 2^(p·log₂ x): here |p| ≤ 2.5 and |p·log₂ x| ≤ 10, so the exponent errs by at most
/// 2.5·2⁻²¹ + 10·3 ULP, and ln 2 times that, with the 3 + 2·10 ULP of the power of two, is 51 ULP.
const OPERATIONS: &[Operation] = &[
    operation("add", |g, a, b| g.add(a, b), |a, b| a + b, ULP, 0.0),
    operation("sub", |g, a, b| g.sub(a, b), |a, b| a - b, ULP, 0.0),
    operation("mul", |g, a, b| g.mul(a, b), |a, b| a * b, ULP, 0.0),
    operation("div", |g, a, b| g.div(a, b), |a, b| a / b, 2.5 * ULP, 0.0),
    operation("exp", |g, a, _| g.exp(a), |a, _| a.exp(), 14.0 * ULP, 0.0),
    operation("log", |g, a, _| g.log(a), |a, _| a.ln(), 3.0 * ULP, 4.8e-7),
    operation("sqrt", |g, a, _| g.sqrt(a), |a, _| a.sqrt(), 6.0 * ULP, 0.0),
    operation(
        "powf 2.5",
        |g, a, _| g.powf(a, 2.5),
        |a, _| a.powf(2.5),
        51.0 * ULP,
        0.0,
    ),
    operation(
        "powf -1.5",
        |g, a, _| g.powf(a, -1.5),
        |a, _| a.powf(-1.5),
        51.0 * ULP,
        0.0,
    ),
    operation(
        "powf 2",
        |g, a, _| g.powf(a, 2.0),
        |a, _| a * a,
        51.0 * ULP,
        0.0,
    ),
    operation(
        "powf 1",
        |g, a, _| g.powf(a, 1.0),
        |a, _| a,
        51.0 * ULP,
        0.0,
    ),
    operation("powf 0", |g, a, _| g.powf(a, 0.0), |_, _| 1.0, 0.0, 0.0),
];

/// A network with every operation on two positive values, between 1/e and e.
pub(crate) fn every_operation(g: &mut Graph, x: Value) -> wgrad::Result<Value> {
    let mut positive = || {
        let h = g.dense(x, 9, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        g.exp(h)
    };
    let (a, b) = (positive()?, positive()?);
    let mut sum = a;
    for operation in OPERATIONS {
        let y = (operation.build)(g, a, b)?;
        sum = g.add(sum, y)?;
    }
    g.dense(sum, CLASSES, Init::XavierNormal)
}

#[test]
fn elementwise_arithmetic_agrees_with_f64_on_every_device() {
    // Seven columns: the eighth is padding.
    let x: Vec<f32> = (0..5 * 14).map(|i| 0.07 * (i + 1) as f32).collect();
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        for operation in OPERATIONS {
            let name = operation.name;
            let mut graph = Graph::new();
            let input = graph.input(14).unwrap();
            let a = graph.slice_columns(input, 0..7).unwrap();
            let b = graph.slice_columns(input, 7..14).unwrap();
            let y = (operation.build)(&mut graph, a, b).unwrap();
            let network = graph.build(y, device, 0).unwrap();
            let found = network.predict(&x).unwrap();
            assert_eq!(found.len(), 35);
            for (i, &found) in found.iter().enumerate() {
                let at = i / 7 * 14 + i % 7;
                let expected = (operation.formula)(x[at].into(), x[at + 7].into());
                let error = (f64::from(found) - expected).abs();
                let bound = operation.relative * expected.abs() + operation.absolute;
                assert!(error <= bound, "{name} {i}: {found} against {expected}");
            }
        }
    }
}

/// A row sum reads the padding of a kernel's result if it is not zero, as exp(0) = 1 and 0/0 would be.
#[test]
fn the_padding_of_exponentials_and_quotients_stays_zero() {
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let mut graph = Graph::new();
        let x = graph.input(5).unwrap();
        let e = graph.exp(x).unwrap();
        let q = graph.div(x, x).unwrap();
        let sum = graph.add(e, q).unwrap();
        let ones = graph
            .parameter("ones", [1, 5], Init::Constant(1.0))
            .unwrap();
        let y = graph.matmul(sum, ones, wgrad::Layout::NT).unwrap();
        let network = graph.build(y, device, 0).unwrap();
        let found = network.predict(&[1.0; 5]).unwrap();
        let expected = 5.0 * (1.0 + std::f64::consts::E);
        assert_abs_diff_eq!(f64::from(found[0]), expected, epsilon = 1e-4);
    }
}

/// Powers of negative numbers: with the sign of an odd integer, NaN where the exponent is no integer. The exponents are
/// what the shader cannot see at compile time.
#[test]
fn powers_of_negative_numbers_have_their_sign_or_are_nan() {
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        for (exponent, expected) in [
            (3.0, [Some(-8.0), Some(0.0), Some(8.0)]),
            (2.0, [Some(4.0), Some(0.0), Some(4.0)]),
            (-1.0, [Some(-0.5), None, Some(0.5)]),
            (1.5, [None, Some(0.0), Some(8f64.sqrt())]),
        ] {
            // 0⁻¹ is infinite, so it is left out.
            let x = if exponent < 0.0 {
                [-2.0, 1.0, 2.0]
            } else {
                [-2.0, 0.0, 2.0]
            };
            let mut graph = Graph::new();
            let input = graph.input(3).unwrap();
            let y = graph.powf(input, exponent).unwrap();
            let network = graph.build(y, device, 0).unwrap();
            let found = network.predict(&x).unwrap();
            for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
                let what = format!("{}^{exponent}: {found}", x[i]);
                match expected {
                    Some(expected) => {
                        let error = 51.0 * ULP * expected.abs();
                        assert!(
                            abs_diff_eq!(f64::from(*found), expected, epsilon = error),
                            "{what}"
                        );
                    }
                    None if exponent < 0.0 => {
                        assert!(abs_diff_eq!(*found, 1.0, epsilon = 1e-5), "{what}");
                    }
                    None => assert!(found.is_nan(), "{what}"),
                }
            }
        }
    }
    let mut graph = Graph::new();
    let x = graph.input(3).unwrap();
    for exponent in [f32::NAN, f32::INFINITY] {
        let error = graph.powf(x, exponent).unwrap_err();
        assert!(matches!(error, wgrad::Error::Argument { .. }), "{error}");
    }
}
