//! Sums and means along a dimension, and broadcasting, on every device against plain `f64`.

use super::CLASSES;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use wgrad::{Activation, Error, Graph, Init, Value};

const ULP: f64 = 1.2e-7;
const ROWS: usize = 5;
const TABLE: usize = 6;

/// The input x, and parameters: a row r, a table t, a number n.
struct Values {
    x: Value,
    r: Value,
    t: Value,
    n: Value,
}

/// Their numbers in row i and column j; the sums are of whole rows and columns.
struct Numbers {
    x: f64,
    x_sum: f64,
    cols: f64,
    r: f64,
    t_sum: f64,
    n: f64,
}

type Build = fn(&mut Graph, &Values) -> wgrad::Result<Value>;
/// The result, and the sum of the magnitudes of which it is made.
type Formula = fn(&Numbers) -> (f64, f64);

const CASES: &[(&str, Build, Formula)] = &[
    (
        "sum of columns",
        |g, v| g.sum(v.x, 1),
        |v| (v.x_sum, v.x_sum),
    ),
    (
        "mean of columns",
        |g, v| g.mean(v.x, 1),
        |v| {
            let mean = v.x_sum / v.cols;
            (mean, mean)
        },
    ),
    (
        "sum of rows",
        |g, v| {
            let sum = g.sum(v.t, 0)?;
            g.add(v.x, sum)
        },
        |v| (v.x + v.t_sum, v.x + v.t_sum),
    ),
    (
        "mean of rows",
        |g, v| {
            let mean = g.mean(v.t, 0)?;
            g.mul(mean, v.x)
        },
        |v| {
            let product = v.x * v.t_sum / TABLE as f64;
            (product, product)
        },
    ),
    (
        "add a row",
        |g, v| g.add(v.r, v.x),
        |v| (v.x + v.r, v.x + v.r),
    ),
    (
        "subtract a row",
        |g, v| g.sub(v.x, v.r),
        |v| (v.x - v.r, v.x + v.r),
    ),
    (
        "subtract from a row",
        |g, v| g.sub(v.r, v.x),
        |v| (v.r - v.x, v.x + v.r),
    ),
    (
        "multiply by a row",
        |g, v| g.mul(v.x, v.r),
        |v| (v.x * v.r, v.x * v.r),
    ),
    (
        "divide by a row",
        |g, v| g.div(v.x, v.r),
        |v| (v.x / v.r, v.x / v.r),
    ),
    (
        "divide by a number",
        |g, v| g.div(v.x, v.n),
        |v| (v.x / v.n, v.x / v.n),
    ),
    (
        "divide by a column",
        |g, v| {
            let sum = g.sum(v.x, 1)?;
            g.div(v.x, sum)
        },
        |v| (v.x / v.x_sum, v.x / v.x_sum),
    ),
    (
        "subtract from a column",
        |g, v| {
            let mean = g.mean(v.x, 1)?;
            g.sub(mean, v.x)
        },
        |v| (v.x_sum / v.cols - v.x, v.x_sum / v.cols + v.x),
    ),
    (
        "a column and a row",
        |g, v| {
            let mean = g.mean(v.x, 1)?;
            g.add(v.r, mean)
        },
        |v| (v.r + v.x_sum / v.cols, v.r + v.x_sum / v.cols),
    ),
];

