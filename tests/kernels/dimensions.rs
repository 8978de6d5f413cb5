//! Calls along one dimension of values of any rank: movement keeps all bits; sums and maxima agree with plain loops.

use crate::check;
use crate::common::compare::Tolerance;
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, gpu_hardware_kernels};
use wgrad::{Device, Error, Tensor};

fn exact(_: usize) -> Tolerance {
    Tolerance::EXACT
}

/// Shapes with a dimension each: in the rows, in the columns; padded and not; a long side.
const CASES: [(&[usize], usize); 9] = [
    (&[3, 5], 0),
    (&[3, 5], 1),
    (&[2, 3, 5], 0),
    (&[2, 3, 5], 1),
    (&[4, 7, 8], 2),
    (&[2, 3, 2, 9], 1),
    (&[2, 5, 3, 1], 2),
    (&[7], 0),
    (&[2, 257, 3], 1),
];

/// A shape as [outer, length, inner] around a dimension.
fn around(shape: &[usize], dimension: usize) -> [usize; 3] {
    [
        shape[..dimension].iter().product(),
        shape[dimension],
        shape[dimension + 1..].iter().product(),
    ]
}

/// The element of x for each of a result [outer, count, inner]; 0 where there is none.
fn picked(
    x: &[f32],
    [outer, length, inner]: [usize; 3],
    count: usize,
    from: impl Fn(usize) -> Option<usize>,
) -> Vec<f64> {
    let mut out = Vec::new();
    for o in 0..outer {
        for l in 0..count {
            for i in 0..inner {
                let place = from(l).map(|l| (o * length + l) * inner + i);
                out.push(place.map_or(0.0, |place| x[place].into()));
            }
        }
    }
    out
}

fn values(shape: &[usize]) -> Vec<f32> {
    Random::new(shape.len() as u64 + shape[0] as u64).normals(shape.iter().product())
}

#[test]
fn slices_pads_and_concats_keep_every_bit() {
    for (shape, dimension) in CASES {
        let x = values(shape);
        let sides = around(shape, dimension);
        let length = sides[1];
        let with = |length: usize| {
            let mut dims = shape.to_vec();
            dims[dimension] = length;
            dims
        };
        for (start, count) in [(0, length), (1, length - 1), (length / 2, 1), (length, 0)] {
            let name = format!("{start}+{count} of {shape:?} along {dimension}");
            let part = picked(&x, sides, count, |l| Some(start + l));
            check(&format!("slice {name}"), &part, exact, |d| {
                let part = Tensor::new(d, shape, &x)?.slice(dimension, start..start + count)?;
                assert_eq!(part.shape(), with(count));
                Ok(part)
            });
            let padded = picked(&x, sides, length, |l| {
                (l >= start && l < start + count).then_some(l)
            });
            check(&format!("pad {name}"), &padded, exact, |d| {
                let part = Tensor::new(d, shape, &x)?.slice(dimension, start..start + count)?;
                part.pad(dimension, start, length)
            });
            let order = picked(&x, sides, length, |l| Some((start + l) % length));
            check(&format!("concat {name}"), &order, exact, |d| {
                let x = Tensor::new(d, shape, &x)?;
                let joined = x
                    .slice(dimension, start..length)?
                    .concat(&x.slice(dimension, 0..start)?, dimension)?;
                assert_eq!(joined.shape(), shape);
                Ok(joined)
            });
        }
    }
}

#[test]
fn permutations_keep_every_bit() {
    let cases: [(&[usize], &[usize]); 9] = [
        (&[7], &[0]),
        (&[3, 5], &[1, 0]),
        (&[2, 3, 5], &[0, 2, 1]),
        (&[2, 3, 5], &[2, 0, 1]),
        (&[2, 3, 4, 5], &[0, 2, 3, 1]),
        (&[2, 5, 4, 3], &[0, 3, 1, 2]),
        (&[4, 3, 2, 8], &[3, 2, 1, 0]),
        (&[2, 3, 2, 4, 5], &[4, 1, 0, 3, 2]),
        (&[2, 1, 3, 0, 2], &[1, 0, 2, 4, 3]),
    ];
    for (shape, order) in cases {
        let x = values(shape);
        let of_result: Vec<usize> = order.iter().map(|&i| shape[i]).collect();
        let strides: Vec<usize> = order
            .iter()
            .map(|&i| shape[i + 1..].iter().product())
            .collect();
        let expected: Vec<f64> = (0..x.len())
            .map(|element| {
                let (mut rest, mut source) = (element, 0);
                for (length, stride) in of_result.iter().zip(&strides).rev() {
                    source += rest % length * stride;
                    rest /= length;
                }
                x[source].into()
            })
            .collect();
        check(&format!("{shape:?} as {order:?}"), &expected, exact, |d| {
            let y = Tensor::new(d, shape, &x)?.permute(order)?;
            assert_eq!(y.shape(), of_result);
            Ok(y)
        });
    }
}

