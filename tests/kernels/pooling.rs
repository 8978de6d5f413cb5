//! Max and average pooling against plain loops, over strides, paddings, dilations, rounding and numbers of channels.

use crate::common::compare::{Tolerance, assert_each_close};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, gpu_hardware_kernels};
use crate::common::oracle::pooling::Pooling;
use crate::common::precision::{ULP, sum_ulps};
use wgrad::{Device, DeviceKind, Error, Padding, Pool, Result, Tensor};

fn devices() -> [&'static Device; 3] {
    [cpu(), gpu(), gpu_hardware_kernels()]
}

fn settings(pooling: &Pooling) -> Pool {
    Pool::new(pooling.kernel)
        .stride(pooling.stride)
        .dilation(pooling.dilation)
        .padding(Padding::Sides(pooling.padding))
        .ceil_mode(pooling.ceil)
}

/// Windows that differ between the axes, reach over every side, are larger than the image, and leave pixels out.
fn sweep() -> Vec<Pooling> {
    type Window = ([usize; 2], [usize; 2], [usize; 2], [[usize; 2]; 2]);
    let windows: [Window; 12] = [
        ([2, 2], [2, 2], [1, 1], [[0, 0], [0, 0]]),
        ([3, 2], [1, 2], [1, 1], [[1, 1], [0, 1]]),
        ([3, 3], [2, 2], [1, 1], [[1, 1], [1, 1]]),
        ([2, 3], [1, 1], [2, 3], [[0, 0], [0, 1]]),
        ([2, 2], [3, 4], [1, 1], [[0, 0], [0, 0]]),
        ([1, 1], [2, 3], [1, 1], [[0, 0], [0, 0]]),
        ([7, 9], [2, 3], [1, 1], [[3, 3], [4, 4]]),
        ([5, 6], [1, 1], [1, 1], [[0, 0], [0, 0]]),
        ([3, 2], [2, 1], [2, 4], [[2, 1], [3, 2]]),
        ([4, 1], [1, 5], [1, 1], [[3, 0], [0, 0]]),
        ([3, 3], [3, 2], [1, 2], [[0, 2], [2, 0]]),
        ([2, 5], [1, 3], [3, 1], [[1, 2], [4, 1]]),
    ];
    let mut sweep = Vec::new();
    for (i, (kernel, stride, dilation, padding)) in windows.into_iter().enumerate() {
        for ceil in [false, true] {
            let channels = [1, 3, 5, 8, 13][(i + usize::from(ceil)) % 5];
            sweep.push(Pooling {
                images: [2, 5, 6, channels],
                kernel,
                stride,
                dilation,
                padding,
                ceil,
            });
        }
    }
    sweep
}

#[test]
fn maxima_are_the_first_greatest_or_last_nan_of_each_window() {
    for (i, pooling) in sweep().iter().enumerate() {
        let count = pooling.images.iter().product();
        // Whole numbers, so that there are ties, and the special ones.
        let mut x = Random::new(i as u64).integers(count);
        for (i, special) in [-0.0, 0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN]
            .into_iter()
            .enumerate()
        {
            x[(7 * i + 1) % count] = special;
        }
        // Beside the NaN, another, and one a row below: windows with several.
        let [_, _, width, channels] = pooling.images;
        x[(29 + channels) % count] = f32::NAN;
        x[(29 + width * channels) % count] = f32::NAN;
        let maxima = pooling.maxima(&x);
        let dy = Random::new(99).integers(maxima.len());
        let dx = pooling.max_backward(&x, &dy);
        for device in devices() {
            let name = format!("{pooling:?} on {}", device.report());
            let of = |x: &[f32]| Tensor::new(device, pooling.images, x);
            let max = of(&x).unwrap().max_pool(settings(pooling)).unwrap();
            assert_eq!(max.values.shape(), pooling.result_shape(), "{name}");
            let values = max.values.download().unwrap();
            let taps = max.places.download().unwrap();
            assert_eq!(values.len(), maxima.len(), "{name}");
            for (i, &(place, tap)) in maxima.iter().enumerate() {
                let same = values[i].to_bits() == x[place].to_bits();
                assert!(
                    (same || values[i].is_nan() && x[place].is_nan()) && taps[i] == tap as f32,
                    "{name}, {i}: {} at {}, expected {} at {tap}",
                    values[i],
                    taps[i],
                    x[place],
                );
            }
            let dy = Tensor::new(device, pooling.result_shape(), &dy).unwrap();
            let found = dy.max_pool_backward(&max.places, settings(pooling), pooling.images);
            let found = found.unwrap();
            assert_eq!(found.shape(), pooling.images, "{name}");
            // Whole numbers: sums are exact.
            assert_each_close(&name, &found.download().unwrap(), &dx, |_| Tolerance::EXACT);
        }
    }
}

