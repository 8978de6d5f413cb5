//! Scaled dot-product attention, multi-head attention and Transformer layers, forward and backward, and the training
//! runs of Transformers.

use super::{Case, each};
use crate::common::compare::{Tolerance, assert_close, assert_each_close};
use crate::common::devices::cpu;
use crate::common::precision::ULP;
use crate::common::vectors::Vectors;
use wgrad::{
    Activation, Adam, AdamW, Attention, Criterion, Device, Graph, Inputs, Loss, LossTarget,
    Network, Optimizer, Reduction, Sequential, Sgd, Tensor, Trainer, TransformerLayer, Value,
};

/// Sums of up to 36 products below 16; scores below 1,000 are wrong by up to 1,000 · 16 ULP, of which the weights are
/// exponentials.
const TOLERANCE: Tolerance = Tolerance {
    relative: 4096.0 * ULP,
    absolute: 256.0 * ULP,
};

/// [B, H, T, d] as [B, T, H·d].
fn sequence(case: &Case<'_>, name: &str) -> Tensor {
    let [batch, heads, length, width] = *case.file.shape(name) else {
        panic!("{}: {name} has no heads", case.name)
    };
    let values = swapped([batch, heads, length, width], &case.file.narrow(name));
    case.upload(&[batch, length, heads * width], &values)
}

/// [a, b, c, d] as [a, c, b, d].
fn swapped([a, b, c, d]: [usize; 4], values: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for i in 0..a {
        for k in 0..c {
            for j in 0..b {
                out.extend_from_slice(&values[((i * b + j) * c + k) * d..][..d]);
            }
        }
    }
    out
}

fn check(case: &Case<'_>, name: &str, found: &Tensor) {
    let [batch, heads, length, width] = *case.file.shape(name) else {
        panic!("{}: {name} has no heads", case.name)
    };
    let what = format!("{}: the shape of {name}", case.name);
    assert_eq!(found.shape(), [batch, length, heads * width], "{what}");
    let values = swapped([batch, length, heads, width], &found.download().unwrap());
    case.compare(name, &values, TOLERANCE);
}

#[test]
fn attention_is_pytorchs() {
    each("attention", |case| {
        let attributes = &case.file.attributes;
        if !case.file.has("q") {
            return layer(case);
        }
        let [q, k, v, dy] = ["q", "k", "v", "dy"].map(|name| sequence(case, name));
        let heads = case.file.shape("q")[1];
        let causal = attributes["is_causal"].as_bool().unwrap_or(false);
        let attention = Attention::new(heads).causal(causal);
        let mask = attributes["keep"].as_array().map(|rows| {
            let rows = rows.iter().map(|row| row.as_array().unwrap());
            let numbers = rows.clone().flatten().map(|n| n.as_f64().unwrap() as f32);
            let shape = [rows.len(), rows.clone().next().unwrap().len()];
            case.upload(&shape, &numbers.collect::<Vec<_>>())
        });
        let output = q.attention(&k, &v, mask.as_ref(), attention).unwrap();
        check(case, "y", &output.y);
        let gradients = dy.attention_backward([&q, &k, &v], mask.as_ref(), &output, attention);
        let gradients = gradients.unwrap();
        check(case, "dq", &gradients.dq);
        check(case, "dk", &gradients.dk);
        check(case, "dv", &gradients.dv);
    });
}

/// The value of a layer on sequences x [batch, T, D], and on a memory if the file has one.
fn layer_of(case: &Case<'_>, graph: &mut Graph, x: Value, memory: Option<Value>) -> Value {
    let attributes = &case.file.attributes;
    let heads = case.file.size("heads");
    let causal = attributes["is_causal"].as_bool().unwrap_or(false);
    if let Some(norm_first) = attributes["norm_first"].as_bool() {
        let name = case.file.text("activation");
        let activation = Activation::ALL.into_iter().find(|f| f.name() == name);
        let layer = TransformerLayer::new(heads)
            .norm_first(norm_first)
            .causal(causal)
            .feed_forward(case.file.shape("linear1.bias")[0])
            .activation(activation.unwrap_or_else(|| panic!("no activation {name}")));
        return graph.transformer_encoder(x, None, layer).unwrap();
    }
    let attention = Attention::new(heads).causal(causal);
    let y = match memory {
        None => graph.multi_head_attention(x, None, attention),
        Some(memory) => graph.cross_attention(x, memory, None, attention),
    };
    y.unwrap()
}

