//! Image augmentation: against the oracle, exactly where the result is exact, and by statistics.

use crate::check;
use crate::common::compare::{Tolerance, assert_same_bits};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, gpu_hardware_kernels};
use crate::common::oracle::augmentation::{Limits, augment, draw, place};
use crate::common::oracle::widen;
use approx::abs_diff_eq;
use wgrad::{Augmentation, Bytes, Device, Indices, Result, Tensor};

const STILL: Limits = Limits {
    height: 1,
    width: 1,
    shift: 0.0,
    degrees: 0.0,
    scale: 0.0,
    amplitude: 0.0,
    spacing: 1,
};

fn augmentation(limits: &Limits, channels: usize) -> Augmentation {
    Augmentation::new([limits.height, limits.width])
        .channels(channels)
        .shift(limits.shift as f32)
        .rotate(limits.degrees as f32)
        .scale(limits.scale as f32)
        .elastic(limits.amplitude as f32, limits.spacing)
}

/// A place is the sum of a dozen terms, none larger than the longer side with the displacements, magnified by a shrunk
/// scale: so it is off by at most 2⁻²⁰ of that. An interpolation follows two such coordinates, with a slope of at most
/// the span of the values, and rounds four times.
fn tolerance(limits: &Limits, span: f64) -> Tolerance {
    let extent = limits.height.max(limits.width) as f64 + limits.shift + limits.amplitude;
    let place = extent / (1.0 - limits.scale) * 2f64.powi(-20);
    Tolerance::absolute(span * (2.0 * place + 2f64.powi(-22)))
}

#[test]
fn moved_images_are_the_oracles() {
    let all = Limits {
        shift: 2.0,
        degrees: 15.0,
        scale: 0.15,
        amplitude: 3.0,
        spacing: 5,
        ..STILL
    };
    let motions = [
        Limits {
            shift: 3.0,
            ..STILL
        },
        Limits {
            degrees: 180.0,
            ..STILL
        },
        Limits {
            scale: 0.9,
            ..STILL
        },
        Limits {
            amplitude: 5.0,
            spacing: 7,
            ..STILL
        },
        Limits {
            amplitude: 1.0,
            spacing: 100,
            ..STILL
        },
        all,
    ];
    let mut cases = 0;
    for (i, (height, width, channels)) in [
        (1, 1, 1),
        (3, 5, 1),
        (1, 9, 1),
        (9, 1, 3),
        (28, 28, 1),
        (17, 28, 2),
        (63, 65, 1),
        // Two workgroups to a sample.
        (96, 97, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let features = height * width * channels;
        let mut random = Random::new(i as u64);
        let bytes: Vec<u8> = random
            .words(5 * features, 256)
            .iter()
            .map(|&w| w as u8)
            .collect();
        let floats = random.normals(5 * features);
        let span = floats
            .iter()
            .fold(0.0, |span: f64, &v| span.max(2.0 * f64::from(v).abs()));
        // Each motion by itself on two sizes, and all together on every size.
        let first = if [[3, 5], [28, 28]].contains(&[height, width]) {
            0
        } else {
            motions.len() - 1
        };
        for (j, motion) in motions.into_iter().enumerate().skip(first) {
            let limits = Limits {
                height,
                width,
                ..motion
            };
            let (seed, step) = ((i as u64) << 40 | j as u64, 7 * j as u32);
            let rows = [4, 0, 2, 2, 3, 1, 0];
            let settings = augmentation(&limits, channels);
            let expected = |sample: &dyn Fn(usize) -> Vec<f64>| -> Vec<f64> {
                let moved = |(row, &i): (usize, &u32)| {
                    let motion = draw(&limits, seed, step, row);
                    augment(&limits, &motion, &sample(i as usize))
                };
                rows.iter().enumerate().flat_map(moved).collect()
            };
            let of_floats = expected(&|i| widen(&floats[i * features..][..features]));
            check(
                &format!("floats {limits:?}"),
                &of_floats,
                |_| tolerance(&limits, span),
                |d| {
                    let table = Tensor::new(d, [5, features], &floats)?;
                    table.gather_augmented(&Indices::new(d, &rows)?, &settings, seed, step)
                },
            );
            let byte = |i: usize| f64::from(bytes[i]);
            let of_bytes = expected(&|i| (i * features..(i + 1) * features).map(byte).collect());
            let scaled: Vec<f64> = of_bytes.iter().map(|v| v * 0.25 - 3.0).collect();
            check(
                &format!("bytes {limits:?}"),
                &scaled,
                |_| tolerance(&limits, 0.25 * 255.0),
                |d| {
                    let table = Bytes::new(d, [5, features], &bytes)?;
                    table.gather_augmented(
                        &Indices::new(d, &rows)?,
                        &settings,
                        seed,
                        step,
                        0.25,
                        -3.0,
                    )
                },
            );
            cases += 1;
        }
    }
    assert_eq!(cases, 18);
}

#[test]
fn images_that_do_not_move_are_the_gathered_rows() {
    for (height, width, channels) in [(1, 1, 1), (3, 5, 1), (28, 28, 1), (5, 7, 2), (131, 67, 1)] {
        let features = height * width * channels;
        let mut random = Random::new(features as u64);
        let bytes: Vec<u8> = random
            .words(3 * features, 256)
            .iter()
            .map(|&w| w as u8)
            .collect();
        let floats = random.normals(3 * features);
        let still = Augmentation::new([height, width]).channels(channels);
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            let run = || -> Result<[Vec<f32>; 4]> {
                let rows = Indices::new(device, &[2, 0, 1, 1])?;
                let floats = Tensor::new(device, [3, features], &floats)?;
                let bytes = Bytes::new(device, [3, features], &bytes)?;
                Ok([
                    floats.gather_augmented(&rows, &still, 3, 9)?.download()?,
                    floats.gather_rows(&rows)?.download()?,
                    bytes
                        .gather_augmented(&rows, &still, 3, 9, 1.0 / 255.0, 0.5)?
                        .download()?,
                    bytes.gather_rows(&rows, 1.0 / 255.0, 0.5)?.download()?,
                ])
            };
            let [moved_floats, floats, moved_bytes, bytes] = run().unwrap();
            assert_same_bits("floats", &moved_floats, &floats);
            assert_same_bits("bytes", &moved_bytes, &bytes);
        }
    }
}

