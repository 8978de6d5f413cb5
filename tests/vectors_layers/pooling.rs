//! Max and average pooling, and the average over the whole image, forward and backward.

use super::{Case, channels_last_shape, each};
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
    // A sequence is an image of height 1.
    let image = |name: &str| {
        let tensor = case.image(name);
        match *tensor.shape() {
            [samples, length, channels] => tensor.reshape([samples, 1, length, channels]).unwrap(),
            _ => tensor,
        }
    };
    let (x, dy) = (image("x"), image("dy"));
    let &[_, height, width, _] = x.shape() else {
        panic!("{}: no images", case.name)
    };
    let [mut down, across] = case.per_axis("output_size", 0, 1);
    if case.file.shape("x").len() == 3 {
        down = 1;
    }
    let (mut y, mut dx): (Option<Tensor>, Option<Tensor>) = (None, None);
    for (i, rows) in adaptive(height, down).into_iter().enumerate() {
        let mut row: Option<Tensor> = None;
        for (j, columns) in adaptive(width, across).into_iter().enumerate() {
            let part = |of: &Tensor, rows: Range<usize>, columns: Range<usize>| {
                of.slice(1, rows).unwrap().slice(2, columns).unwrap()
            };
            let of_dy = part(&dy, i..i + 1, j..j + 1);
            let of_x = part(&x, rows.clone(), columns.clone());
            let [value, gradient] = pooled(&of_x, &of_dy, is_max, None);
            let gradient = gradient.pad(2, columns.start, width).unwrap();
            let gradient = gradient.pad(1, rows.start, height).unwrap();
            dx = Some(match dx {
                None => gradient,
                Some(sum) => sum.add(&gradient).unwrap(),
            });
            row = Some(match row {
                None => value,
                Some(row) => row.concat(&value, 2).unwrap(),
            });
        }
        y = match (y, row) {
            (Some(y), Some(row)) => Some(y.concat(&row, 1).unwrap()),
            (y, row) => y.or(row),
        };
    }
    for (name, found, tolerance) in [
        ("y", y, if is_max { MAXIMA } else { SUMS }),
        ("dx", dx, SUMS),
    ] {
        let shape = channels_last_shape(case.file.shape(name));
        let found = found.expect("at least one window").reshape(shape).unwrap();
        case.check_image(name, &found, tolerance);
    }
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
