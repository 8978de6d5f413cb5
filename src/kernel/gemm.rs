//! The CPU's matrix product, by the `gemm` crate: the one place that calls it.

use super::{Layout, Matmul, MatrixShape, Real};

/// Multiply-adds below which one thread is faster than several.
const PARALLEL_MULTIPLY_ADDS: usize = 1 << 19;

/// C = A·B over padded, row-major slices, in the layout of `call`. The padding of C is left as it was.
#[expect(unsafe_code, reason = "the gemm crate takes raw pointers")]
pub(crate) fn product<T: Real>(call: &Matmul, a: &[T], b: &[T], c: &mut [T]) {
    let (m, n, k) = (call.m, call.n, call.k);
    assert!(a.len() >= call.a().floats() && b.len() >= call.b().floats());
    assert!(c.len() >= call.out().floats());
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        c.fill(T::ZERO);
        return;
    }
    // Strides as (from row to row, from column to column) of the operand as the product sees it.
    let strides = |shape: MatrixShape, transposed: bool| {
        let ld = shape.ld() as isize;
        if transposed { (1, ld) } else { (ld, 1) }
    };
    let (a_rows, a_cols) = strides(call.a(), call.layout == Layout::TN);
    let (b_rows, b_cols) = strides(call.b(), call.layout == Layout::NT);
    let threads = if m * n * k < PARALLEL_MULTIPLY_ADDS {
        gemm::Parallelism::None
    } else {
        gemm::Parallelism::Rayon(0)
    };
    // SAFETY: the asserts above show that every element the strides reach lies within its slice; `c` is borrowed
    // mutably, so it overlaps neither operand; with `read_dst` false `c` is written, not read.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            call.out().ld() as isize,
            false,
            a.as_ptr(),
            a_cols,
            a_rows,
            b.as_ptr(),
            b_cols,
            b_rows,
            T::ZERO,
            T::ONE,
            false,
            false,
            false,
            threads,
        );
    }
}
