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
use wgrad::{
    Adam, Attention, Convolution, Dataset, Device, Graph, Init, Network, Pool, Recurrent,
    Sequential, Trainer, TransformerLayer,
};

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

/// Tokens of the vocabulary of an embedding.
const VOCABULARY: usize = 1000;

/// Heads of attention.
const HEADS: usize = 4;

/// A network around a layer.
type Build = fn(Sequential) -> Sequential;

/// Layers of images.
const IMAGES: [(&str, Build); 17] = [
    ("none", |x| x),
    ("convolution 3x3", |x| {
        x.convolution(Convolution::new(32, 3).padding(1))
    }),
    ("convolution 3x3 stride 2", |x| {
        x.convolution(Convolution::new(32, 3).padding(1).stride(2))
    }),
    ("grouped convolution 3x3", |x| {
        x.convolution(Convolution::new(32, 3).padding(1).groups(4))
    }),
    ("depthwise convolution 3x3", |x| {
        x.convolution(Convolution::new(16, 3).padding(1).groups(16))
    }),
    ("transposed convolution 2x2 stride 2", |x| {
        x.transposed_convolution(Convolution::new(16, 2).stride(2))
    }),
    ("max pool 2x2", |x| x.max_pool(2)),
    ("max pool 3x3 stride 2", |x| {
        x.max_pool(Pool::new(3).stride(2).padding(1))
    }),
    ("average pool 2x2", |x| x.average_pool(2)),
    ("global max pool", |x| {
        x.global_max_pool().reshape([1, 1, 16])
    }),
    ("batch norm", |x| x.batch_norm()),
    ("group norm", |x| x.group_norm(4)),
    ("layer norm", |x| x.layer_norm()),
    ("rms norm", |x| x.rms_norm()),
    ("zero pad 1", |x| x.zero_pad(1)),
    ("upsample 2x2", |x| x.upsample(2)),
    ("permute", |x| x.permute([1, 0, 2])),
];

/// Layers of sequences.
const SEQUENCES: [(&str, Build); 12] = [
    ("none", |x| x),
    ("convolution 3", |x| {
        x.convolution(Convolution::new(32, [1, 3]).padding([0, 1]))
    }),
    ("max pool 2", |x| x.max_pool([1, 2])),
    ("rnn 128", |x| x.recurrent(Recurrent::rnn(UNITS))),
    ("lstm 128", |x| x.recurrent(Recurrent::lstm(UNITS))),
    ("gru 128", |x| x.recurrent(Recurrent::gru(UNITS))),
    ("lstm 64", |x| x.recurrent(Recurrent::lstm(64))),
    ("bidirectional gru 64", |x| {
        x.recurrent(Recurrent::gru(64).bidirectional())
    }),
    ("learned positions", |x| x.learned_positions()),
    ("attention", |x| {
        x.multi_head_attention(Attention::new(HEADS))
    }),
    ("causal attention", |x| {
        x.multi_head_attention(Attention::new(HEADS).causal(true))
    }),
    ("encoder layer", |x| {
        x.transformer_encoder(TransformerLayer::new(HEADS))
    }),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    let devices = devices()?;
    for (name, layer) in IMAGES {
        let [.., channels] = IMAGE;
        let front = Sequential::new(IMAGE).convolution((channels, 1));
        let network = layer(front).global_average_pool().dense(CLASSES);
        let name = format!("images, {name}");
        let build = |device: &Device| network.build(device, 0);
        compare(&mut criterion, &devices, &name, &build, &floats(&IMAGE)?)?;
    }
    for (name, layer) in SEQUENCES {
        let [_, features] = SEQUENCE;
        let network = layer(Sequential::new(SEQUENCE).dense(features))
            .global_average_pool()
            .dense(CLASSES);
        let name = format!("sequences, {name}");
        let build = |device: &Device| network.build(device, 0);
        compare(&mut criterion, &devices, &name, &build, &floats(&SEQUENCE)?)?;
    }
    let name = "sequences, decoder layer";
    compare(
        &mut criterion,
        &devices,
        name,
        &decoder,
        &floats(&SEQUENCE)?,
    )?;
    let [steps, features] = SEQUENCE;
    let network = Sequential::new(steps)
        .embedding(VOCABULARY, features)
        .global_average_pool()
        .dense(CLASSES);
    let build = |device: &Device| network.build(device, 0);
    let name = "tokens, embedding";
    compare(&mut criterion, &devices, name, &build, &tokens(steps)?)?;
    criterion.final_summary();
    Ok(())
}

/// A decoder layer whose queries and memory are two dense layers of the sequences.
fn decoder(device: &Device) -> wgrad::Result<Network> {
    let [_, features] = SEQUENCE;
    let mut graph = Graph::new();
    let x = graph.input(SEQUENCE)?;
    let queries = graph.dense(x, features, Init::default())?;
    let memory = graph.dense(x, features, Init::default())?;
    let layer = TransformerLayer::new(HEADS).causal(true);
    let y = graph.transformer_decoder(queries, memory, [None; 2], layer)?;
    let y = graph.global_average_pool(y)?;
    let logits = graph.dense(y, CLASSES, Init::default())?;
    graph.build(logits, device, 0)
}

/// Samples of this shape with floats in [-1, 1).
fn floats(sample: &[usize]) -> wgrad::Result<Dataset> {
    let features: usize = sample.iter().product();
    let values: Vec<f32> = integers(3, BATCHES * BATCH * features, 1 << 24)
        .iter()
        .map(|&value| value as f32 / (1 << 23) as f32 - 1.0)
        .collect();
    labelled(Dataset::named("input", sample, values)?)
}

/// Samples of this many tokens.
fn tokens(steps: usize) -> wgrad::Result<Dataset> {
    let tokens = integers(3, BATCHES * BATCH * steps, VOCABULARY as u64);
    labelled(Dataset::named("input", steps, tokens)?)
}

fn labelled(data: Dataset) -> wgrad::Result<Dataset> {
    data.with_labels(integers(4, BATCHES * BATCH, CLASSES as u64), CLASSES)
}

/// The network of a benchmark on a device.
type OnDevice<'a> = &'a dyn Fn(&Device) -> wgrad::Result<Network>;

/// Checks the devices against each other, then times a step on each.
fn compare(
    criterion: &mut Criterion,
    devices: &[Device; 2],
    name: &str,
    network: OnDevice<'_>,
    data: &Dataset,
) -> wgrad::Result<()> {
    check(name, devices, network, data)?;
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(BATCH as u64));
    for device in devices {
        // With such a small rate the network hardly changes, so all steps cost the same.
        let mut trainer = trainer(device, network, 1e-9)?;
        group.bench_function(label(device), |bench| {
            bench.iter_custom(|steps| {
                let start = Instant::now();
                trainer.steps(data, steps).expect("training steps");
                start.elapsed()
            });
        });
    }
    group.finish();
    Ok(())
}

fn trainer(device: &Device, network: OnDevice<'_>, rate: f64) -> wgrad::Result<Trainer> {
    Trainer::builder(network(device)?)
        .optimizer(Adam::new(rate))
        .batch_size(BATCH)
        .build()
}

/// Panics unless the devices agree on every prediction within 10⁻³ of the largest, training lowers the loss, and they
/// agree on it within 10⁻³.
fn check(
    name: &str,
    devices: &[Device; 2],
    network: OnDevice<'_>,
    data: &Dataset,
) -> wgrad::Result<()> {
    let mut predictions = Vec::new();
    let mut losses = Vec::new();
    for device in devices {
        predictions.push(network(device)?.predict(data)?);
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
