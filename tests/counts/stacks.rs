//! Dispatches of products of stacks of matrices.

use crate::common::devices::cpu;
use wgrad::{Activation, Graph, Init, Layout, Trainer, Value};

/// Dispatches of a training step of a network with a product within, which returns [batch, 3, 5].
fn dispatches(build: impl Fn(&mut Graph, Value) -> Value) -> usize {
    let mut g = Graph::new();
    let x = g.input([3, 4]).unwrap();
    let h = g.dense(x, 4, Init::default()).unwrap();
    let y = build(&mut g, h);
    assert_eq!(g.shape_of(y).unwrap().to_string(), "[batch, 3, 5]");
    let flat = g.flatten(y).unwrap();
    let y = g.dense(flat, 3, Init::default()).unwrap();
    let trainer = Trainer::builder(g.build(y, cpu(), 0).unwrap());
    trainer.build().unwrap().dispatches_per_step()
}

/// One dispatch forward; backward one for each operand, and one more for an operand that several products share. A bias
/// and an activation are part of the product.
#[test]
fn a_product_of_stacks_takes_the_dispatches_that_its_documentation_says() {
    // Two dense layers forward and backward without the gradient of x, gather, loss, update, and the copies of a
    // reshape whose rows are padded.
    let of_one = |dims: &'static [usize], layout, extra: bool| {
        dispatches(move |g, h| {
            let w = g.parameter("w", dims, Init::default()).unwrap();
            let y = match layout {
                Layout::TN => {
                    let square = g.batch_matmul(h, h, Layout::NT).unwrap(); // one forward, two and a sum backward
                    let y = g.batch_matmul(square, w, Layout::TN).unwrap();
                    return y;
                }
                _ => g.batch_matmul(h, w, layout).unwrap(),
            };
            if !extra {
                return y;
            }
            let bias = g.vector("b", 5, Init::default()).unwrap();
            let y = g.bias_add(y, bias).unwrap();
            g.activation(y, Activation::Tanh).unwrap()
        })
    };
    // One B for all rows: a dense layer.
    let dense = of_one(&[5, 4], Layout::NT, false);
    let dense_with_bias = of_one(&[5, 4], Layout::NT, true);
    assert_eq!(of_one(&[4, 5], Layout::NN, false), dense);
    // The derivative is a call of its own behind a reshape; the bias gradient joins that of the weight.
    assert_eq!(dense_with_bias, dense + 1);
    // A shared B of a transposed product takes one dispatch more for its gradient.
    assert_eq!(of_one(&[3, 5], Layout::TN, false), dense + 4 + 1);
    // A shared A.
    let shared = dispatches(|g, h| {
        let w = g.parameter("w", [3, 3], Init::default()).unwrap();
        let wide = g.dense_without_bias(h, 5, Init::default()).unwrap();
        g.batch_matmul(w, wide, Layout::NN).unwrap()
    });
    let without = dispatches(|g, h| g.dense_without_bias(h, 5, Init::default()).unwrap());
    assert_eq!(without, dense);
    assert_eq!(shared, without + 1 + 1 + 2);
}
