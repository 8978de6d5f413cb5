//! Scatter along a dimension: out[l] = a[0] where l = b[0], zeros elsewhere.

use crate::kernel::base::rows::row_of;
use crate::kernel::base::{Along, MatrixShape, Real, Side};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/movement/scatter.wgsl");

pub(crate) fn run<T: Real>(
    [a, b]: [&[T]; 2],
    shape: MatrixShape,
    along: Along,
    i: usize,
    out: &mut [T],
) {
    let Along { inner, .. } = along;
    let pick = |value: T, place: T, l: usize| {
        if place == T::of(l as f64) {
            value
        } else {
            T::ZERO
        }
    };
    match along.side {
        Side::Rows => {
            let (block, within) = (i / along.block(), i % along.block());
            let row = block * inner + within % inner;
            let [a, b] = [row_of(a, shape, row), row_of(b, shape, row)];
            for ((out, &value), &place) in out.iter_mut().zip(a).zip(b) {
                *out = pick(value, place, within / inner);
            }
        }
        Side::Columns => {
            let [a, b] = [row_of(a, shape, i), row_of(b, shape, i)];
            for (j, out) in out.iter_mut().enumerate() {
                let (block, within) = (j / along.block(), j % along.block());
                let from = block * inner + within % inner;
                *out = pick(a[from], b[from], within / inner);
            }
        }
    }
}
