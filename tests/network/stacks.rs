//! Products of stacks of matrices in graphs: values, gradients, dispatches, refusals.

use super::CLASSES;
use super::common::compare::{Tolerance, assert_close};
use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::oracle;
use wgrad::{Activation, Error, Graph, Init, Layout, Result, Trainer, Value};

/// Every layout with an operand of its own, one shared by all samples, by all heads, and by some; biases and
/// activations behind products; a value that is both operands.
pub(crate) fn products_of_stacks(g: &mut Graph, x: Value) -> Result<Value> {
    // Three rows of five features for each of two heads.
    let h = g.dense(x, 30, Init::XavierNormal)?;
    let h = g.reshape(h, [2, 3, 5])?;
    let heads = g.parameter("heads", [2, 5, 4], Init::XavierUniform)?; // shared by all samples
    let q = g.batch_matmul(h, heads, Layout::NN)?; // [batch, 2, 3, 4]
    let bias = g.vector("bias", 4, Init::Constant(0.1))?;
    let q = g.bias_add(q, bias)?;
    let q = g.activation(q, Activation::Tanh)?;
    let scores = g.batch_matmul(q, q, Layout::NT)?; // [batch, 2, 3, 3]
    let scores = g.activation(scores, Activation::Gelu)?; // z kept
    let mixed = g.batch_matmul(scores, h, Layout::TN)?; // [batch, 2, 3, 5]
    let all = g.parameter("all", [3, 6], Init::XavierUniform)?; // shared by all products
    let left = g.batch_matmul(all, mixed, Layout::TN)?; // [batch, 2, 6, 5]
    let one = g.parameter("one", [7, 5], Init::XavierUniform)?; // one product for all rows
    let flat = g.batch_matmul(left, one, Layout::NT)?; // [batch, 2, 6, 7]
    // One matrix of each sample, shared by its heads.
    let y = g.dense(x, 14, Init::XavierNormal)?;
    let y = g.reshape(y, [1, 2, 7])?;
    let shared = g.batch_matmul(flat, y, Layout::NT)?; // [batch, 2, 6, 2]
    let some = g.parameter("some", [1, 1, 6, 2], Init::XavierUniform)?;
    let last = g.batch_matmul(shared, some, Layout::TN)?; // [batch, 2, 2, 2]
    let flat = g.reshape(last, 8)?;
    g.dense(flat, CLASSES, Init::XavierUniform)
}

/// Attention of two heads whose queries, keys and values are columns of one dense layer, and gates that are columns of
/// another: products read them where they lie.
pub(crate) fn operands_in_place(g: &mut Graph, x: Value) -> Result<Value> {
    let h = g.dense(x, 12, Init::XavierNormal)?;
    let h = g.reshape(h, [3, 4])?;
    let all = g.dense(h, 24, Init::XavierNormal)?; // three steps of queries, keys and values
    let mut heads = Vec::new();
    for i in 0..3 {
        let part = g.slice_columns(all, 8 * i..8 * i + 8)?;
        let part = g.reshape(part, [3, 2, 4])?;
        heads.push(g.permute(part, &[0, 2, 1, 3])?); // [batch, 2, 3, 4]
    }
    let scores = g.batch_matmul(heads[0], heads[1], Layout::NT)?;
    let weights = g.softmax(scores)?;
    let mixed = g.batch_matmul(weights, heads[2], Layout::NN)?;
    // Heads whose rows are padded: no slice, and a reshape that is none.
    let odd = g.dense(h, 10, Init::XavierNormal)?;
    let odd = g.reshape(odd, [3, 2, 5])?;
    let odd = g.permute(odd, &[0, 2, 1, 3])?;
    let squares = g.batch_matmul(odd, mixed, Layout::TN)?; // [batch, 2, 5, 4]
    let flat = g.reshape(squares, 40)?;
    let gates = g.dense(flat, 14, Init::XavierNormal)?;
    let first = g.slice_columns(gates, 0..8)?;
    let last = g.slice_columns(gates, 8..14)?; // ends with the row
    let w = g.parameter("w", [14, 6], Init::XavierUniform)?;
    let (upper, lower) = (g.slice(w, 0, 0..8)?, g.slice(w, 0, 8..14)?);
    let some = g.slice_columns(w, 4..6)?;
    let y = g.matmul(first, upper, Layout::NN)?;
    let z = g.matmul(last, lower, Layout::NN)?;
    let y = g.add(y, z)?;
    let y = g.activation(y, Activation::Tanh)?;
    let z = g.matmul(gates, some, Layout::NN)?;
    let y = g.concat_columns(y, z)?;
    g.dense(y, CLASSES, Init::XavierUniform)
}

