//! Max and average pooling, and the average over the whole image, forward and backward.

use super::{Case, each};
use crate::common::compare::Tolerance;
use crate::common::precision::ULP;
use wgrad::{Padding, Pool};

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

#[test]
fn pooling_is_pytorchs() {
    each("pooling", |case| {
        let (x, dy) = (case.image("x"), case.image("dy"));
        // Adaptive pooling: windows beside each other, so many that they are the image.
        let adaptive = !case.file.attributes["output_size"].is_null();
        let pool = if adaptive {
            let wanted = case.per_axis("output_size", 0, 1);
            let lengths = match *x.shape() {
                [_, length, _] => [1, length],
                [_, height, width, _] => [height, width],
                ref shape => panic!("{}: {shape:?}", case.name),
            };
            let of_sequence = x.shape().len() == 3;
            let kernel = [0, 1].map(|axis| {
                let windows = if of_sequence && axis == 0 {
                    1
                } else {
                    wanted[axis]
                };
                assert_eq!(lengths[axis] % windows, 0, "{}: uneven windows", case.name);
                lengths[axis] / windows
            });
            Pool::new(kernel)
        } else {
            settings(case)
        };
        let is_global = adaptive && case.per_axis("output_size", 0, 1) == [1, 1];
        let (y, dx) = if case.file.name.starts_with("max") {
            let max = if is_global {
                x.global_max_pool().unwrap()
            } else {
                x.max_pool(pool).unwrap()
            };
            let dx = dy.max_pool_backward(&max.places, pool, x.shape());
            (max.values, dx.unwrap())
        } else {
            let y = if is_global {
                x.global_average_pool().unwrap()
            } else {
                x.average_pool(pool).unwrap()
            };
            (y, dy.average_pool_backward(pool, x.shape()).unwrap())
        };
        let is_max = case.file.name.starts_with("max");
        case.check_image("y", &y, if is_max { MAXIMA } else { SUMS });
        case.check_image("dx", &dx, SUMS);
    });
}
