//! Calls on images: pooling, normalisations and convolution.

use super::{Misfits, zeros};
use wgrad::{Convolution, Device, Tensor};

pub(super) fn misfits(d: &Device) -> Misfits {
    let x = || zeros(d, 2, 3);
    let images = || Tensor::filled(d, [2, 4, 4, 3], 1.0).unwrap();
    let gamma = || zeros(d, 1, 3);
    vec![
        ("max_pool", x().max_pool(1).map(drop)),
        ("max_pool", images().max_pool(5).map(drop)),
        ("average_pool", x().average_pool(1).map(drop)),
        ("average_pool", images().average_pool([1, 6]).map(drop)),
        ("global_max_pool", x().global_max_pool().map(drop)),
        ("global_average_pool", x().global_average_pool().map(drop)),
        (
            "max_pool_backward",
            images()
                .max_pool_backward(&images(), 2, [2, 4, 4, 3])
                .map(drop),
        ),
        (
            "average_pool_backward",
            images().average_pool_backward(2, [2, 4, 4, 3]).map(drop),
        ),
        ("upsample", x().upsample(2).map(drop)),
        ("rms_norm", x().rms_norm(&zeros(d, 1, 4), 1e-5).map(drop)),
        (
            "rms_norm_backward",
            x().rms_norm_backward(&zeros(d, 3, 3), &gamma(), 1e-5)
                .map(drop),
        ),
        (
            "group_norm",
            images().group_norm(&gamma(), &gamma(), 2, 1e-5).map(drop),
        ),
        (
            "group_norm_backward",
            images()
                .group_norm_backward(&images(), &gamma(), 2, 1e-5)
                .map(drop),
        ),
    ]
}

pub(super) fn convolution_misfits(d: &Device) -> Misfits {
    let x = || zeros(d, 2, 3);
    let images = || Tensor::filled(d, [2, 4, 4, 3], 1.0).unwrap();
    let kernel = |dims: [usize; 4]| Tensor::zeros(d, dims).unwrap();
    let settings = || Convolution::new(5, 3).without_bias();
    let mut misfits: Misfits = Vec::new();
    for dims in [[5, 3, 3, 2], [5, 2, 3, 3], [4, 3, 3, 3]] {
        misfits.push((
            "convolve",
            images().convolve(&kernel(dims), None, settings()).map(drop),
        ));
    }
    let fits = || kernel([5, 3, 3, 3]);
    let of_transposed = || kernel([3, 3, 3, 5]);
    misfits.extend([
        (
            "convolve",
            x().convolve(&fits(), None, settings()).map(drop),
        ),
        (
            "convolve",
            images()
                .convolve(&kernel([5, 5, 1, 3]), None, Convolution::new(5, [5, 1]))
                .map(drop),
        ),
        (
            "convolve",
            images()
                .convolve(&fits(), Some(&zeros(d, 1, 4)), Convolution::new(5, 3))
                .map(drop),
        ),
        (
            "convolve_transposed",
            images()
                .convolve_transposed(&fits(), None, settings())
                .map(drop),
        ),
        (
            "convolve_transposed",
            x().convolve_transposed(&of_transposed(), None, settings())
                .map(drop),
        ),
        (
            "convolve_backward",
            images()
                .convolve_backward(&images(), &fits(), settings())
                .map(drop),
        ),
        (
            "convolve_backward",
            kernel([2, 2, 2, 5])
                .convolve_backward(&images(), &of_transposed(), settings())
                .map(drop),
        ),
        (
            "convolve_transposed_backward",
            images()
                .convolve_transposed_backward(&images(), &of_transposed(), settings())
                .map(drop),
        ),
    ]);
    misfits
}
