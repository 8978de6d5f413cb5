//! Products of stacks of matrices.

use super::{Misfits, zeros};
use wgrad::{Activation, Device, Layout, Tensor};

pub(super) fn misfits(d: &Device) -> Misfits {
    let (nn, nt, tn) = (Layout::NN, Layout::NT, Layout::TN);
    let stack =
        |lead: &[usize], rows, cols| Tensor::zeros(d, [lead, &[rows, cols]].concat()).unwrap();
    let stacked = |a: Tensor, b: Tensor, layout| a.batch_matmul(&b, layout).map(drop);
    vec![
        (
            "batch_matmul",
            stacked(stack(&[2], 3, 4), stack(&[2], 3, 4), nn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[2], 3, 4), stack(&[2], 4, 3), nt),
        ),
        (
            "batch_matmul",
            stacked(stack(&[2], 3, 4), stack(&[2], 4, 3), tn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[2], 3, 4), stack(&[3], 4, 5), nn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[2, 3], 3, 4), stack(&[2], 4, 5), nn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[0], 3, 4), stack(&[2], 4, 5), nn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[2, 3, 2], 3, 4), stack(&[1, 3, 1], 4, 5), nn),
        ),
        (
            "batch_matmul",
            stacked(Tensor::zeros(d, 4).unwrap(), stack(&[], 4, 5), nn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[], 3, 4), Tensor::zeros(d, 4).unwrap(), nt),
        ),
        (
            "batch_dense",
            stack(&[2], 3, 4)
                .batch_dense(&stack(&[2], 4, 5), &zeros(d, 1, 4), Activation::Relu)
                .map(drop),
        ),
        (
            "batch_dense",
            stack(&[2], 3, 4)
                .batch_dense(&stack(&[2], 5, 4), &zeros(d, 2, 5), Activation::Relu)
                .map(drop),
        ),
    ]
}
