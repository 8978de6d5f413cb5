//! Max and average pooling, and the average over the whole image, forward and backward.

use super::{Case, each};
use crate::common::compare::Tolerance;
use crate::common::precision::ULP;
use std::ops::Range;
use wgrad::{Padding, Pool, Tensor};

/// A maximum is one of the file's own values, in `f32`.
const MAXIMA: Tolerance = Tolerance::EXACT;

/// Averages, and sums of the gradients of windows, of up to 81 values below 4: each rounding is half a ULP of a sum
/// below 8 of those that matter, and the errors of a chain of n additions add up to n/2 ULP at most.
const SUMS: Tolerance = Tolerance {
    relative: 64.0 * ULP,
    absolute: 64.0 * ULP,
};

/// PyTorch's settings: the stride is the kernel size where it is absent.
fn settings(case: &Case<'_>) -> Pool {
    let kernel = case.per_axis("kernel_size", 0, 1);
    let [height, width] = case.per_axis("padding", 0, 0);
    let stride = case.per_axis("stride", 0, 1);
    let flag = |key: &str, default| case.file.attributes[key].as_bool().unwrap_or(default);
    let pool = Pool::new(kernel)
        .padding(Padding::Sides([[height; 2], [width; 2]]))
        .dilation(case.per_axis("dilation", 1, 1))
        .ceil_mode(flag("ceil_mode", false))
        .count_include_pad(flag("count_include_pad", true));
    if stride == [0, 0] {
        pool
    } else {
        pool.stride(stride)
    }
}

/// The rows of pixels and the columns that the windows of adaptive pooling cover along an axis: for `windows` windows on
/// `length` pixels, those from ⌊i·length/windows⌋ to before ⌈(i + 1)·length/windows⌉.
fn adaptive(length: usize, windows: usize) -> Vec<Range<usize>> {
    (0..windows)
        .map(|i| i * length / windows..((i + 1) * length).div_ceil(windows))
        .collect()
}

/// Results of one call: y, and dx.
fn pooled(x: &Tensor, dy: &Tensor, is_max: bool, pool: Option<Pool>) -> [Tensor; 2] {
    let whole = match *x.shape() {
        [_, length, _] => Pool::new([1, length]),
        [_, height, width, _] => Pool::new([height, width]),
        ref shape => panic!("no images: {shape:?}"),
    };
    let settings = pool.unwrap_or(whole);
    if is_max {
        let max = match pool {
            Some(pool) => x.max_pool(pool),
            None => x.global_max_pool(),
        };
        let max = max.unwrap();
        let dx = dy.max_pool_backward(&max.places, settings, x.shape());
        [max.values, dx.unwrap()]
    } else {
        let y = match pool {
            Some(pool) => x.average_pool(pool),
            None => x.global_average_pool(),
        };
        let dx = dy.average_pool_backward(settings, x.shape());
        [y.unwrap(), dx.unwrap()]
    }
}

/// Adaptive pooling to several windows, which may overlap: each is the whole of a part of the image.
fn adaptive_pooling(case: &Case<'_>, is_max: bool) {
    let (x, dy) = (case.image("x"), case.image("dy"));
    let axes = x.shape().len() - 2;
    let windows = &case.per_axis("output_size", 0, 1)[2 - axes..];
    let ranges: Vec<Vec<Range<usize>>> = (0..axes)
        .map(|axis| adaptive(x.shape()[1 + axis], windows[axis]))
        .collect();
    let across = ranges.last().unwrap();
    let mut rows = Vec::new();
    let mut dx = Tensor::zeros(case.device, x.shape()).unwrap();
    let down = if axes == 2 { ranges[0].len() } else { 1 };
    for i in 0..down {
        let mut row: Option<Tensor> = None;
        for (j, range) in across.iter().enumerate() {
            let (mut part, mut dpart) = (
                x.slice(axes, range.clone()).unwrap(),
                dy.slice(axes, j..j + 1).unwrap(),
            );
            if axes == 2 {
                part = part.slice(1, ranges[0][i].clone()).unwrap();
                dpart = dpart.slice(1, i..i + 1).unwrap();
            }
            let [y, mut dpart] = pooled(&part, &dpart, is_max, None);
            dpart = dpart.pad(axes, range.start, x.shape()[axes]).unwrap();
            if axes == 2 {
                dpart = dpart.pad(1, ranges[0][i].start, x.shape()[1]).unwrap();
            }
            dx = dx.add(&dpart).unwrap();
            row = Some(match row {
                None => y,
                Some(row) => row.concat(&y, axes).unwrap(),
            });
        }
        rows.extend(row);
    }
    let y = rows
        .into_iter()
        .reduce(|y, row| y.concat(&row, 1).unwrap())
        .unwrap();
    case.check_image("y", &y, if is_max { MAXIMA } else { SUMS });
    case.check_image("dx", &dx, SUMS);
}

#[test]
fn pooling_is_pytorchs() {
    each("pooling", |case| {
        let is_max = case.file.name.contains("max");
        let adaptive = !case.file.attributes["output_size"].is_null();
        let is_global = adaptive && case.per_axis("output_size", 0, 1) == [1, 1];
        if adaptive && !is_global {
            return adaptive_pooling(case, is_max);
        }
        let pool = (!is_global).then(|| settings(case));
        let [y, dx] = pooled(&case.image("x"), &case.image("dy"), is_max, pool);
        case.check_image("y", &y, if is_max { MAXIMA } else { SUMS });
        case.check_image("dx", &dx, SUMS);
    });
}
