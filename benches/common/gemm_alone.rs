//! The product by the bare `gemm` crate, for comparison with the CPU's: buffers allocated beforehand, and its own
//! threads.

use wgrad::Layout;

/// c [M, N] = A·B, with the operands stored in the given layout.
#[expect(unsafe_code, reason = "the gemm crate takes raw pointers")]
pub(crate) fn product(layout: Layout, [m, n, k]: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]) {
    assert!(a.len() == m * k && b.len() == k * n && c.len() == m * n);
    // Strides as (from column to column, from row to row) of the operand as the product sees it.
    let strides = |rows: usize, cols: usize, transposed: bool| {
        if transposed {
            (rows as isize, 1)
        } else {
            (1, cols as isize)
        }
    };
    let (a_cols, a_rows) = strides(m, k, layout == Layout::TN);
    let (b_cols, b_rows) = strides(k, n, layout == Layout::NT);
    // SAFETY: the assertion ensures that the strides stay within the slices. `c` is borrowed mutably, so it overlaps
    // neither operand. With `read_dst` false it is written and not read.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.as_ptr(),
            a_cols,
            a_rows,
            b.as_ptr(),
            b_cols,
            b_rows,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(0),
        );
    }
}
