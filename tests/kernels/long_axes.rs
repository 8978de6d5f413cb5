//! Long axes: every tensor call over more rows, and over more columns, than an invocation may have loop iterations on
//! lavapipe (65,535, over all its loops).

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, gpu_hardware_kernels};
use crate::common::oracle::{self, widen};
use crate::common::precision::{ULP, sum_ulps};
use approx::abs_diff_eq;
use wgrad::{
    Activation, Augmentation, Bytes, Device, DeviceKind, Error, Indices, Pool, Result, Tensor,
};

const SHAPES: [[usize; 2]; 6] = [
    [65_537, 2],
    [131_073, 1],
    [300_001, 1],
    [2, 65_541],
    [1, 131_073],
    [1, 300_001],
];

type Call = (&'static str, fn(&Case, &Device) -> Result<Tensor>);

struct Case {
    shape: [usize; 2],
    x: Vec<f32>,
    other: Vec<f32>,
}

impl Case {
    fn x(&self, device: &Device) -> Result<Tensor> {
        Tensor::new(device, self.shape, &self.x)
    }

    fn other(&self, device: &Device) -> Result<Tensor> {
        Tensor::new(device, self.shape, &self.other)
    }

    /// A row that may be a scale, a shift or a slope.
    fn row(&self, device: &Device) -> Result<Tensor> {
        let cols = self.shape[1];
        Tensor::new(device, [1, cols], &self.other[..cols])
    }

    fn running(&self, device: &Device) -> Result<Tensor> {
        Tensor::filled(device, [2, self.shape[1]], 1.0)
    }

    /// A sequence of many steps, or one step with many features.
    fn line(&self, device: &Device) -> Result<Tensor> {
        let [rows, cols] = self.shape;
        Tensor::new(device, [1, rows, cols], &self.x)
    }

    fn groups(&self) -> usize {
        if self.shape[1].is_multiple_of(2) {
            2
        } else {
            1
        }
    }

    fn pool(&self) -> Pool {
        Pool::new(3).stride(1).padding(1)
    }

    /// All rows, the last one first.
    fn backwards(&self, device: &Device) -> Result<Indices> {
        let rows: Vec<u32> = (0..self.shape[0] as u32).rev().collect();
        Indices::new(device, &rows)
    }

    fn bytes(&self, device: &Device) -> Result<Bytes> {
        let bytes: Vec<u8> = (0..self.x.len()).map(|i| (i % 251) as u8).collect();
        Bytes::new(device, self.shape, &bytes)
    }

    /// Samples of one pixel in many planes, which are moved off their place by up to half a pixel.
    fn motion(&self) -> Augmentation {
        Augmentation::new([1, 1]).channels(self.shape[1]).shift(0.5)
    }
}

const CALLS: [Call; 48] = [
    ("add", |c, d| c.x(d)?.add(&c.other(d)?)),
    ("mul", |c, d| c.x(d)?.mul(&c.other(d)?)),
    ("scale", |c, d| c.x(d)?.scale(0.3)),
    ("bias_add", |c, d| c.x(d)?.bias_add(&c.row(d)?)),
    ("activate", |c, d| c.x(d)?.activate(Activation::Tanh)),
    ("activate_backward", |c, d| {
        c.x(d)?.activate_backward(Activation::Silu, &c.other(d)?)
    }),
    ("prelu", |c, d| c.x(d)?.prelu(&c.row(d)?)),
    ("prelu_backward", |c, d| {
        c.x(d)?.prelu_backward(&c.other(d)?, &c.row(d)?)
    }),
    ("prelu_slope", |c, d| c.x(d)?.prelu_slope(&c.other(d)?)),
    ("normalize", |c, d| {
        c.x(d)?
            .normalize(&c.row(d)?, &c.row(d)?, &c.running(d)?, 1e-5)
    }),
    ("batch_norm", |c, d| {
        let running = c.running(d)?;
        Ok(c.x(d)?
            .batch_norm(&c.row(d)?, &c.row(d)?, &running, 1e-5, 0.1)?
            .y)
    }),
    ("running statistics of batch_norm", |c, d| {
        let running = c.running(d)?;
        let output = c
            .x(d)?
            .batch_norm(&c.row(d)?, &c.row(d)?, &running, 1e-5, 0.1)?;
        Ok(output.running)
    }),
    ("dx of batch_norm_backward", |c, d| {
        let running = c.running(d)?;
        let output = c
            .x(d)?
            .batch_norm(&c.row(d)?, &c.row(d)?, &running, 1e-5, 0.1)?;
        Ok(c.other(d)?
            .batch_norm_backward(&c.x(d)?, &output.saved, &c.row(d)?)?
            .dx)
    }),
    ("dgamma of batch_norm_backward", |c, d| {
        let running = c.running(d)?;
        let output = c
            .x(d)?
            .batch_norm(&c.row(d)?, &c.row(d)?, &running, 1e-5, 0.1)?;
        Ok(c.other(d)?
            .batch_norm_backward(&c.x(d)?, &output.saved, &c.row(d)?)?
            .dgamma)
    }),
    ("dbeta of batch_norm_backward", |c, d| {
        // As made by hand: mean and 1/√(variance + ε) alone.
        Ok(c.other(d)?
            .batch_norm_backward(&c.x(d)?, &c.running(d)?, &c.row(d)?)?
            .dbeta)
    }),
    ("layer_norm", |c, d| {
        c.x(d)?.layer_norm(&c.row(d)?, &c.row(d)?, 1e-5)
    }),
    ("dx of layer_norm_backward", |c, d| {
        Ok(c.other(d)?
            .layer_norm_backward(&c.x(d)?, &c.row(d)?, 1e-5)?
            .dx)
    }),
    ("dgamma of layer_norm_backward", |c, d| {
        Ok(c.other(d)?
            .layer_norm_backward(&c.x(d)?, &c.row(d)?, 1e-5)?
            .dgamma)
    }),
    ("dbeta of layer_norm_backward", |c, d| {
        Ok(c.other(d)?
            .layer_norm_backward(&c.x(d)?, &c.row(d)?, 1e-5)?
            .dbeta)
    }),
    ("softmax", |c, d| c.x(d)?.softmax()),
    ("log_softmax", |c, d| c.x(d)?.log_softmax()),
    ("softmax_backward", |c, d| {
        c.x(d)?.softmax_backward(&c.other(d)?)
    }),
    ("log_softmax_backward", |c, d| {
        c.x(d)?.log_softmax_backward(&c.other(d)?)
    }),
    ("dropout", |c, d| c.x(d)?.dropout(0.3, 1, 2)),
    ("uniform", |c, d| {
        Tensor::uniform(d, c.shape, -1.0, 2.0, 1, 2)
    }),
    ("normal", |c, d| Tensor::normal(d, c.shape, 0.5, 2.0, 1, 2)),
    ("bernoulli", |c, d| {
        Tensor::filled(d, c.shape, 0.3)?.bernoulli(1, 2)
    }),
    ("slice_columns", |c, d| {
        let cols = c.shape[1];
        c.x(d)?.slice_columns(usize::from(cols > 1)..cols)
    }),
    ("pad_columns", |c, d| c.x(d)?.pad_columns(3, c.shape[1] + 5)),
    ("concat_columns", |c, d| {
        c.x(d)?.concat_columns(&c.other(d)?)
    }),
    ("permute", |c, d| c.line(d)?.permute(&[2, 0, 1])),
    ("transpose", |c, d| c.x(d)?.transpose()),
    ("rms_norm", |c, d| c.x(d)?.rms_norm(&c.row(d)?, 1e-5)),
    ("dx of rms_norm_backward", |c, d| {
        Ok(c.other(d)?
            .rms_norm_backward(&c.x(d)?, &c.row(d)?, 1e-5)?
            .dx)
    }),
    // Groups over many pixels, or over many channels, of which there may be an odd number.
    ("group_norm", |c, d| {
        let (groups, row) = (c.groups(), c.row(d)?);
        c.line(d)?.group_norm(&row, &row, groups, 1e-5)
    }),
    ("dx of group_norm_backward", |c, d| {
        let dy = c.other(d)?.reshape(c.line(d)?.shape())?;
        Ok(dy
            .group_norm_backward(&c.line(d)?, &c.row(d)?, c.groups(), 1e-5)?
            .dx)
    }),
    ("max_pool", |c, d| Ok(c.line(d)?.max_pool(c.pool())?.values)),
    ("max_pool_backward", |c, d| {
        let (line, pool) = (c.line(d)?, c.pool());
        let max = line.max_pool(pool)?;
        max.values
            .max_pool_backward(&max.places, pool, line.shape())
    }),
    ("average_pool", |c, d| c.line(d)?.average_pool(c.pool())),
    ("average_pool_backward", |c, d| {
        let y = c.line(d)?.average_pool(c.pool())?;
        y.average_pool_backward(c.pool(), c.line(d)?.shape())
    }),
    ("accumulate", |c, d| {
        let mut sum = c.x(d)?;
        sum.accumulate(&c.other(d)?, 0.5)?;
        Ok(sum)
    }),
    ("average", |c, d| {
        let mut average = c.x(d)?;
        average.average(&c.other(d)?, 0.75)?;
        Ok(average)
    }),
    ("copy", |c, d| c.x(d)?.copy()),
    ("copy_from", |c, d| {
        let mut copy = c.x(d)?;
        copy.copy_from(&c.other(d)?)?;
        Ok(copy)
    }),
    ("gather_rows", |c, d| c.x(d)?.gather_rows(&c.backwards(d)?)),
    ("gather_rows of bytes", |c, d| {
        c.bytes(d)?.gather_rows(&c.backwards(d)?, 0.25, -3.0)
    }),
    ("gather_augmented", |c, d| {
        let x = c.x(d)?;
        x.gather_augmented(&c.backwards(d)?, &c.motion(), 1, 2)
    }),
    ("gather_augmented of bytes", |c, d| {
        let x = c.bytes(d)?;
        x.gather_augmented(&c.backwards(d)?, &c.motion(), 1, 2, 0.004, -1.0)
    }),
];

/// The kernels for the adapter, and those for hardware.
#[test]
fn every_call_is_the_same_on_the_gpu_and_on_the_cpu() {
    for shape @ [rows, cols] in SHAPES {
        let mut random = Random::new((rows + cols) as u64);
        let case = Case {
            shape,
            x: random.normals(rows * cols),
            other: random.normals(rows * cols),
        };
        for (name, call) in CALLS {
            let run = |device| call(&case, device).and_then(|y| y.download());
            let run = |device| run(device).unwrap_or_else(|e| panic!("{name} {shape:?}: {e}"));
            let expected = widen(&run(cpu()));
            let max_abs = expected.iter().fold(1.0, |max: f64, x| max.max(x.abs()));
            // Sums of products of a few are in nearly all of them; most are far better than that.
            // The gradient through a normalisation of two or three rows is a difference that cancels.
            let cancels = if name.contains("norm_backward") {
                16.0
            } else {
                1.0
            };
            let error = cancels * (8.0 + sum_ulps(rows.max(cols))) * ULP * max_abs;
            for device in [gpu(), gpu_hardware_kernels()] {
                let name = format!("{name} {shape:?} on {}", device.report());
                let near = Tolerance::absolute(error);
                assert_close(&name, &run(device), &expected, near);
            }
        }
    }
}

/// Means, norms and greatest values of a long tensor and of its change.
#[test]
fn statistics_of_many_values() {
    for shape @ [rows, cols] in SHAPES {
        let count = rows * cols;
        let mut x = Random::new(count as u64).integers(count);
        // The last value is the greatest.
        x[count - 1] = 999.0;
        let before: Vec<f32> = (0..count).map(|i| (i % 5) as f32).collect();
        let change: Vec<f32> = x.iter().zip(&before).map(|(x, b)| x - b).collect();
        for device in [gpu(), gpu_hardware_kernels(), cpu()] {
            let tensor = Tensor::new(device, shape, &x).unwrap();
            let previous = Tensor::new(device, shape, &before).unwrap();
            let of_x = tensor.statistics().unwrap();
            let of_change = tensor.change_statistics(&previous).unwrap();
            for (values, found) in [(&x, of_x), (&change, of_change)] {
                let name = format!("{shape:?} on {}", device.report());
                let values = widen(values);
                let mean = values.iter().sum::<f64>() / count as f64;
                let squares: f64 = values.iter().map(|x| x * x).sum();
                let max_abs = values.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
                let zeros = values.iter().filter(|&&x| x == 0.0).count();
                assert_eq!((found.count, found.non_finite), (count, 0), "{name}");
                assert_eq!(found.max_abs, max_abs, "{name}");
                assert_eq!(found.zeros, zeros, "{name}");
                // Sums of distances that are not above the greatest magnitude, in f32.
                let root = (squares / count as f64).sqrt();
                let error = sum_ulps(count) * ULP * root;
                assert!(
                    abs_diff_eq!(found.mean, mean, epsilon = error),
                    "{name}: {found:?}"
                );
                let norm = squares.sqrt();
                let error = (sum_ulps(count) + 8.0) * ULP * norm;
                assert!(
                    abs_diff_eq!(found.norm, norm, epsilon = error),
                    "{name}: {found:?}"
                );
            }
        }
    }
}

/// A sample of more values than one workgroup of a software adapter may go through.
#[test]
fn a_large_image_is_moved_whole() {
    let cols = 2_200_000;
    let bytes: Vec<u8> = (0..cols).map(|i| (i % 251) as u8).collect();
    let still = Augmentation::new([1, 1]).channels(cols);
    for device in [gpu(), gpu_hardware_kernels(), cpu()] {
        let images = Bytes::new(device, [1, cols], &bytes).unwrap();
        let row = Indices::new(device, &[0]).unwrap();
        let moved = images.gather_augmented(&row, &still, 1, 2, 1.0, 0.0);
        let found = moved.unwrap().download().unwrap();
        let wrong = found
            .iter()
            .zip(&bytes)
            .position(|(x, &b)| *x != f32::from(b));
        assert_eq!(wrong, None, "{}", device.report());
    }
}

#[test]
fn what_is_reduced_to_a_few_numbers() {
    for shape @ [rows, cols] in SHAPES {
        let x = Random::new((rows * cols) as u64).integers(rows * cols);
        let sums = oracle::column_sum(&x, cols);
        // The greatest of each row in its last column, which no loop that ends early reaches.
        let mut last = x.clone();
        last.chunks_mut(cols).for_each(|row| row[cols - 1] = 99.0);
        for device in [gpu(), gpu_hardware_kernels(), cpu()] {
            let name = format!("{shape:?} on {}", device.report());
            let x = Tensor::new(device, shape, &x).unwrap();
            let found = x.column_sum().unwrap().download().unwrap();
            assert_close(&name, &found, &sums, Tolerance::EXACT);
            let total: f64 = sums.iter().sum();
            assert_close(&name, &[x.sum().unwrap()], &[total], Tolerance::EXACT);
            assert_eq!(x.statistics().unwrap().count, rows * cols);
            let last = Tensor::new(device, shape, &last).unwrap();
            assert_eq!(
                last.argmax().unwrap(),
                vec![cols as u32 - 1; rows],
                "{name}"
            );
            let taken = Indices::new(device, &[rows as u32 - 1, 0, rows as u32 / 2]).unwrap();
            let taken = last.gather_rows(&taken).unwrap().download().unwrap();
            assert_eq!(taken[cols - 1], 99.0, "{name}");
        }
    }
}

/// A column of so many rows takes the kernels for hardware more iterations than lavapipe runs. It would return wrong
/// numbers.
#[test]
fn what_a_software_adapter_would_cut_short_is_refused_with_kernels_for_hardware_too() {
    let rows = 1_700_000;
    for device in [gpu_hardware_kernels(), gpu()] {
        let software = device.report().adapter.kind == DeviceKind::SoftwareGpu;
        let x = Tensor::filled(device, [rows, 1], 1.0).unwrap();
        let row = Tensor::filled(device, [1, 1], 1.0).unwrap();
        let running = Tensor::filled(device, [2, 1], 1.0).unwrap();
        let found = x.batch_norm(&row, &row, &running, 1e-5, 0.1);
        let name = device.report();
        if software && std::ptr::eq(device, gpu_hardware_kernels()) {
            let refused =
                matches!(found, Err(Error::Limit { unit, .. }) if unit.contains("iterations"));
            assert!(refused, "{name}");
        } else {
            assert_eq!(found.unwrap().saved.download().unwrap()[0], 1.0, "{name}");
        }
    }
}

#[test]
fn ones_count_themselves() {
    for n in [65_535, 65_536, 131_072, 300_000] {
        for device in [gpu(), gpu_hardware_kernels(), cpu()] {
            let ones = Tensor::filled(device, [n, 1], 1.0).unwrap();
            let sum = ones.column_sum().unwrap().download().unwrap();
            assert_eq!(sum, [n as f32], "{}", device.report());
        }
    }
}
