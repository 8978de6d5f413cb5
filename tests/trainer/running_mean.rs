//! Running statistics of data with an offset and of micro-batches, and the evaluations that use them.

use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use wgrad::{Adam, Dataset, Device, Error, Loss, Sequential, Sgd, Trainer};

/// Batch normalisation alone, which training hardly moves.
fn trainer(device: &Device) -> Trainer {
    let network = Sequential::new(1).batch_norm().build(device, 3).unwrap();
    let builder = Trainer::builder(network).optimizer(Sgd::new(1e-4));
    builder
        .loss(Loss::mean_squared_error())
        .batch_size(9)
        .build()
        .unwrap()
}

fn trained(device: &Device, x: &[f32]) -> Trainer {
    let targets = vec![0.5; x.len()];
    let data = Dataset::regression(1, x.to_vec(), 1, targets).unwrap();
    let mut trainer = trainer(device);
    trainer.fit(&data, 220).unwrap();
    trainer
}

#[test]
fn a_constant_column_is_beta_in_evaluation() {
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        for value in [
            101_325.3f32,
            -101_325.3,
            1e6,
            16_777_217.0,
            0.1,
            3e-20,
            -7e30,
        ] {
            let trainer = trained(device, &[value; 9]);
            let network = trainer.network();
            let mean = network.parameter("layers.0.running_mean").unwrap();
            assert_eq!(mean, [value], "on {}", device.report());
            let beta = network.parameter("layers.0.bias").unwrap()[0];
            assert!(beta != 0.0);
            let y = network.predict(&[value; 5]).unwrap();
            assert_eq!(y, [beta; 5], "{value} on {}", device.report());
        }
    }
}

#[test]
fn the_error_of_offset_data_is_that_of_rounding_the_mean() {
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        for (offset, ulp) in [(1e6f64, 0.0625), (-1e6, 0.0625), (3e4, 2f64.powi(-9))] {
            // The mean lies between two floats.
            let x: Vec<f32> = (0..9)
                .map(|i| (offset + f64::from(u8::from(i % 3 > 0))) as f32)
                .collect();
            let trainer = trained(device, &x);
            let network = trainer.network();
            let gamma = f64::from(network.parameter("layers.0.weight").unwrap()[0]);
            let beta = f64::from(network.parameter("layers.0.bias").unwrap()[0]);
            let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / 9.0;
            let squares = x.iter().map(|&x| (f64::from(x) - mean).powi(2));
            let scale = gamma / (squares.sum::<f64>() / 8.0 + 1e-5).sqrt();
            let found = network.predict(&x).unwrap();
            for (&x, y) in x.iter().zip(found) {
                let right = (f64::from(x) - mean) * scale + beta;
                let error = (f64::from(y) - right).abs();
                // Half a unit of the mean, and some roundings of numbers below 2.
                let most = 0.5 * ulp * scale + 2f64.powi(-19);
                assert!(error <= most, "{error} at {x} on {}", device.report());
            }
        }
    }
}

#[test]
fn a_micro_batch_that_is_refused_changes_nothing_of_those_before_it() {
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let build = || {
            let layers = Sequential::new(2).batch_norm().dense(3).batch_norm();
            let network = layers.dense(2).build(device, 3).unwrap();
            let builder = Trainer::builder(network)
                .optimizer(Adam::new(0.01))
                .average(0.5);
            builder.batch_size(3).accumulate(3).build().unwrap()
        };
        let good = |i: u64| -> Vec<f32> { (0..6).map(|j| ((i + j) * j % 7) as f32).collect() };
        let labels = [0u32, 1, 0];
        let (mut tried, mut untouched) = (build(), build());
        for i in 0..7 {
            let before = pollster::block_on(tried.to_bytes_async()).unwrap();
            // The running variance would be no `f32`.
            let mut bad = good(i);
            bad[i as usize % 6] = f32::MIN;
            let error = tried.step(&bad, &labels).unwrap_err();
            assert!(matches!(error, Error::NonFinite { .. }), "{error}");
            assert!(pollster::block_on(tried.to_bytes_async()).unwrap() == before);
            assert_eq!(tried.pending_batches() as u64, i % 3);
            tried.step(&good(i), &labels).unwrap();
            untouched.step(&good(i), &labels).unwrap();
            let states = [&mut tried, &mut untouched];
            let [tried, untouched] = states.map(|t| pollster::block_on(t.to_bytes_async()));
            assert!(
                tried.unwrap() == untouched.unwrap(),
                "{i} on {}",
                device.report()
            );
        }
    }
}