#[test]
fn upsampling_repeats_every_pixel() {
    for (shape, factor) in [
        ([2, 3, 4, 5], [2, 3]),
        ([1, 2, 3, 1], [1, 4]),
        ([2, 1, 3, 8], [5, 1]),
        ([3, 2, 2, 7], [1, 1]),
    ] {
        let [n, height, width, channels] = shape;
        let x = values(&shape);
        let mut expected = Vec::new();
        for sample in 0..n {
            for row in 0..height * factor[0] {
                for column in 0..width * factor[1] {
                    let pixel = (sample * height + row / factor[0]) * width + column / factor[1];
                    let channels = &x[pixel * channels..][..channels];
                    expected.extend(channels.iter().map(|&x| f64::from(x)));
                }
            }
        }
        check(&format!("{shape:?} by {factor:?}"), &expected, exact, |d| {
            let y = Tensor::new(d, shape, &x)?.upsample(factor)?;
            assert_eq!(
                y.shape(),
                [n, height * factor[0], width * factor[1], channels]
            );
            Ok(y)
        });
    }
    let x = Tensor::new(cpu(), [1, 2, 1], &[1.0, 2.0]).unwrap();
    let twice = x.upsample(2).unwrap();
    assert_eq!(
        (twice.shape(), twice.download().unwrap()),
        (&[1, 4, 1][..], vec![1.0, 1.0, 2.0, 2.0])
    );
}

#[test]
fn a_reshape_keeps_the_order_of_the_elements() {
    let x: Vec<f32> = (0..240).map(|i| i as f32 - 100.0).collect();
    let expected: Vec<f64> = x.iter().map(|&x| x.into()).collect();
    let shapes: [&[usize]; 7] = [
        &[240],
        &[240, 1],
        &[5, 48],
        &[48, 5],
        &[2, 3, 40],
        &[16, 15],
        &[4, 4, 5, 3],
    ];
    for from in shapes {
        for to in shapes {
            check(&format!("{from:?} as {to:?}"), &expected, exact, |d| {
                let y = Tensor::new(d, from, &x)?.reshape(to)?;
                assert_eq!(y.shape(), to);
                Ok(y)
            });
        }
    }
}

/// Whole numbers: a sum of them is exact in every order.
#[test]
fn sums_along_a_dimension_count_every_element_once() {
    for (shape, dimension) in CASES {
        let x = Random::new(9).integers(shape.iter().product());
        let [outer, length, inner] = around(shape, dimension);
        let mut sums = vec![0.0; outer * inner];
        for (at, &x) in x.iter().enumerate() {
            sums[at / (length * inner) * inner + at % inner] += f64::from(x);
        }
        check(
            &format!("sum of {shape:?} along {dimension}"),
            &sums,
            exact,
            |d| Tensor::new(d, shape, &x)?.sum_along(dimension),
        );
    }
}

/// A cascade errs by at most 2·log₂ n ULP of the sum of magnitudes; one running sum of these would by some hundred.
#[test]
fn a_long_sum_along_a_dimension_is_as_precise_as_a_cascade() {
    let n = 4096;
    let x = vec![0.1f32; 2 * n * 3];
    let expected = vec![f64::from(0.1f32) * n as f64; 6];
    let bound = 2.0 * (n as f64).log2() * f64::from(f32::EPSILON);
    check(
        "a long sum",
        &expected,
        |i| Tolerance::absolute(bound * expected[i]),
        |d| Tensor::new(d, [2, n, 3], &x)?.sum_along(1),
    );
}

/// The first of the greatest, as PyTorch has it: NaN above all, both zeros equal.
fn first_greatest(x: impl Iterator<Item = f32>) -> (f32, usize) {
    let mut best: Option<(f32, usize)> = None;
    for (l, x) in x.enumerate() {
        if best.is_none_or(|(b, _)| x > b || x.is_nan() && !b.is_nan()) {
            best = Some((x, l));
        }
    }
    best.unwrap()
}

