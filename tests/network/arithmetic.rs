//! Elementwise operations of graphs: values against plain `f64` here, gradients as one of the graphs of `gradients.rs`.

use super::CLASSES;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
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
/// by 2⁻²¹ absolute.
const OPERATIONS: &[Operation] = &[
    operation("add", |g, a, b| g.add(a, b), |a, b| a + b, ULP, 0.0),
    operation("sub", |g, a, b| g.sub(a, b), |a, b| a - b, ULP, 0.0),
    operation(
        "hadamard",
        |g, a, b| g.hadamard(a, b),
        |a, b| a * b,
        ULP,
        0.0,
    ),
    operation("div", |g, a, b| g.div(a, b), |a, b| a / b, 2.5 * ULP, 0.0),
    operation("exp", |g, a, _| g.exp(a), |a, _| a.exp(), 14.0 * ULP, 0.0),
    operation("log", |g, a, _| g.log(a), |a, _| a.ln(), 3.0 * ULP, 4.8e-7),
    operation("sqrt", |g, a, _| g.sqrt(a), |a, _| a.sqrt(), 6.0 * ULP, 0.0),
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
            let a = graph.columns(input, 0..7).unwrap();
            let b = graph.columns(input, 7..14).unwrap();
            let y = (operation.build)(&mut graph, a, b).unwrap();
            let mut network = graph.build(y, device, 0).unwrap();
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
        let mut network = graph.build(y, device, 0).unwrap();
        let found = network.predict(&[1.0; 5]).unwrap();
        let expected = 5.0 * (1.0 + std::f64::consts::E);
        assert!((f64::from(found[0]) - expected).abs() < 1e-4, "{found:?}");
    }
}
