//! PReLU (He et al. 2015): y = x where x > 0, else a·x, with a learned slope a for each column, or one shared slope.

use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/prelu.wgsl");

/// WGSL source of `slope(col)`: the slopes of columns col to col + 3.
pub(crate) fn slope_source(shared: bool) -> &'static str {
    if shared {
        "fn slope(col: u32) -> vec4<f32> {\n    return vec4<f32>(load_a_component(0u, 0u));\n}\n"
    } else {
        "fn slope(col: u32) -> vec4<f32> {\n    return load_a(col / 4u);\n}\n"
    }
}

/// The slope of a column.
pub(crate) fn slope<T: Real>(a: &[T], shared: bool, j: usize) -> T {
    a[if shared { 0 } else { j }]
}

pub(crate) fn run<T: Real>(x: &[T], a: &[T], shared: bool, y: &mut [T], shape: MatrixShape) {
    for_rows(y, shape, |i, y| {
        for (j, (y, &x)) in y.iter_mut().zip(row_of(x, shape, i)).enumerate() {
            *y = if x > T::ZERO {
                x
            } else {
                slope(a, shared, j) * x
            };
        }
    });
}