#[test]
fn averages_are_of_the_pixels_or_of_pixels_and_padding() {
    for (i, pooling) in sweep().iter().enumerate() {
        for include_pad in [false, true] {
            let x = Random::new(i as u64).normals(pooling.images.iter().product());
            let pool = settings(pooling).count_include_pad(include_pad);
            let y = pooling.average(&x, include_pad);
            let dy = Random::new(99).normals(y.len());
            let dx = pooling.average_backward(&dy, include_pad);
            // Sums of up to 63 values up to 4 in one chain, and a division of 2.5 ULP.
            let near = |_| Tolerance::absolute(4.0 * 64.0 * ULP);
            for device in devices() {
                let name = format!("{pooling:?} {include_pad} on {}", device.report());
                let images = Tensor::new(device, pooling.images, &x).unwrap();
                let found = images.average_pool(pool).unwrap();
                assert_eq!(found.shape(), pooling.result_shape(), "{name}");
                assert_each_close(&name, &found.download().unwrap(), &y, near);
                let dy = Tensor::new(device, pooling.result_shape(), &dy).unwrap();
                let found = dy.average_pool_backward(pool, pooling.images).unwrap();
                assert_eq!(found.shape(), pooling.images, "{name}");
                assert_each_close(&name, &found.download().unwrap(), &dx, near);
            }
        }
    }
}

/// A sequence is an image of height 1, and a global pooling has one window.
#[test]
fn sequences_and_whole_images() {
    let x = Random::new(3).normals(2 * 9 * 5);
    for device in devices() {
        let line = Tensor::new(device, [2, 9, 5], &x).unwrap();
        let image = Tensor::new(device, [2, 1, 9, 5], &x).unwrap();
        let pool = Pool::new(3).stride(2).padding(1);
        let flat = Pool::new([1, 3]).stride([1, 2]).padding([0, 1]);
        let (found, expected) = (line.max_pool(pool).unwrap(), image.max_pool(flat).unwrap());
        assert_eq!(found.values.shape(), [2, 5, 5]);
        assert_eq!(
            found.values.download().unwrap(),
            expected.values.download().unwrap()
        );
        assert_eq!(
            found.places.download().unwrap(),
            expected.places.download().unwrap()
        );
        let dx = found
            .values
            .max_pool_backward(&found.places, pool, [2, 9, 5]);
        assert_eq!(dx.unwrap().shape(), [2, 9, 5]);
        let average = line.average_pool(pool).unwrap();
        assert_eq!(average.shape(), [2, 5, 5]);
        let expected = image.average_pool(flat).unwrap().download().unwrap();
        assert_eq!(average.download().unwrap(), expected);

        let images = Tensor::new(device, [2, 3, 3, 5], &x).unwrap();
        let (mean, max) = (line.global_average_pool(), line.global_max_pool());
        let (mean, max) = (mean.unwrap(), max.unwrap());
        assert_eq!(
            (mean.shape(), max.values.shape()),
            (&[2, 1, 5][..], &[2, 1, 5][..])
        );
        let of_images = images.global_average_pool().unwrap();
        assert_eq!(of_images.shape(), [2, 1, 1, 5]);
        let mean = mean.download().unwrap();
        assert_each_close(
            "means",
            &of_images.download().unwrap(),
            &mean.iter().map(|&m| m.into()).collect::<Vec<f64>>(),
            |_| Tolerance::absolute(9.0 * ULP),
        );
        let along = line.sum_along(1).unwrap().scale(1.0 / 9.0).unwrap();
        let along: Vec<f64> = along
            .download()
            .unwrap()
            .iter()
            .map(|&m| m.into())
            .collect();
        assert_each_close("means", &mean, &along, |_| Tolerance::absolute(9.0 * ULP));
        let expected = line.max_along(1).unwrap();
        assert_eq!(
            max.values.download().unwrap(),
            expected.values.download().unwrap()
        );
        assert_eq!(
            max.places.download().unwrap(),
            expected.places.download().unwrap()
        );
        // No images at all.
        let none = Tensor::new(device, [0, 9, 5], &[]).unwrap();
        assert_eq!(none.average_pool(pool).unwrap().shape(), [0, 5, 5]);
        assert_eq!(none.max_pool(pool).unwrap().values.shape(), [0, 5, 5]);
        let none = Tensor::new(device, [2, 9, 0], &[]).unwrap();
        assert_eq!(none.average_pool(pool).unwrap().shape(), [2, 5, 0]);
    }
}

