//! Criteria that sum over the elements of a row: ℓ = Σⱼ wⱼ·loss(xⱼ, tⱼ) and dxⱼ = factor · wⱼ·dloss(xⱼ, tⱼ), with the
//! class weights wⱼ.

use super::row::{Row, sum};
use crate::kernel::base::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/by_element.wgsl");

/// Runs a criterion with two labels in every column: `loss` and `dloss` take x and the shares of the labels.
pub(crate) fn run_binary<T: Real>(
    row: &Row<'_, T>,
    gradient: &mut [T],
    loss: impl Fn(T, super::row::Shares<T>) -> T,
    dloss: impl Fn(T, super::row::Shares<T>) -> T,
) -> T {
    run(
        row,
        gradient,
        |x, t, _| loss(x, row.shares(t)),
        |x, t, _| dloss(x, row.shares(t)),
    )
}

/// Runs a criterion: `loss` and `dloss` take x, t and the criterion's parameter.
pub(crate) fn run<T: Real>(
    row: &Row<'_, T>,
    gradient: &mut [T],
    loss: impl Fn(T, T, T) -> T,
    dloss: impl Fn(T, T, T) -> T,
) -> T {
    let x = row.inputs[0];
    for (j, (dx, &x)) in gradient.iter_mut().zip(x).enumerate() {
        *dx = row.factor * (row.class_weight(j) * dloss(x, row.target(j), row.parameter));
    }
    sum(x.len(), |j| {
        row.class_weight(j) * loss(x[j], row.target(j), row.parameter)
    })
}
