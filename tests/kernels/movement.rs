//! Slices, concatenation, transposes and filled matrices, which keep all bits, and the general product built on them.

use crate::common::compare::Tolerance;
use crate::common::data::Random;
use crate::common::oracle::widen;
use crate::{check, element_shapes};
use wgrad::{Gemm, Tensor};

fn exact(_: usize) -> Tolerance {
    Tolerance::EXACT
}

/// The columns from start on, of each row.
fn columns(x: &[f32], cols: usize, start: usize, n: usize) -> Vec<f64> {
    if cols == 0 {
        return Vec::new();
    }
    x.chunks(cols)
        .flat_map(|row| widen(&row[start..][..n]))
        .collect()
}

#[test]
fn columns_are_sliced_and_padded() {
    for shape @ [rows, cols] in element_shapes() {
        let x = Random::new((rows * 3 + cols) as u64).normals(rows * cols);
        let ranges = [
            [0, cols],
            [1, cols.saturating_sub(1)],
            [2, 1],
            [3, cols / 3],
            [5, 4],
            [cols / 2, cols / 2],
            [cols, 0],
        ];
        for [start, n] in ranges {
            if start + n <= cols {
                let part = columns(&x, cols, start, n);
                let name = format!("columns {start}+{n} of {shape:?}");
                check(&name, &part, exact, |d| {
                    Tensor::new(d, shape, &x)?.slice_columns(start..start + n)
                });
                let placed: Vec<f64> = (0..rows * cols)
                    .map(|i| match i % cols {
                        j if j >= start && j < start + n => x[i].into(),
                        _ => 0.0,
                    })
                    .collect();
                check(&format!("place, {name}"), &placed, exact, |d| {
                    let part = Tensor::new(d, shape, &x)?.slice_columns(start..start + n)?;
                    part.pad_columns(start, cols)
                });
            }
        }
    }
}

#[test]
fn matrices_are_concatenated() {
    for shape @ [rows, cols] in element_shapes() {
        let x = Random::new((rows * 5 + cols) as u64).normals(rows * cols);
        for left in [0, 1, 2, 3, cols / 2, cols] {
            if left > cols {
                continue;
            }
            let name = format!("concat_columns {left} of {shape:?}");
            check(&name, &widen(&x), exact, |d| {
                let x = Tensor::new(d, shape, &x)?;
                x.slice_columns(0..left)?
                    .concat_columns(&x.slice_columns(left..cols)?)
            });
        }
    }
}

#[test]
fn matrices_are_transposed_and_filled() {
    for shape @ [rows, cols] in element_shapes() {
        let x = Random::new((rows * 7 + cols) as u64).normals(rows * cols);
        let transposed: Vec<f64> = (0..rows * cols)
            .map(|i| x[i % rows * cols + i / rows].into())
            .collect();
        check(&format!("transpose {shape:?}"), &transposed, exact, |d| {
            let y = Tensor::new(d, shape, &x)?.transpose()?;
            assert_eq!(y.shape(), [cols, rows]);
            Ok(y)
        });
        let filled = vec![f64::from(0.3f32); rows * cols];
        check(&format!("filled {shape:?}"), &filled, exact, |d| {
            Tensor::filled(d, shape, 0.3)
        });
    }
}

#[test]
fn general_products() {
    let mut cases = 0;
    for [m, n, k] in [
        [1, 1, 1],
        [3, 5, 4],
        [17, 1, 9],
        [1, 65, 7],
        [33, 63, 31],
        [8, 4, 0],
    ] {
        let mut random = Random::new((m * 100 + n * 10 + k) as u64);
        let (a, b) = (random.integers(m * k), random.integers(k * n));
        for c_shape in [[m, n], [1, n], [m, 1], [1, 1]] {
            let c = random.integers(c_shape[0] * c_shape[1]);
            for bits in 0..4 {
                let (transpose_a, transpose_b) = (bits % 2 == 1, bits / 2 == 1);
                for [alpha, beta] in [[1.0, 1.0], [0.5, -2.0], [2.0, 0.0]] {
                    // Halves of integers: exact in every order.
                    let at =
                        |i: usize, p: usize| a[if transpose_a { p * m + i } else { i * k + p }];
                    let bt =
                        |p: usize, j: usize| b[if transpose_b { j * k + p } else { p * n + j }];
                    let expected: Vec<f64> = (0..m * n)
                        .map(|e| {
                            let (i, j) = (e / n, e % n);
                            let product: f32 = (0..k).map(|p| at(i, p) * bt(p, j)).sum();
                            let c = c[i % c_shape[0] * c_shape[1] + j % c_shape[1]];
                            (alpha * product + beta * c).into()
                        })
                        .collect();
                    let options = Gemm::new().alpha(alpha).beta(beta);
                    let options = options.transpose_a(transpose_a).transpose_b(transpose_b);
                    let name = format!("{options:?} {m}x{n}x{k}, C {c_shape:?}");
                    check(&name, &expected, exact, |d| {
                        let a = Tensor::new(d, if transpose_a { [k, m] } else { [m, k] }, &a)?;
                        let b = Tensor::new(d, if transpose_b { [n, k] } else { [k, n] }, &b)?;
                        // Where β is 0, C is not read.
                        let c = if beta == 0.0 {
                            vec![f32::NAN; c.len()]
                        } else {
                            c.clone()
                        };
                        a.gemm(&b, Some(&Tensor::new(d, c_shape, &c)?), options)
                    });
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 6 * 4 * 4 * 3);
}