/// A window of many taps is a cascade sum: one running sum of these would be off by some hundred ULP. One with more
/// taps than a software adapter runs iterations is refused there, and so is a pixel below so many windows.
#[test]
fn long_windows() {
    let bound = |n: usize| Tolerance::relative((sum_ulps(n) + 3.0) * ULP);
    let n = 40_000;
    let x = vec![0.1f32; n];
    for device in devices() {
        let line = Tensor::new(device, [1, n, 1], &x).unwrap();
        let name = device.report().to_string();
        let mean = line.global_average_pool().unwrap().download().unwrap();
        assert_each_close(&name, &mean, &[0.1f32.into()], |_| bound(n));
        // The middle pixel is below all of these windows.
        let pool = Pool::new(2_000).stride(1);
        let dy = Tensor::filled(device, [1, 2_001, 1], 0.1).unwrap();
        let dx = dy.average_pool_backward(pool, [1, 4_000, 1]).unwrap();
        let middle = dx.download().unwrap()[2_000];
        assert_each_close(&name, &[middle], &[0.1f32.into()], |_| bound(2_000));
        let long = Tensor::filled(device, [1, 70_000, 1], 0.5).unwrap();
        let found = long.global_average_pool();
        if device.report().adapter.kind == DeviceKind::SoftwareGpu {
            let error = found.expect_err("too many iterations");
            assert!(matches!(error, Error::Limit { .. }), "{error}");
        } else {
            assert_eq!(found.unwrap().download().unwrap(), [0.5]);
        }
    }
}

#[test]
fn windows_that_make_no_sense_are_typed_errors() {
    let device = cpu();
    let images = Tensor::new(device, [1, 4, 5, 2], &[0.0; 40]).unwrap();
    let line = Tensor::new(device, [4, 5, 2], &[0.0; 40]).unwrap();
    let matrix = Tensor::new(device, [4, 10], &[0.0; 40]).unwrap();
    let flat = Tensor::new(device, [2, 2, 2, 1, 5], &[0.0; 40]).unwrap();
    let huge = Pool::new(2).padding(1 << 40);
    let poolings: [fn(&Tensor, Pool) -> Result<Tensor>; 4] = [
        |x, pool| Ok(x.max_pool(pool)?.values),
        |x, pool| x.average_pool(pool),
        |x, pool| x.max_pool_backward(x, pool, x.shape()),
        |x, pool| x.average_pool_backward(pool, x.shape()),
    ];
    for call in poolings {
        for (x, pool) in [
            (&matrix, Pool::new(1)),
            (&flat, Pool::new(1)),
            (&images, Pool::new([5, 1])),
            (&images, Pool::new([1, 6])),
            (&images, Pool::new(3).dilation([2, 1])),
            (&images, Pool::new(0)),
            (&images, Pool::new(2).stride([0, 1])),
            (&images, Pool::new(2).dilation([1, 0])),
            // The first window, or the last, lies on padding only.
            (&images, Pool::new(2).padding([[2, 0], [0, 0]])),
            (&images, Pool::new(2).stride(1).padding([[0, 0], [0, 2]])),
            (&images, huge),
        ] {
            let error = call(x, pool).unwrap_err();
            assert!(matches!(error, Error::Shape { .. }), "{pool:?}: {error}");
        }
        for pool in [Pool::new([2, 3]), Pool::new(2).padding([2, 1])] {
            let error = call(&line, pool).unwrap_err();
            assert!(matches!(error, Error::Argument { .. }), "{pool:?}: {error}");
        }
    }
    let message = matrix.max_pool(2).unwrap_err().to_string();
    assert!(message.contains(".reshape([28, 28, 1])"), "{message}");
    // More taps than have exact numbers.
    let sides = Pool::new([1 << 12, (1 << 12) + 1]).padding(1 << 12);
    let error = images.max_pool(sides).unwrap_err();
    assert!(
        matches!(error, Error::Argument { .. } | Error::Shape { .. }),
        "{error}"
    );
    // Gradients and places of another shape.
    let (pool, y) = (Pool::new(2), images.max_pool(2).unwrap());
    for error in [
        images.average_pool_backward(pool, images.shape()).err(),
        images
            .max_pool_backward(&y.places, pool, images.shape())
            .err(),
        y.values
            .max_pool_backward(&images, pool, images.shape())
            .err(),
        y.values
            .max_pool_backward(&y.places, pool, [1, 6, 5, 2])
            .err(),
    ] {
        let error = error.expect("a shape that does not fit");
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    let other = y.places.download().unwrap();
    let other = Tensor::new(gpu(), y.places.shape(), &other).unwrap();
    let error = y.values.max_pool_backward(&other, pool, images.shape());
    assert!(matches!(error.unwrap_err(), Error::DeviceMismatch { .. }));
}