#[test]
fn whole_pixels_shift_exactly() {
    // Shifts are multiples of 2⁻¹⁰ here, so one in 2²⁰ is whole along both axes.
    const SIDE: usize = 48;
    let limits = Limits {
        height: SIDE,
        width: SIDE,
        shift: 32.0,
        ..STILL
    };
    let seed = 11;
    let image = Random::new(1).normals(SIDE * SIDE);
    let mut whole = (0..1 << 22).filter_map(|step| {
        let [dx, dy] = draw(&limits, seed, step, 0).offset;
        (dx.fract() == 0.0 && dy.fract() == 0.0).then_some((step, dx as i64, dy as i64))
    });
    let mut cases = 0;
    for (step, dx, dy) in whole.by_ref().take(2) {
        let side = 0..SIDE as i64;
        let from = |x: i64, y: i64| {
            let inside = side.contains(&x) && side.contains(&y);
            if inside {
                image[y as usize * SIDE + x as usize]
            } else {
                0.0
            }
        };
        let pixels = side.clone().flat_map(|y| side.clone().map(move |x| (x, y)));
        let expected: Vec<f32> = pixels.map(|(x, y)| from(x - dx, y - dy)).collect();
        assert!(expected.iter().any(|&v| v != 0.0));
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            let table = Tensor::new(device, [1, SIDE * SIDE], &image).unwrap();
            let row = Indices::new(device, &[0]).unwrap();
            let moved = table.gather_augmented(&row, &augmentation(&limits, 1), seed, step);
            assert_same_bits("shift", &moved.unwrap().download().unwrap(), &expected);
        }
        cases += 1;
    }
    assert_eq!(cases, 2, "no whole shift was drawn");
}

/// Where a pixel comes from, in each of `ROWS` rows of a batch: an image whose two channels are its coordinates says
/// so.
const ROWS: usize = 2048;
const RAMP: usize = 65;

fn places(
    device: &Device,
    limits: &Limits,
    seed: u64,
    step: u32,
    [x, y]: [usize; 2],
) -> Vec<[f64; 2]> {
    let pixels = (0..RAMP * RAMP).map(|i| [(i % RAMP) as f32, (i / RAMP) as f32]);
    let ramp: Vec<f32> = pixels.flatten().collect();
    let table = Tensor::new(device, [1, ramp.len()], &ramp).unwrap();
    let rows = Indices::new(device, &vec![0; ROWS]).unwrap();
    let moved = table.gather_augmented(&rows, &augmentation(limits, 2), seed, step);
    let values = moved.unwrap().download().unwrap();
    let pixel = 2 * (y * RAMP + x);
    let place = |image: &[f32]| [image[pixel], image[pixel + 1]].map(f64::from);
    values.chunks_exact(ramp.len()).map(place).collect()
}

/// Mean and variance lie within five of their own deviations of those of a number of this variance around 0.
fn assert_moments(name: &str, values: &[f64], variance: f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let found = values.iter().map(|v| v * v).sum::<f64>() / n;
    assert!(
        abs_diff_eq!(mean, 0.0, epsilon = 5.0 * (variance / n).sqrt()),
        "{name}: mean {mean}"
    );
    // Fourth moments are at most those of a normal number.
    let limit = 5.0 * (2.0 / n).sqrt() * variance;
    assert!(
        abs_diff_eq!(found, variance, epsilon = limit),
        "{name}: {found}, expected {variance}"
    );
}

