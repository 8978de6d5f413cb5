//! Sum: a + b.

use crate::kernel::base::rows::for_blocks;
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/add.wgsl");

pub(crate) fn run<T: Real>(a: &[T], b: &[T], out: &mut [T], shape: MatrixShape) {
    for_blocks(out, shape, |first, out| {
        let part = first * shape.ld()..first * shape.ld() + out.len();
        let (a, b) = (&a[part.clone()], &b[part]);
        T::vectorized(Add { a, b, out, shape });
    });
}

struct Add<'a, T> {
    a: &'a [T],
    b: &'a [T],
    out: &'a mut [T],
    shape: MatrixShape,
}

impl<T: Real> Vectorized for Add<'_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (ld, cols) = (self.shape.ld(), self.shape.cols);
        for ((out, &a), &b) in self.out.iter_mut().zip(self.a).zip(self.b) {
            *out = a + b;
        }
        if cols < ld {
            for row in self.out.chunks_exact_mut(ld) {
                row[cols..].fill(T::ZERO);
            }
        }
    }
}