#[test]
fn maxima_along_a_dimension_take_the_first_of_equals() {
    for (shape, dimension) in CASES {
        // Whole numbers, so that there are ties, and the special ones.
        let mut x = Random::new(11).integers(shape.iter().product());
        let special = [-0.0, 0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        for (i, special) in special.into_iter().enumerate() {
            let at = (3 * i + 1) % x.len();
            x[at] = special;
        }
        let [outer, length, inner] = around(shape, dimension);
        let best = |o: usize, i: usize| {
            first_greatest((0..length).map(|l| x[(o * length + l) * inner + i]))
        };
        let best: Vec<(f32, usize)> = (0..outer * inner)
            .map(|at| best(at / inner, at % inner))
            .collect();
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            let max = Tensor::new(device, shape, &x)
                .and_then(|x| x.max_along(dimension))
                .unwrap();
            let (values, places) = (
                max.values.download().unwrap(),
                max.places.download().unwrap(),
            );
            assert_eq!(values.len(), best.len());
            for (at, &(value, place)) in best.iter().enumerate() {
                let (found, found_place) = (values[at], places[at]);
                let same = found.to_bits() == value.to_bits() || found.is_nan() && value.is_nan();
                assert!(
                    same && found_place == place as f32,
                    "{shape:?} along {dimension}, {at}: {found} at {found_place}, {value} at {place}"
                );
            }
        }
    }
}

#[test]
fn a_vector_is_one_row_and_calls_keep_leading_dimensions() {
    for device in [cpu(), gpu()] {
        let x = Tensor::new(device, [2, 3, 4], &values(&[2, 3, 4])).unwrap();
        let w = Tensor::new(device, [5, 4], &values(&[5, 4])).unwrap();
        let b = Tensor::new(device, 5, &values(&[5])).unwrap();
        let y = x.dense(&w, &b, wgrad::Activation::Relu).unwrap();
        assert_eq!(y.shape(), [2, 3, 5]);
        assert_eq!(y.softmax().unwrap().shape(), [2, 3, 5]);
        assert_eq!(y.column_sum().unwrap().shape(), [1, 5]);
        // The same as on the matrix.
        let flat = x.reshape([6, 4]).unwrap();
        let expected = flat.dense(&w, &b, wgrad::Activation::Relu).unwrap();
        assert_eq!(y.download().unwrap(), expected.download().unwrap());
    }
}

fn refused<T>(call: wgrad::Result<T>) -> Error {
    call.err().expect("an error")
}

#[test]
fn what_does_not_fit_a_dimension_is_a_typed_error() {
    let device: &Device = cpu();
    let x = Tensor::new(device, [2, 3, 4], &[0.0; 24]).unwrap();
    let y = Tensor::new(device, [2, 2, 4], &[0.0; 16]).unwrap();
    for error in [
        refused(x.slice(3, 0..1)),
        refused(x.pad(3, 0, 9)),
        refused(x.concat(&y, 3)),
        refused(x.sum_along(3)),
        refused(x.max_along(usize::MAX)),
        refused(x.permute(&[0, 1])),
        refused(x.permute(&[0, 1, 1])),
        refused(x.permute(&[0, 1, 3])),
        refused(x.permute(&[0, 1, 2, 3])),
        refused(x.upsample(0)),
        refused(x.upsample([3, 2])),
        refused(x.upsample(1 << 40)),
        refused(Tensor::new(device, [1 << 20, 1 << 20], &[])),
        refused(x.reshape([usize::MAX, usize::MAX])),
    ] {
        assert!(matches!(error, Error::Argument { .. }), "{error}");
    }
    for error in [
        refused(x.slice(1, 2..4)),
        #[expect(clippy::reversed_empty_ranges, reason = "it is to be refused")]
        refused(x.slice(1, 2..1)),
        refused(x.pad(1, usize::MAX, 9)),
        refused(x.concat(&y, 2)),
        refused(x.reshape([5, 5])),
        refused(Tensor::new(device, [2, 2, 2], &[0.0; 7])),
    ] {
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    let empty = Tensor::new(device, [2, 0, 3], &[]).unwrap();
    assert_eq!(empty.sum_along(1).unwrap().download().unwrap(), [0.0; 6]);
    assert_eq!(empty.pad(1, 0, 1).unwrap().download().unwrap(), [0.0; 6]);
    let error = refused(empty.max_along(1));
    assert!(matches!(error, Error::Argument { .. }), "{error}");
}