/// Cascades err by at most 2·log₂ n ULP of positive terms (src/kernel/base/cascade.rs): 22.1 for n = 2,100 and 8 less
/// in a sum of the table. Scale, quotient and the rounding of 1/n add 5.
#[test]
fn sums_and_broadcasts_agree_with_f64_on_every_device() {
    // 2,100 columns give every invocation that shares a row a whole leaf of the cascade.
    for cols in [1, 7, 2100] {
        let number = |i: usize| 0.1 + (i * 37 % 101) as f32 / 64.0;
        let x: Vec<f32> = (0..ROWS * cols).map(number).collect();
        let r: Vec<f32> = (0..cols).map(|j| number(j * 5 + 3)).collect();
        let t: Vec<f32> = (0..TABLE * cols).map(|i| number(i * 3 + 1)).collect();
        let sum = |x: &[f32]| x.iter().map(|&x| f64::from(x)).sum::<f64>();
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            for (name, build, formula) in CASES {
                let mut graph = Graph::new();
                let input = graph.input(cols).unwrap();
                let mut parameter =
                    |name, shape| graph.parameter(name, shape, Init::Zeros).unwrap();
                let (row, table) = (parameter("r", [1, cols]), parameter("t", [TABLE, cols]));
                let values = Values {
                    x: input,
                    r: row,
                    t: table,
                    n: parameter("n", [1, 1]),
                };
                let y = build(&mut graph, &values).unwrap();
                let mut network = graph.build(y, device, 0).unwrap();
                network.set_parameter("r", &r).unwrap();
                network.set_parameter("t", &t).unwrap();
                network.set_parameter("n", &[1.7]).unwrap();
                let found = network.predict(&x).unwrap();
                let width = found.len() / ROWS;
                assert!(width == cols || width == 1, "{name}: {}", found.len());
                for (at, found) in found.iter().enumerate() {
                    let (i, j) = (at / width, at % width);
                    let column: Vec<f32> = t.iter().skip(j).step_by(cols).copied().collect();
                    let (expected, scale) = formula(&Numbers {
                        x: x[i * cols + j].into(),
                        x_sum: sum(&x[i * cols..][..cols]),
                        cols: cols as f64,
                        r: r[j].into(),
                        t_sum: sum(&column),
                        n: 1.7f32.into(),
                    });
                    let error = (f64::from(*found) - expected).abs();
                    let what = format!("{name}, {cols} columns, row {i}, column {j}");
                    assert!(
                        error <= 28.0 * ULP * scale,
                        "{what}: {found} against {expected}"
                    );
                }
            }
        }
    }
}

/// A network whose gradients flow through every sum and every repetition, of operands on both sides.
pub(crate) fn sums_and_broadcasts(g: &mut Graph, x: Value) -> wgrad::Result<Value> {
    let h = g.dense(x, 9, Init::XavierNormal)?;
    let h = g.activation(h, Activation::Tanh)?;
    let values = Values {
        x: g.exp(h)?,
        r: g.parameter("r", [1, 9], Init::Constant(1.5))?,
        t: g.parameter("t", [TABLE, 9], Init::XavierNormal)?,
        n: g.parameter("n", [1, 1], Init::Constant(0.7))?,
    };
    let mut sum = values.x;
    for (_, build, _) in CASES {
        let y = build(g, &values)?;
        sum = g.add(y, sum)?;
    }
    // A column of a fixed number of rows, and a sum of sums.
    let column = g.sum(values.t, 1)?;
    let scaled = g.mul(values.t, column)?;
    let row = g.mean(scaled, 0)?;
    let all = g.sum(row, 1)?;
    let sum = g.add(sum, row)?;
    let sum = g.mul(sum, all)?;
    g.dense(sum, CLASSES, Init::XavierNormal)
}

#[test]
fn shapes_that_do_not_broadcast_are_refused() {
    let mut graph = Graph::new();
    let x = graph.input(3).unwrap();
    let mut parameter = |name, shape| graph.parameter(name, shape, Init::Zeros).unwrap();
    let fixed = [
        parameter("a", [2, 3]),
        parameter("b", [1, 2]),
        parameter("c", [2, 1]),
    ];
    for w in fixed {
        for (a, b) in [(x, w), (w, x)] {
            for refused in [
                graph.add(a, b),
                graph.sub(a, b),
                graph.mul(a, b),
                graph.div(a, b),
            ] {
                let error = refused.unwrap_err();
                assert!(matches!(error, Error::Shape { .. }), "{error}");
                assert!(error.to_string().contains("[batch, 3]"), "{error}");
            }
        }
    }
    // Rows that are samples must not be added up, and there is no third dimension.
    for (value, dimension) in [(x, 0), (x, 2), (fixed[0], 2)] {
        for refused in [graph.sum(value, dimension), graph.mean(value, dimension)] {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::Argument { .. }), "{error}");
        }
    }
}