#[test]
fn draws_have_the_stated_range_mean_and_variance() {
    let still = Limits {
        height: RAMP,
        width: RAMP,
        ..STILL
    };
    let (centre, c) = ([RAMP / 2; 2], (RAMP / 2) as f64);
    let device = gpu();

    let limits = Limits {
        shift: 2.5,
        ..still
    };
    let offsets: Vec<[f64; 2]> = places(device, &limits, 5, 0, centre)
        .iter()
        .map(|place| place.map(|p| c - p))
        .collect();
    for axis in 0..2 {
        let values: Vec<f64> = offsets.iter().map(|d| d[axis]).collect();
        assert_moments("shift", &values, 2.5 * 2.5 / 3.0);
        let most = values.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        assert!((2.48..=2.5001).contains(&most), "{most}");
    }
    let products: Vec<f64> = offsets.iter().map(|[x, y]| x * y).collect();
    assert_moments("product of shifts", &products, (2.5f64 * 2.5 / 3.0).powi(2));

    let limits = Limits {
        degrees: 20.0,
        ..still
    };
    let side = [RAMP / 2 + 30, RAMP / 2];
    let angles: Vec<f64> = places(device, &limits, 6, 1, side)
        .iter()
        .map(|[x, y]| (c - y).atan2(x - c).to_degrees())
        .collect();
    assert_moments("angle", &angles, 20.0 * 20.0 / 3.0);
    let most = angles.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    assert!((19.9..=20.001).contains(&most), "{most}");

    let limits = Limits {
        scale: 0.25,
        ..still
    };
    let scales: Vec<[f64; 2]> = places(device, &limits, 7, 2, [RAMP / 2 + 20; 2])
        .iter()
        .map(|place| place.map(|p| 20.0 / (p - c) - 1.0))
        .collect();
    for axis in 0..2 {
        let values: Vec<f64> = scales.iter().map(|s| s[axis]).collect();
        assert_moments("scale", &values, 0.25 * 0.25 / 3.0);
    }

    // Under a control point and half-way between: 0.277 of the amplitude is the mean's root over all places.
    let limits = Limits {
        amplitude: 6.0,
        spacing: 8,
        ..still
    };
    for (place, sum_of_squares) in [(32, 0.5), (36, 2.0 * (1.0 + 23.0 * 23.0) / 2304.0)] {
        let found = places(device, &limits, 8, 3, [place; 2]);
        let values: Vec<f64> = found.iter().map(|[x, _]| x - place as f64).collect();
        let variance = 6.0 * 6.0 / 3.0 * f64::powi(sum_of_squares, 2);
        assert_moments("displacement", &values, variance);
        assert!(values.iter().all(|v| v.abs() <= 6.0));
    }
}

#[test]
fn draws_depend_on_seed_step_and_row_alone() {
    let limits = Limits {
        height: RAMP,
        width: RAMP,
        shift: 2.0,
        degrees: 9.0,
        ..STILL
    };
    let pixel = [40, 20];
    let found = places(cpu(), &limits, 1, 5, pixel);
    for (row, found) in found.iter().enumerate() {
        let expected = place(&limits, &draw(&limits, 1, 5, row), 40, 20);
        for axis in 0..2 {
            assert!(
                abs_diff_eq!(found[axis], expected[axis], epsilon = 1e-3),
                "row {row}"
            );
        }
    }
    assert_eq!(found, places(cpu(), &limits, 1, 5, pixel));
    for (seed, step) in [(2, 5), (1, 6), (1 | 1 << 32, 5), (1, u32::MAX)] {
        let others = places(cpu(), &limits, seed, step, pixel);
        let same = found.iter().zip(&others).filter(|(a, b)| a == b).count();
        assert!(same <= 1, "{same} rows of seed {seed}, step {step}");
    }
}

#[test]
fn every_row_is_reached_where_the_dispatch_folds() {
    // More rows than workgroups fit into one dimension of a dispatch.
    let rows: Vec<u32> = (0..70_001).map(|i| i % 5).collect();
    let images = [1.0, 2.0, 3.0, 4.0, 5.0];
    let expected: Vec<f32> = rows.iter().map(|&i| images[i as usize]).collect();
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let table = Tensor::new(device, [5, 1], &images).unwrap();
        let rows = Indices::new(device, &rows).unwrap();
        let moved = table.gather_augmented(&rows, &Augmentation::new([1, 1]), 0, 0);
        assert_same_bits("folded", &moved.unwrap().download().unwrap(), &expected);
    }
}
