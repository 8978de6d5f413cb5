//! Scaled dot-product attention, multi-head attention and Transformer layers, forward and backward.

use super::{Case, each};
use crate::common::compare::Tolerance;
use crate::common::precision::ULP;
use wgrad::{
    Activation, Attention, Criterion, Graph, Inputs, Loss, LossTarget, Network, Reduction, Tensor,
    TransformerLayer, Value,
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

/// For each key of each sample whether it is kept, 1 or 0, if the file has a mask.
fn keep(case: &Case<'_>) -> Option<Vec<f32>> {
    let number = |n: &serde_json::Value| {
        let flag = n.as_bool().map(f64::from);
        flag.or(n.as_f64()).unwrap() as f32
    };
    let rows = case.file.attributes["keep"].as_array()?.iter();
    let rows = rows.map(|row| row.as_array().unwrap());
    Some(rows.flatten().map(number).collect())
}

/// With the scale of the file, if it has one.
fn scaled(case: &Case<'_>, attention: Attention) -> Attention {
    let scale = case.file.optional("scale");
    scale.map_or(attention, |scale| attention.scale(scale as f32))
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
        let attention = scaled(case, Attention::new(heads).causal(causal));
        let mask = keep(case).map(|keep| {
            let [samples, keys] = [case.file.shape("k")[0], case.file.shape("k")[2]];
            case.upload(&[samples, keys], &keep)
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
fn layer_of(
    case: &Case<'_>,
    graph: &mut Graph,
    x: Value,
    memory: Option<Value>,
    mask: Option<Value>,
) -> Value {
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
        return graph.transformer_encoder(x, mask, layer).unwrap();
    }
    let attention = Attention::new(heads).causal(causal);
    let y = match memory {
        None => graph.multi_head_attention(x, mask, attention),
        Some(memory) => graph.cross_attention(x, memory, mask, attention),
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
    let mask = keep(case).map(|_| {
        let keys = case
            .file
            .shape(if memory.is_some() { "memory" } else { "x" })[1];
        graph.named_input("keep", [keys]).unwrap()
    });
    let y = layer_of(case, &mut graph, x, memory, mask);
    if trained {
        let dy = graph.named_input("dy", sample("dy")).unwrap();
        let product = graph.mul(y, dy).unwrap();
        let sum = Loss::from(Criterion::Value).reduction(Reduction::Sum);
        let target = LossTarget::Batch;
        graph.loss("dy", &[product], target, sum).unwrap();
    }
    let mut network = graph.build(y, case.device, 0).unwrap();
    for name in names(&network) {
        // Layers without biases are layers whose biases are 0.
        let values = match case.file.has(of_torch(&name)) {
            true => case.file.narrow(of_torch(&name)),
            false if name.ends_with("bias") => {
                vec![0.0; network.parameter(&name).unwrap().len()]
            }
            false => panic!("{}: no parameter {}", case.name, of_torch(&name)),
        };
        network.set_parameter(&name, &values).unwrap();
    }
    network
}

pub(crate) fn names(network: &Network) -> Vec<String> {
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
    let mask = keep(case);
    let named = || {
        let pairs = inputs.iter().zip(&arrays);
        let all = pairs.fold(Inputs::named(), |all, (name, array)| all.with(name, array));
        mask.iter().fold(all, |all, mask| all.with("keep", mask))
    };
    let plain = network(case, false);
    case.compare("y", &plain.predict(named()).unwrap(), TOLERANCE);

    let mut trained = network(case, true);
    let dy = case.file.narrow("dy");
    let gradients = trained.gradients(named().with("dy", &dy), ()).unwrap();
    assert_eq!(gradients.gradients.len(), names(&plain).len());
    for (name, gradient) in &gradients.gradients {
        if case.file.has(of_torch(name)) {
            case.compare(&format!("d{}", of_torch(name)), gradient, TOLERANCE);
        }
    }

    // One row of the Jacobian for each element of y, with the inputs one after the other.
    let batch = case.file.shape("x")[0];
    let jacobian = plain.jacobian(named()).unwrap();
    let lengths: Vec<usize> = arrays.iter().map(|array| array.len() / batch).collect();
    let columns = jacobian.len() / dy.len();
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
