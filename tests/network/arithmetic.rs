//! Elementwise arithmetic of graphs on every device, against plain `f64`.

use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use wgrad::{Graph, Value};

type Build = fn(&mut Graph, Value, Value) -> wgrad::Result<Value>;

/// Relative tolerances. Sums and differences round once, 2⁻²⁴. WGSL lets a division err by 2.5 ULP, a square root by that
/// and one more division, exp by 3 + 2|x| ULP with |x| ≤ 5, and log by 3 ULP or, between 0.5 and 2, by 2⁻²¹ absolute.
const ULP: f64 = 1.2e-7;

#[test]
fn elementwise_arithmetic_agrees_with_f64_on_every_device() {
    let cases: [(&str, Build, fn(f64, f64) -> f64, f64, f64); 5] = [
        ("sub", |g, a, b| g.sub(a, b), |a, b| a - b, ULP, 0.0),
        ("div", |g, a, b| g.div(a, b), |a, b| a / b, 2.5 * ULP, 0.0),
        ("exp", |g, a, _| g.exp(a), |a, _| a.exp(), 14.0 * ULP, 0.0),
        ("log", |g, a, _| g.log(a), |a, _| a.ln(), 3.0 * ULP, 4.8e-7),
        ("sqrt", |g, a, _| g.sqrt(a), |a, _| a.sqrt(), 6.0 * ULP, 0.0),
    ];
    // Seven columns: the eighth is padding.
    let x: Vec<f32> = (0..5 * 14).map(|i| 0.07 * (i + 1) as f32).collect();
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        for (name, build, expected, relative, absolute) in cases {
            let mut graph = Graph::new();
            let input = graph.input(14).unwrap();
            let (a, b) = (
                graph.columns(input, 0..7).unwrap(),
                graph.columns(input, 7..14).unwrap(),
            );
            let y = build(&mut graph, a, b).unwrap();
            let mut network = graph.build(y, device, 0).unwrap();
            let found = network.predict(&x).unwrap();
            assert_eq!(found.len(), 35);
            for (i, &found) in found.iter().enumerate() {
                let at = i / 7 * 14 + i % 7;
                let expected = expected(x[at].into(), x[at + 7].into());
                let error = (f64::from(found) - expected).abs();
                let bound = relative * expected.abs() + absolute;
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
            .parameter("ones", [1, 5], wgrad::Init::Constant(1.0))
            .unwrap();
        let y = graph.matmul(sum, ones, wgrad::Layout::NT).unwrap();
        let mut network = graph.build(y, device, 0).unwrap();
        let found = network.predict(&[1.0; 5]).unwrap();
        let expected = 5.0 * (1.0 + std::f64::consts::E);
        assert!((f64::from(found[0]) - expected).abs() < 1e-4, "{found:?}");
    }
}
