//! Time of a training step of one layer on resident random data, on every device in one run. criterion's elem/s are
//! samples per second.
//!
//! ```text
//! cargo bench --bench layers -- --quick
//! ```
//!
//! A dense layer for each pixel or time step (a convolution of kernel size 1) precedes the layer, so that the gradient
//! of its input is computed too, and a mean and a dense layer follow it: `none` times these alone. Before the timing,
//! the devices must agree on the predictions element by element, and on the loss of the fifth step.

mod common;

use common::{devices, integers, label};
use criterion::{Criterion, Throughput};
use std::error::Error;
use std::time::Instant;
use wgrad::{Adam, Convolution, Dataset, Device, Recurrent, Sequential, Trainer};

/// Samples in a batch.
const BATCH: usize = 32;

/// Batches in the data set.
const BATCHES: usize = 8;

/// Classes of the labels.
const CLASSES: usize = 10;

/// Step whose loss is compared, counted from 1.
const CHECKED: u64 = 5;

/// Height, width and channels of the images.
const IMAGE: [usize; 3] = [14, 14, 16];

/// Steps and features of the sequences.
const SEQUENCE: [usize; 2] = [28, 32];

/// Units of the recurrent layers: more than one workgroup holds.
const UNITS: usize = 128;

/// A network around a layer.
type Build = fn(Sequential) -> Sequential;

/// Layers of images.
const IMAGES: [(&str, Build); 13] = [
    ("none", |x| x),
    ("convolution 3x3", |x| {
        x.convolution(Convolution::new(32, 3).padding(1))
    }),
    ("convolution 3x3 stride 2", |x| {
        x.convolution(Convolution::new(32, 3).padding(1).stride(2))
    }),
    ("depthwise convolution 3x3", |x| {
        x.convolution(Convolution::new(16, 3).padding(1).groups(16))
    }),
    ("transposed convolution 2x2 stride 2", |x| {
        x.transposed_convolution(Convolution::new(16, 2).stride(2))
    }),
    ("max pool 2x2", |x| x.max_pool(2)),
    ("average pool 2x2", |x| x.average_pool(2)),
    ("batch norm", |x| x.batch_norm()),
    ("group norm", |x| x.group_norm(4)),
    ("layer norm", |x| x.layer_norm()),
    ("rms norm", |x| x.rms_norm()),
    ("zero pad 1", |x| x.zero_pad(1)),
    ("upsample 2x2", |x| x.upsample(2)),
];

/// Layers of sequences.
const SEQUENCES: [(&str, Build); 5] = [
    ("none", |x| x),
    ("rnn 128", |x| x.recurrent(Recurrent::rnn(UNITS))),
    ("lstm 128", |x| x.recurrent(Recurrent::lstm(UNITS))),
    ("gru 128", |x| x.recurrent(Recurrent::gru(UNITS))),
    ("lstm 64", |x| x.recurrent(Recurrent::lstm(64))),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    let devices = devices()?;
    for (name, layer) in IMAGES {
        let [.., channels] = IMAGE;
        let front = Sequential::new(IMAGE).convolution((channels, 1));
        let network = layer(front).global_average_pool().dense(CLASSES);
        compare(
            &mut criterion,
            &devices,
            &format!("images, {name}"),
            &network,
            &IMAGE,
        )?;
    }
    for (name, layer) in SEQUENCES {
        let [_, features] = SEQUENCE;
        let network = layer(Sequential::new(SEQUENCE).dense(features))
            .global_average_pool()
            .dense(CLASSES);
        let name = format!("sequences, {name}");
        compare(&mut criterion, &devices, &name, &network, &SEQUENCE)?;
    }
    criterion.final_summary();
    Ok(())
}

/// Checks the devices against each other, then times a step on each.
fn compare(
    criterion: &mut Criterion,
    devices: &[Device; 2],
    name: &str,
    network: &Sequential,
    sample: &[usize],
) -> wgrad::Result<()> {
    let features: usize = sample.iter().product();
    let samples = BATCHES * BATCH;
    // Floats in [-1, 1).
    let values: Vec<f32> = integers(3, samples * features, 1 << 24)
        .iter()
        .map(|&value| value as f32 / (1 << 23) as f32 - 1.0)
        .collect();
    let batch = values[..BATCH * features].to_vec();
    let labels = integers(4, samples, CLASSES as u64);
    let data = Dataset::from_floats(features, values, labels, CLASSES)?;
    check(name, devices, network, &batch, &data)?;
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(BATCH as u64));
    for device in devices {
        // With such a small rate the network hardly changes, so all steps cost the same.
        let mut trainer = trainer(device, network, 1e-9)?;
        group.bench_function(label(device), |bench| {
            bench.iter_custom(|steps| {
                let start = Instant::now();
                trainer.steps(&data, steps).expect("training steps");
                start.elapsed()
            });
        });
    }
    group.finish();
    Ok(())
}

fn trainer(device: &Device, network: &Sequential, rate: f64) -> wgrad::Result<Trainer> {
    Trainer::builder(network.build(device, 0)?)
        .optimizer(Adam::new(rate))
        .batch_size(BATCH)
        .build()
}

/// Panics unless the devices agree on every prediction within 10⁻³ of the largest, training lowers the loss, and they
/// agree on it within 10⁻³.
fn check(
    name: &str,
    devices: &[Device; 2],
    network: &Sequential,
    batch: &[f32],
    data: &Dataset,
) -> wgrad::Result<()> {
    let mut predictions = Vec::new();
    let mut losses = Vec::new();
    for device in devices {
        predictions.push(network.build(device, 0)?.predict(batch)?);
        let mut trainer = trainer(device, network, 1e-3)?;
        let before = trainer.evaluate(data)?.loss;
        trainer.steps(data, CHECKED - 1)?;
        losses.push(trainer.steps(data, 1)?.loss);
        let after = trainer.evaluate(data)?.loss;
        assert!(
            after < before,
            "{name}: {} does not learn: {before} to {after}",
            label(device)
        );
    }
    let [cpu, gpu] = [&predictions[0], &predictions[1]];
    let largest = cpu
        .iter()
        .fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert_eq!(cpu.len(), gpu.len(), "{name}");
    assert!(largest > 0.0, "{name}: all predictions are 0");
    for (i, (a, b)) in cpu.iter().zip(gpu).enumerate() {
        // Written so that NaN fails.
        assert!(
            (a - b).abs() <= 1e-3 * largest,
            "{name}: prediction {i} is {a} or {b}"
        );
    }
    let difference = (losses[0] - losses[1]).abs() / losses[0];
    println!("{name}: losses {losses:?} at step {CHECKED}, relative difference {difference:.1e}");
    assert!(difference <= 1e-3, "{name}: the devices do not agree");
    Ok(())
}