/// The layer's network with the parameters of the file; with a term whose gradient of y is dy, if it is `trained`.
fn network(case: &Case<'_>, trained: bool) -> Network {
    let mut graph = Graph::new();
    let sample = |name: &str| case.file.shape(name)[1..].to_vec();
    let x = graph.named_input("x", sample("x")).unwrap();
    let memory = case.file.has("memory");
    let memory = memory.then(|| graph.named_input("memory", sample("memory")).unwrap());
    let y = layer_of(case, &mut graph, x, memory);
    if trained {
        let dy = graph.named_input("dy", sample("dy")).unwrap();
        let product = graph.mul(y, dy).unwrap();
        let sum = Loss::from(Criterion::Value).reduction(Reduction::Sum);
        let target = LossTarget::Batch;
        graph.loss("dy", &[product], target, sum).unwrap();
    }
    let mut network = graph.build(y, case.device, 0).unwrap();
    for name in names(&network) {
        let values = case.file.narrow(of_torch(&name));
        network.set_parameter(&name, &values).unwrap();
    }
    network
}

fn names(network: &Network) -> Vec<String> {
    let names = network.parameter_names();
    names.into_iter().map(String::from).collect()
}

/// The name of a parameter in PyTorch's file.
fn of_torch(name: &str) -> &str {
    name.strip_prefix("layers.0.").unwrap()
}

/// y, the gradients of all parameters, and those of the inputs from the Jacobian.
fn layer(case: &Case<'_>) {
    let inputs: Vec<&str> = ["x", "memory"]
        .into_iter()
        .filter(|name| case.file.has(name))
        .collect();
    let arrays: Vec<Vec<f32>> = inputs.iter().map(|name| case.file.narrow(name)).collect();
    let named = || {
        let pairs = inputs.iter().zip(&arrays);
        pairs.fold(Inputs::named(), |all, (name, array)| all.with(name, array))
    };
    let plain = network(case, false);
    case.compare("y", &plain.predict(named()).unwrap(), TOLERANCE);

    let mut trained = network(case, true);
    let dy = case.file.narrow("dy");
    let gradients = trained.gradients(named().with("dy", &dy), ()).unwrap();
    assert_eq!(gradients.gradients.len(), names(&plain).len());
    for (name, gradient) in &gradients.gradients {
        case.compare(&format!("d{}", of_torch(name)), gradient, TOLERANCE);
    }

    // One row of the Jacobian for each element of y, with the inputs one after the other.
    let batch = case.file.shape("x")[0];
    let jacobian = plain.jacobian(named()).unwrap();
    let lengths: Vec<usize> = arrays.iter().map(|array| array.len() / batch).collect();
    let columns: usize = lengths.iter().sum();
    let mut first = 0;
    for (name, length) in inputs.iter().zip(lengths) {
        let mut found = vec![0.0; batch * length];
        let rows_of_sample = dy.len() / batch;
        for (n, (row, &dy)) in jacobian.chunks(columns).zip(&dy).enumerate() {
            let found = &mut found[n / rows_of_sample * length..][..length];
            for (found, &slope) in found.iter_mut().zip(&row[first..]) {
                *found += f64::from(slope) * f64::from(dy);
            }
        }
        first += length;
        let found: Vec<f32> = found.into_iter().map(|value: f64| value as f32).collect();
        case.compare(&format!("d{name}"), &found, TOLERANCE);
    }
}

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
