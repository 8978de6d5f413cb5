//! Derivatives with respect to vectors and matrices: each identity by its formula, by the library, by differences.
//!
//! X is 2 x 3 and lies row by row, vec(X). The Jacobian of Y = F(X) has a row for each element of Y and a column for each
//! element of X. ⊗ is the Kronecker product, I the identity.

use super::common::Result;
use super::greater;
use wgrad::{Device, Graph, Init, Layout, Value};

const X: [f64; 6] = [0.4, -1.1, 0.7, 0.9, 0.2, -0.6];
/// 3 x 2.
const A: [f64; 6] = [0.5, -0.3, 1.2, 0.8, -0.9, 0.1];
/// 2 x 2, not symmetric.
const S: [f64; 4] = [0.7, -0.4, 1.3, 0.6];

/// One identity.
struct Identity {
    name: &'static str,
    /// The function, in plain Rust.
    function: fn(&[f64]) -> Vec<f64>,
    /// Its Jacobian by the formula.
    formula: fn(&[f64]) -> Vec<f64>,
    /// The function as a graph of x [batch, 2, 3].
    graph: fn(&mut Graph, Value) -> wgrad::Result<Value>,
}

const IDENTITIES: &[Identity] = &[
    Identity {
        name: "∂ tr(AX)/∂X = Aᵀ",
        function: |x| vec![cells(3, 2).map(|(i, j)| A[2 * i + j] * x[3 * j + i]).sum()],
        formula: |_| transposed_a(),
        graph: |graph, x| {
            let flat = graph.flatten(x)?;
            let a = graph.vector("Aᵀ", 6, Init::Zeros)?;
            let a = graph.reshape(a, [1, 6])?;
            let products = graph.mul(flat, a)?;
            graph.sum(products, 1)
        },
    },
    Identity {
        name: "∂ ‖X‖²/∂X = ∂ tr(XᵀX)/∂X = 2X",
        function: |x| vec![x.iter().map(|x| x * x).sum()],
        formula: |x| x.iter().map(|x| 2.0 * x).collect(),
        graph: |graph, x| {
            let flat = graph.flatten(x)?;
            let squares = graph.mul(flat, flat)?;
            graph.sum(squares, 1)
        },
    },
    Identity {
        name: "∂ tr(XᵀSX)/∂X = (S + Sᵀ)X",
        function: |x| vec![x.iter().zip(times_s(x)).map(|(x, y)| x * y).sum()],
        formula: |x| {
            let both: Vec<f64> = cells(2, 2)
                .map(|(i, j)| S[2 * i + j] + S[2 * j + i])
                .collect();
            cells(2, 3)
                .map(|(i, j)| both[2 * i] * x[j] + both[2 * i + 1] * x[3 + j])
                .collect()
        },
        graph: |graph, x| {
            let y = graph_times_s(graph, x)?;
            let products = graph.mul(x, y)?;
            let flat = graph.flatten(products)?;
            graph.sum(flat, 1)
        },
    },
    Identity {
        name: "∂ vec(SX)/∂ vec(X) = S ⊗ I",
        function: times_s,
        formula: |_| {
            let cell = |((i, j), (k, l))| if j == l { S[2 * i + k] } else { 0.0 };
            pairs((2, 3), (2, 3)).map(cell).collect()
        },
        graph: graph_times_s,
    },
    Identity {
        name: "∂ vec(XA)/∂ vec(X) = I ⊗ Aᵀ",
        function: |x| {
            let cell = |(i, j)| (0..3).map(|k| x[3 * i + k] * A[2 * k + j]).sum();
            cells(2, 2).map(cell).collect()
        },
        formula: |_| {
            let cell = |((i, j), (k, l))| if i == k { A[2 * l + j] } else { 0.0 };
            pairs((2, 2), (2, 3)).map(cell).collect()
        },
        graph: |graph, x| {
            let a = graph.parameter("A", [3, 2], Init::Zeros)?;
            graph.matmul(x, a, Layout::NN)
        },
    },
    Identity {
        name: "∂ σ(x)/∂x = diag(σ ⊙ (1 − σ))",
        function: |x| x.iter().map(|&x| sigmoid(x)).collect(),
        formula: |x| {
            let slope = |i: usize| sigmoid(x[i]) * (1.0 - sigmoid(x[i]));
            cells(6, 6)
                .map(|(i, j)| if i == j { slope(i) } else { 0.0 })
                .collect()
        },
        graph: |graph, x| graph.activation(x, wgrad::Activation::Sigmoid),
    },
    Identity {
        name: "∂ softmax(x)/∂x = diag(s) − s sᵀ",
        function: softmax,
        formula: |x| {
            let s = softmax(x);
            cells(6, 6)
                .map(|(i, j)| if i == j { s[i] } else { 0.0 } - s[i] * s[j])
                .collect()
        },
        graph: |graph, x| {
            let flat = graph.flatten(x)?;
            graph.softmax(flat)
        },
    },
];

