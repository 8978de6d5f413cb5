//! Time of a training step on resident random data, on every device in one run. criterion's elem/s are samples per
//! second.
//!
//! ```text
//! cargo bench --bench train_step -- --quick
//! ```
//!
//! Before the timing, the devices must agree on the loss of the fifth step.

mod common;

use common::{devices, integers, label};
use criterion::{Criterion, Throughput};
use std::error::Error;
use std::time::Instant;
use wgrad::{Adam, Dataset, Device, Sequential, Trainer};

/// Features, hidden units of each layer, classes; and samples in a batch.
const NETWORKS: [(&[usize], usize); 3] = [
    (&[784, 512, 512, 10], 64),
    (&[784, 128, 10], 32),
    (&[784, 512, 512, 10], 256),
];

/// Batches in the data set: four submits of 16 steps an epoch, none cut short.
const BATCHES: usize = 64;

/// Step whose loss is compared, counted from 1.
const CHECKED: u64 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    let devices = devices()?;
    for (dims, batch) in NETWORKS {
        let data = random_data(dims, batch)?;
        check(&devices, dims, &data, batch)?;
        let sizes: Vec<String> = dims.iter().map(usize::to_string).collect();
        let mut group = criterion.benchmark_group(format!("{} batch {batch}", sizes.join("-")));
        group.throughput(Throughput::Elements(batch as u64));
        for device in &devices {
            for steps_per_submit in [1, 16] {
                // With such a small rate the network hardly changes, so all steps cost the same: an overfitted network
                // would compute with subnormal gradients.
                let mut trainer = trainer(device, dims, batch, steps_per_submit, 1e-9)?;
                let name = format!("{}, {steps_per_submit} a submit", label(device));
                // As many steps as criterion wants in one call, the last one waited for: a few submits are in flight,
                // as they are when a user trains. The time is that of one step.
                group.bench_function(name, |bench| {
                    bench.iter_custom(|steps| {
                        let start = Instant::now();
                        trainer.steps(&data, steps).expect("training steps");
                        start.elapsed()
                    });
                });
            }
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}

fn trainer(
    device: &Device,
    dims: &[usize],
    batch: usize,
    steps_per_submit: usize,
    rate: f64,
) -> wgrad::Result<Trainer> {
    let (inputs, hidden, classes) = (dims[0], &dims[1..dims.len() - 1], dims[dims.len() - 1]);
    let layers = hidden
        .iter()
        .fold(Sequential::new(inputs), |layers, &units| {
            layers.dense(units).relu()
        });
    Trainer::builder(layers.dense(classes).build(device, 0)?)
        .optimizer(Adam::new(rate))
        .batch_size(batch)
        .steps_per_submit(steps_per_submit)
        .build()
}

/// Panics unless training has lowered the loss and the devices agree on it within 10⁻³.
fn check(devices: &[Device; 2], dims: &[usize], data: &Dataset, batch: usize) -> wgrad::Result<()> {
    let mut losses = Vec::new();
    for device in devices {
        let mut trainer = trainer(device, dims, batch, 16, 1e-3)?;
        let before = trainer.evaluate(data)?.loss;
        trainer.steps(data, CHECKED - 1)?;
        losses.push(trainer.steps(data, 1)?.loss);
        let after = trainer.evaluate(data)?.loss;
        assert!(
            after < before,
            "{} does not learn: {before} to {after}",
            label(device)
        );
    }
    let difference = (losses[0] - losses[1]).abs() / losses[0];
    println!("losses {losses:?} at step {CHECKED}, relative difference {difference:.1e}");
    // Written so that NaN fails.
    assert!(difference <= 1e-3, "the devices do not agree");
    Ok(())
}

/// Random bytes and cyclic labels.
fn random_data(dims: &[usize], batch: usize) -> wgrad::Result<Dataset> {
    let (features, classes) = (dims[0], dims[dims.len() - 1]);
    let samples = BATCHES * batch;
    let bytes = integers(3, samples * features, 256);
    let labels = (0..samples).map(|i| (i % classes) as u32).collect();
    Dataset::from_bytes(
        features,
        bytes.iter().map(|&byte| byte as u8).collect(),
        labels,
        classes,
    )
}