/// The product of x [batch, heads, T, D] and a parameter, against the oracle.
#[test]
fn values_are_those_of_the_products() {
    let [batch, heads, t, d, n] = [3, 2, 5, 6, 7];
    let mut random = Random::new(4);
    let (x, w) = (
        random.integers(batch * heads * t * d),
        random.integers(heads * d * n),
    );
    let expected: Vec<f64> = (0..batch * heads)
        .flat_map(|i| {
            let (x, w) = (&x[i * t * d..][..t * d], &w[i % heads * d * n..][..d * n]);
            oracle::matmul(x, w, [t, n, d], Layout::NN)
        })
        .collect();
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let mut graph = Graph::new();
        let input = graph.input([heads, t, d]).unwrap();
        let parameter = graph
            .parameter("w", [heads, d, n], Init::default())
            .unwrap();
        let y = graph.batch_matmul(input, parameter, Layout::NN).unwrap();
        assert_eq!(graph.shape_of(y).unwrap().to_string(), "[batch, 2, 5, 7]");
        let mut network = graph.build(y, device, 0).unwrap();
        network.set_parameter("w", &w).unwrap();
        let found = network.predict(&x).unwrap();
        assert_close("product", &found, &expected, Tolerance::EXACT);
    }
}

#[test]
fn operands_that_are_no_stacks_or_do_not_fit_are_refused() {
    let mut g = Graph::new();
    let x = g.input([2, 3, 4]).unwrap();
    let mut refused = |a: Value, shape: &[usize], layout: Layout, wanted: &str| {
        let b = g
            .parameter(&format!("{shape:?} {layout:?}"), shape, Init::default())
            .unwrap();
        let error = g.batch_matmul(a, b, layout).unwrap_err();
        let fits = matches!(
            error,
            Error::Shape {
                operation: "batch_matmul",
                ..
            }
        );
        assert!(fits && error.to_string().contains(wanted), "{error:?}");
    };
    refused(x, &[2, 3, 4], Layout::NN, "inner dimension 4");
    refused(x, &[5, 3], Layout::NT, "inner dimension 4");
    refused(x, &[4, 5], Layout::TN, "inner dimension 3");
    refused(x, &[3, 4, 5], Layout::NN, "leading dimensions");
    refused(x, &[6, 2, 4, 5], Layout::NN, "leading dimensions");
    refused(x, &[4], Layout::NN, "a matrix");
    // The batch is no leading dimension of the result, or part of a matrix.
    refused(
        x,
        &[5, 1, 1, 4, 5],
        Layout::NN,
        "the batch as the first dimension",
    );
    let mut g = Graph::new();
    let flat = g.input(4).unwrap();
    let w = g.parameter("w", [3, 4, 5], Init::default()).unwrap();
    let error = g.batch_matmul(flat, w, Layout::NN).unwrap_err();
    assert!(
        error.to_string().contains("the batch is not part of"),
        "{error}"
    );
    // Own, shared, own.
    let mut g = Graph::new();
    let a = g.parameter("a", [2, 3, 2, 4, 5], Init::default()).unwrap();
    let b = g.parameter("b", [1, 3, 1, 5, 6], Init::default()).unwrap();
    let error = g.batch_matmul(a, b, Layout::NN).unwrap_err();
    assert!(error.to_string().contains("at most once"), "{error}");
}

/// Products read slices of columns and heads in place: the plan has no call for them, and the values are the oracle's.
#[test]
fn slices_and_heads_are_read_in_place() {
    let [t, heads, d] = [5, 3, 4];
    let width = heads * d;
    let mut random = Random::new(6);
    let batch = 2;
    let x = random.integers(batch * t * 2 * width);
    // [batch, T, 2, heads, D] to [batch, heads, T, D].
    let operand = |part: usize, b: usize, h: usize| -> Vec<f32> {
        let row = |row: usize| &x[((b * t + row) * 2 + part) * width + h * d..][..d];
        (0..t).flat_map(|i| row(i).to_vec()).collect()
    };
    let pairs = (0..batch * heads).map(|i| [i / heads, i % heads]);
    let expected = pairs.flat_map(|[b, h]| {
        let (q, k) = (operand(0, b, h), operand(1, b, h));
        oracle::matmul(&q, &k, [t, t, d], Layout::NT)
    });
    let expected: Vec<f64> = expected.collect();
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let mut g = Graph::new();
        let input = g.input([t, 2 * width]).unwrap();
        let part = |g: &mut Graph, range| {
            let part = g.slice_columns(input, range).unwrap();
            let part = g.reshape(part, [t, heads, d]).unwrap();
            g.permute(part, &[0, 2, 1, 3]).unwrap()
        };
        let (q, k) = (part(&mut g, 0..width), part(&mut g, width..2 * width));
        let scores = g.batch_matmul(q, k, Layout::NT).unwrap();
        let network = g.build(scores, device, 0).unwrap();
        let found = network.predict(&x).unwrap();
        assert_close("scores", &found, &expected, Tolerance::EXACT);
    }
    let mut g = Graph::new();
    let x = g.input(9).unwrap();
    let y = operands_in_place(&mut g, x).unwrap();
    let trainer = Trainer::builder(g.build(y, cpu(), 0).unwrap())
        .build()
        .unwrap();
    let plan = trainer.plan().to_string();
    // Only the rows of a parameter are copied, and the two parts of the gradient of a concatenation, which do not end or
    // start at a multiple of four.
    assert_eq!(plan.matches("slice").count(), 4, "{plan}");
    // The gradients of heads are permuted back.
    assert_eq!(plan.matches("permute").count(), 4, "{plan}");
}