/// Prints the table; returns the largest error of the library and of the differences.
pub(crate) fn check(device: &Device) -> Result<(f64, f64)> {
    println!(
        "{:<32} {:>12} {:>12}",
        "error against the formula", "library", "differences"
    );
    let mut worst = (0.0, 0.0);
    for identity in IDENTITIES {
        let mut graph = Graph::new();
        let x = graph.input([2, 3])?;
        let y = (identity.graph)(&mut graph, x)?;
        let mut network = graph.build(y, device, 0)?;
        let names: Vec<String> = network
            .parameter_names()
            .iter()
            .map(|name| name.to_string())
            .collect();
        for name in names {
            let values = if name == "A" {
                A.to_vec()
            } else {
                transposed_a()
            };
            network.set_parameter(&name, &to_f32(&values))?;
        }
        let formula = (identity.formula)(&X);
        let library = network.jacobian(&to_f32(&X))?;
        let differences = differences(identity.function);
        let error = |values: Vec<f64>| {
            assert_eq!(values.len(), formula.len(), "{}", identity.name);
            let pairs = formula.iter().zip(values);
            pairs.fold(0.0, |worst, (a, b)| greater((a - b).abs(), worst))
        };
        let errors = (
            error(library.into_iter().map(f64::from).collect()),
            error(differences),
        );
        println!(
            "{:<32} {:>12.1e} {:>12.1e}",
            identity.name, errors.0, errors.1
        );
        worst = (greater(errors.0, worst.0), greater(errors.1, worst.1));
    }
    Ok(worst)
}

/// The Jacobian by central differences, (F(X + h) − F(X − h))/2h for each element.
fn differences(function: fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    const H: f64 = 1e-5;
    let at = |i: usize, h: f64| {
        let mut moved = X;
        moved[i] += h;
        function(&moved)
    };
    let columns: Vec<(Vec<f64>, Vec<f64>)> = (0..6).map(|i| (at(i, H), at(i, -H))).collect();
    let cell = |(row, i): (usize, usize)| (columns[i].0[row] - columns[i].1[row]) / (2.0 * H);
    cells(columns[0].0.len(), 6).map(cell).collect()
}

/// All places of a matrix, row by row.
fn cells(rows: usize, cols: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows * cols).map(move |i| (i / cols, i % cols))
}

/// All pairs of a place of Y and a place of X, row by row of the Jacobian.
fn pairs(
    y: (usize, usize),
    x: (usize, usize),
) -> impl Iterator<Item = ((usize, usize), (usize, usize))> {
    cells(y.0, y.1).flat_map(move |of_y| cells(x.0, x.1).map(move |of_x| (of_y, of_x)))
}

fn transposed_a() -> Vec<f64> {
    cells(2, 3).map(|(i, j)| A[2 * j + i]).collect()
}

/// SX.
fn times_s(x: &[f64]) -> Vec<f64> {
    cells(2, 3)
        .map(|(i, j)| S[2 * i] * x[j] + S[2 * i + 1] * x[3 + j])
        .collect()
}

/// SX as a graph: row i is the sum of S[i, k] times row k of X.
fn graph_times_s(graph: &mut Graph, x: Value) -> wgrad::Result<Value> {
    let rows = [graph.slice(x, 1, 0..1)?, graph.slice(x, 1, 1..2)?];
    let mut sums = Vec::new();
    for i in 0..2 {
        let first = graph.scale(rows[0], S[2 * i] as f32)?;
        let second = graph.scale(rows[1], S[2 * i + 1] as f32)?;
        sums.push(graph.add(first, second)?);
    }
    graph.concat(&sums, 1)
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let sum: f64 = x.iter().map(|x| x.exp()).sum();
    x.iter().map(|x| x.exp() / sum).collect()
}

fn to_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}
