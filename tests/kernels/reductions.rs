//! Sums over columns and over all elements, norms, and gathered rows.

use crate::common::compare::{Tolerance, assert_close, assert_same_bits};
use crate::common::data::{DIMS, Random};
use crate::common::devices::{cpu, reducing_devices};
use crate::common::oracle::{self, widen};
use crate::common::precision::{ULP, sum_ulps, ulps};
use crate::{check, reduction_shapes};
use wgrad::{Bytes, Device, Error, Indices, Tensor};

#[test]
fn column_sums() {
    for shape @ [rows, cols] in reduction_shapes() {
        let mut random = Random::new((rows * 41 + cols) as u64);
        let call = |x: &[f32]| {
            let x = x.to_vec();
            move |d: &Device| Tensor::new(d, shape, &x)?.column_sum()
        };
        let x = random.integers(rows * cols);
        let expected = oracle::column_sum(&x, cols);
        check(
            &format!("column_sum of integers {shape:?}"),
            &expected,
            |_| Tolerance::EXACT,
            call(&x),
        );
        let x = random.normals(rows * cols);
        let magnitudes = oracle::column_sum(&x.iter().map(|x| x.abs()).collect::<Vec<_>>(), cols);
        let tolerance = |j: usize| Tolerance::absolute(sum_ulps(rows) * ULP * magnitudes[j]);
        check(
            &format!("column_sum {shape:?}"),
            &oracle::column_sum(&x, cols),
            tolerance,
            call(&x),
        );
    }
}

#[test]
fn sums_and_norms_of_all_elements() {
    let mut sweep = reduction_shapes();
    // Beyond the largest number of partial sums.
    sweep.extend([[1000, 263], [513, 1024]]);
    for shape @ [rows, cols] in sweep {
        let mut random = Random::new((rows * 43 + cols) as u64);
        let count = rows * cols;
        let (integers, normals) = (random.integers(count), random.normals(count));
        for device in reducing_devices() {
            let name = format!("{} {shape:?}", device.report());
            let totals = |x: &[f32]| {
                let x = Tensor::new(device, shape, x).unwrap();
                let totals = [x.sum().unwrap(), x.norm().unwrap()];
                assert_same_bits(&name, &totals, &[x.sum().unwrap(), x.norm().unwrap()]);
                totals
            };
            // Integer sums are exact, the norm's square too: only its root rounds.
            let [sum, norm] = totals(&integers);
            assert_close(&name, &[sum], &[oracle::sum(&integers)], Tolerance::EXACT);
            assert_close(&name, &[norm], &[oracle::norm(&integers)], ulps(0.5));
            // A root halves the relative error of the sum of squares, its additions and products, and rounds.
            let [sum, norm] = totals(&normals);
            let magnitude: f64 = normals.iter().map(|&x| f64::from(x).abs()).sum();
            let tolerance = Tolerance::absolute(sum_ulps(count) * ULP * magnitude);
            assert_close(&name, &[sum], &[oracle::sum(&normals)], tolerance);
            assert_close(
                &name,
                &[norm],
                &[oracle::norm(&normals)],
                ulps(0.5 + 0.5 * sum_ulps(2 * count)),
            );
        }
    }
}

#[test]
fn first_greatest_columns() {
    let (mut cases, mut ties) = (0, 0);
    for shape @ [rows, cols] in reduction_shapes() {
        if cols == 0 {
            continue;
        }
        let mut random = Random::new((rows * 67 + cols) as u64);
        // Integers tie often. Then some of what orders in its own way: a NaN is above all, the first one wins.
        let mut specials = random.normals(rows * cols);
        let values = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            -f32::NAN,
            f32::MAX,
            1e-40,
        ];
        for i in 0..specials.len() / 9 {
            let place = random.below(specials.len());
            specials[place] = values[i % values.len()];
        }
        let zeros = [-0.0, 0.0, -1e-40].map(|zero| vec![zero; rows * cols]);
        let all = [random.integers(rows * cols), specials];
        for x in all.iter().chain(&zeros) {
            let expected: Vec<u32> = x
                .chunks(cols)
                .map(|row| {
                    let is_above = |a: f32, b: f32| a > b || a.is_nan() && !b.is_nan();
                    let maximum =
                        (1..cols).fold(
                            0,
                            |best, j| {
                                if is_above(row[j], row[best]) { j } else { best }
                            },
                        );
                    ties += row.iter().filter(|&&v| v == row[maximum]).skip(1).count();
                    maximum as u32
                })
                .collect();
            for device in reducing_devices() {
                let found = Tensor::new(device, shape, x).unwrap().argmax().unwrap();
                assert_eq!(found, expected, "{shape:?} on {}", device.report());
            }
            cases += 1;
        }
    }
    assert!(cases > 200 && ties > 1000, "{cases} cases, {ties} ties");
}

#[test]
fn gathered_rows() {
    let mut cases = 0;
    for (i, shape @ [rows, cols]) in reduction_shapes().into_iter().enumerate() {
        let mut random = Random::new(i as u64);
        let x = random.normals(rows * cols);
        let taken = if rows == 0 { 0 } else { DIMS[i % DIMS.len()] };
        let mut indices = random.words(taken, rows.max(1));
        if let Some(last) = indices.last_mut() {
            *last = rows as u32 - 1;
        }
        let expected: Vec<f64> = indices
            .iter()
            .flat_map(|&i| widen(&x[i as usize * cols..][..cols]))
            .collect();
        check(
            &format!("gather {taken} rows of {shape:?}"),
            &expected,
            |_| Tolerance::EXACT,
            |d| {
                let y = Tensor::new(d, shape, &x)?.gather_rows(&Indices::new(d, &indices)?)?;
                assert_eq!(y.shape(), [taken, cols]);
                Ok(y)
            },
        );
        cases += usize::from(!expected.is_empty());
    }
    assert!(cases > 40);
}

#[test]
fn rows_of_bytes_are_gathered_and_scaled() {
    let mut random = Random::new(5);
    for [rows, cols] in [[1, 1], [3, 4], [9, 5], [65, 129], [300, 784]] {
        let bytes: Vec<u8> = random
            .words(rows * cols, 256)
            .iter()
            .map(|&w| w as u8)
            .collect();
        let indices = random.words(2 * rows + 1, rows);
        let expected: Vec<f64> = indices
            .iter()
            .flat_map(|&row| &bytes[row as usize * cols..][..cols])
            .map(|&byte| f64::from(byte) * 0.25 - 3.0)
            .collect();
        // Quarters of bytes are exact in f32.
        check(
            "gather_rows of bytes",
            &expected,
            |_| Tolerance::EXACT,
            |d| {
                let table = Bytes::new(d, [rows, cols], &bytes)?;
                assert_eq!(table.shape(), [rows, cols]);
                table.gather_rows(&Indices::new(d, &indices)?, 0.25, -3.0)
            },
        );
    }
    let table = Bytes::new(cpu(), [2, 2], &[0; 4]).unwrap();
    let past = Indices::new(cpu(), &[2]).unwrap();
    assert!(matches!(
        table.gather_rows(&past, 1.0, 0.0),
        Err(Error::Argument { .. })
    ));
    assert!(matches!(
        Bytes::new(cpu(), [2, 2], &[0; 5]),
        Err(Error::Shape { .. })
    ));
}
