//! Random orthogonal matrices.

use crate::random::Random;
use crate::threads::{Threads, for_chunks, is_large};

/// A matrix [rows, cols], row by row, whose rows (columns, if there are more rows) have length `gain` and are
/// orthogonal: W·Wᵀ = gain²·I (WᵀW).
///
/// The vectors along the shorter side are independent normals, which the modified Gram-Schmidt process orthonormalises
/// in order. This is a QR decomposition whose R has a positive diagonal, so the matrix is uniform over all such
/// matrices (Mezzadri 2007). In `f64`, a square normal matrix of a few thousand rows deviates from orthogonality by
/// about 10⁻¹⁰, which is below the precision of `f32`.
pub(super) fn draw(random: &mut Random, rows: usize, cols: usize, gain: f64) -> Vec<f32> {
    let (count, length) = (rows.min(cols), rows.max(cols));
    let mut vectors: Vec<Vec<f64>> = (0..count)
        .map(|_| (0..length).map(|_| random.normal()).collect())
        .collect();
    let flops = 2 * count * count * length;
    Threads::default().run(is_large(flops as u64, 0), || orthonormalize(&mut vectors));
    let entry = |i: usize| {
        let (row, col) = (i / cols, i % cols);
        let (vector, place) = if rows <= cols { (row, col) } else { (col, row) };
        (gain * vectors[vector][place]) as f32
    };
    (0..rows * cols).map(entry).collect()
}

/// The modified Gram-Schmidt process.
fn orthonormalize(vectors: &mut [Vec<f64>]) {
    for i in 0..vectors.len() {
        let (head, rest) = vectors.split_at_mut(i + 1);
        let unit = &mut head[i];
        let scale = 1.0 / libm::sqrt(dot(unit, unit));
        unit.iter_mut().for_each(|x| *x *= scale);
        let unit: &[f64] = unit;
        // Each vector is processed independently, so the number of threads changes no bit.
        for_chunks(rest, 1, 8, |_, vectors| {
            for vector in vectors {
                let along = dot(unit, vector);
                for (x, u) in vector.iter_mut().zip(unit) {
                    *x -= along * u;
                }
            }
        });
    }
}

/// Dot product in eight partial sums, which a compiler can keep in one or two vector registers.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8
        .remainder()
        .iter()
        .zip(b8.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f64>() + rest
}
