//! The training runs of Transformers.

use super::Case;
use super::attention::names;
use crate::common::compare::{Tolerance, assert_close, assert_each_close};
use crate::common::devices::cpu;
use crate::common::vectors::Vectors;
use wgrad::{
    Activation, Adam, AdamW, Device, Inputs, Network, Optimizer, Sequential, Sgd, Trainer,
    TransformerLayer,
};

/// Settings of the Transformers in the training runs, which the files do not state: heads, the place of the norms,
/// activation and mask. The first loss tells which they are.
fn candidates(width: usize) -> Vec<TransformerLayer> {
    let mut candidates = Vec::new();
    for heads in (1..=width).filter(|heads| width.is_multiple_of(*heads)) {
        for activation in [Activation::Relu, Activation::Gelu] {
            for (norm_first, causal) in [(false, false), (false, true), (true, false), (true, true)]
            {
                candidates.push(
                    TransformerLayer::new(heads)
                        .activation(activation)
                        .norm_first(norm_first)
                        .causal(causal),
                );
            }
        }
    }
    candidates
}

/// The Transformer of a training run, with the file's first parameters, and its parameters' names in the file.
fn transformer(
    file: &Vectors,
    device: &Device,
    layer: TransformerLayer,
) -> (Network, Vec<(String, String)>) {
    let sizes = |name: &str| file.shape(name).to_vec();
    let [vocabulary, width] = sizes("init.embedding.weight")[..] else {
        panic!("{}: no matrix of embeddings", file.name)
    };
    let mut network = Sequential::new(sizes("init.position")[0])
        .embedding(vocabulary, width)
        .learned_positions()
        .transformer_encoder(layer.feed_forward(sizes("init.layer.linear1.bias")[0]))
        .dense(sizes("init.dense.bias")[0])
        .build(device, 0)
        .unwrap();
    let mut pairs = Vec::new();
    for name in names(&network) {
        let (number, end) = name
            .strip_prefix("layers.")
            .unwrap()
            .split_once('.')
            .unwrap();
        let of_torch = match number {
            "0" => format!("embedding.{end}"),
            "1" => "position".to_string(),
            "2" => format!("layer.{end}"),
            _ => format!("dense.{end}"),
        };
        let values = file.narrow(&format!("init.{of_torch}"));
        network.set_parameter(&name, &values).unwrap();
        pairs.push((name, of_torch));
    }
    (network, pairs)
}

/// PyTorch's optimizer; what a file does not state is PyTorch's default.
fn optimizer(file: &Vectors) -> Optimizer {
    let (rate, decay) = (file.number("lr"), file.optional("weight_decay"));
    match file.text("optimizer") {
        "AdamW" => AdamW::new(rate).weight_decay(decay.unwrap_or(0.01)).into(),
        "Adam" => Adam::new(rate).weight_decay(decay.unwrap_or(0.0)).into(),
        "SGD" => Sgd::new(rate)
            .momentum(file.optional("momentum").unwrap_or(0.0))
            .weight_decay(decay.unwrap_or(0.0))
            .into(),
        other => panic!("{}: no optimizer {other}", file.name),
    }
}

/// Trains the Transformer of a file, and compares each loss and the last parameters.
pub(crate) fn transformer_run(case: &Case<'_>) {
    let (file, name) = (case.file, &case.name);
    let (batch, steps) = (file.size("batch"), file.size("steps"));
    let length = file.shape("x")[2];
    let (x, labels) = (file.labels("x"), file.labels("labels"));
    let expected = file.tensor("loss");
    let width = file.shape("init.embedding.weight")[1];
    let first = (&x[..batch * length], &labels[..batch * length]);
    let mut fitting = candidates(width);
    fitting.retain(|&layer| {
        let (mut network, _) = transformer(file, cpu(), layer);
        let gradients = network.gradients(Inputs::tokens(first.0), first.1).unwrap();
        (f64::from(gradients.loss) - expected[0]).abs() < 1e-5
    });
    let [layer] = fitting[..] else {
        panic!("{name}: {} settings fit the first loss", fitting.len())
    };
    let (network, pairs) = transformer(file, case.device, layer);
    let mut trainer = Trainer::builder(network)
        .optimizer(optimizer(file))
        .batch_size(batch)
        .build()
        .unwrap();
    let batches = x.chunks(batch * length).zip(labels.chunks(batch * length));
    let losses: Vec<f32> = batches
        .map(|(x, labels)| {
            let report = trainer.step(Inputs::tokens(x), labels).unwrap();
            report.loss as f32
        })
        .collect();
    assert_eq!(losses.len(), steps, "{name}");
    // One step's rounding is about 1e-7 relative, and Adam divides by roots of squared gradients.
    let near = |relative, absolute| Tolerance { relative, absolute };
    assert_close(name, &losses, expected, near(1e-4, 1e-5));
    for (own, of_torch) in pairs {
        let found = trainer.network().parameter(&own).unwrap();
        let expected = file.tensor(&format!("final.{of_torch}"));
        let what = format!("{name}: {of_torch}");
        // The bias of the keys adds one number to all scores of a query, which changes no weight: its gradient is
        // rounding, and Adam divides it by its own size. So it moves by up to the rate in each step.
        let is_bias_of_keys =
            |i| of_torch.ends_with("in_proj_bias") && (width..2 * width).contains(&i);
        let moved = steps as f64 * file.number("lr");
        assert_each_close(&what, &found, expected, |i| match is_bias_of_keys(i) {
            true => Tolerance::absolute(moved),
            false => near(1e-3, 2e-4),
        });
    }
}
