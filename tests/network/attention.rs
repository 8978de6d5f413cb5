//! Attention, Transformer layers, embeddings and positions in networks: gradients, devices, refusals.

use super::common::data::Random;
use super::common::devices::cpu;
use super::graphs::Case;
use super::{CLASSES, INPUTS};
use wgrad::{
    Activation, Attention, Dataset, Error, Graph, Init, Inputs, Layout, Network, Sequential,
    Trainer, TransformerLayer, Value,
};

/// Sequences [length, width] that parameters change.
fn sequence(g: &mut Graph, x: Value, length: usize, width: usize) -> wgrad::Result<Value> {
    let h = g.dense(x, length * width, Init::XavierNormal)?;
    g.reshape(h, [length, width])
}

fn logits(g: &mut Graph, h: Value) -> wgrad::Result<Value> {
    let h = g.activation(h, Activation::Tanh)?;
    let h = g.flatten(h)?;
    g.dense(h, CLASSES, Init::XavierNormal)
}

/// Graphs with attention and embeddings, for the gradient check and on every device.
pub(crate) const ATTENDED: &[Case] = &[
    ("attention of three values", |g, x| {
        let q = sequence(g, x, 3, 6)?;
        let k = sequence(g, x, 5, 6)?;
        let v = sequence(g, x, 5, 10)?;
        let h = g.attention(q, k, v, None, Attention::new(2).scale(0.7))?;
        logits(g, h)
    }),
    ("attention of one value", |g, x| {
        let h = sequence(g, x, 4, 8)?;
        let h = g.attention(h, h, h, None, Attention::new(2).causal(true))?;
        logits(g, h)
    }),
    ("self-attention with a mask", |g, x| {
        // Of seven keys, those of positive inputs.
        let mask = g.activation(x, Activation::Step)?;
        let h = sequence(g, x, INPUTS, 8)?;
        let h = g.multi_head_attention(h, Some(mask), Attention::new(2).causal(true))?;
        logits(g, h)
    }),
    ("cross-attention", |g, x| {
        let h = sequence(g, x, 3, 6)?;
        let memory = sequence(g, x, 4, 6)?;
        let h = g.cross_attention(h, memory, None, Attention::new(3))?;
        let other = sequence(g, x, 2, 5)?;
        let h = g.cross_attention(h, other, None, Attention::new(2))?;
        logits(g, h)
    }),
    ("attention with dropout", |g, x| {
        let mask = g.activation(x, Activation::Step)?;
        let h = sequence(g, x, INPUTS, 8)?;
        let attention = Attention::new(2).dropout(0.3);
        let h = g.multi_head_attention(h, Some(mask), attention.causal(true))?;
        let other = sequence(g, x, 2, 5)?;
        let h = g.cross_attention(h, other, None, attention.dropout(0.5))?;
        let layer = TransformerLayer::new(2).activation(Activation::Gelu);
        let h = g.transformer_decoder(h, h, [None, Some(mask)], layer.dropout(0.2))?;
        logits(g, h)
    }),
    ("Transformer layers", |g, x| {
        let mask = g.activation(x, Activation::Step)?;
        let memory = sequence(g, x, INPUTS, 4)?;
        let memory = g.sinusoidal_positions(memory)?;
        let layer = TransformerLayer::new(2).activation(Activation::Gelu);
        let memory = g.transformer_encoder(memory, Some(mask), layer)?;
        let h = sequence(g, x, 3, 4)?;
        let h = g.learned_positions(h)?;
        let layer = layer.norm_first(true).causal(true).feed_forward(6);
        let h = g.transformer_decoder(h, memory, [None, Some(mask)], layer)?;
        logits(g, h)
    }),
    ("embedding", |g, x| {
        // Tokens 0 and 1 of three.
        let tokens = g.activation(x, Activation::Step)?;
        let w = g.parameter("tokens", [3, 6], Init::XavierNormal)?;
        let h = g.embedding_of(tokens, w, None)?;
        // The check leaves out the row of padding.
        let padded = g.embedding(tokens, 4, 6, Some(1))?;
        let h = g.mul(h, padded)?;
        let h = g.activation(h, Activation::Tanh)?;
        // The same weight once more, as the output layer.
        let h = g.matmul(h, w, Layout::NT)?;
        let h = g.flatten(h)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
];

fn check(name: &str, network: &mut Network, x: &[f32]) {
    let rows = x.len() / INPUTS;
    let labels = Random::new(3).words(rows, CLASSES);
    let check = network.gradient_check(x, &labels, 1).unwrap();
    assert!(check.passes(1e-6), "{name}: {check}");
}

#[test]
fn gradients_of_attention_agree_with_central_differences() {
    // Inputs of which one, none and all are positive, and so one, no and every key is kept.
    let mut x = vec![-1.0; 3 * INPUTS];
    x[2] = 0.5;
    x[2 * INPUTS..].fill(0.25);
    for (length, width, heads) in [
        (INPUTS, 4, 1),
        (INPUTS, 6, 2),
        (INPUTS, 3, 3),
        (INPUTS, 16, 4),
    ] {
        for causal in [false, true] {
            let mut graph = Graph::new();
            let input = graph.input(INPUTS).unwrap();
            let mask = graph.activation(input, Activation::Step).unwrap();
            let h = sequence(&mut graph, input, length, width).unwrap();
            let attention = Attention::new(heads).causal(causal);
            let h = graph
                .multi_head_attention(h, Some(mask), attention)
                .unwrap();
            let logits = logits(&mut graph, h).unwrap();
            let mut network = graph.build(logits, cpu(), 7).unwrap();
            check(&format!("{width} columns, {heads} heads"), &mut network, &x);
        }
    }
}

#[test]
fn gradients_of_sequences_of_one_step_agree_with_central_differences() {
    let layers = Sequential::new(INPUTS)
        .dense(8)
        .reshape([1, 8])
        .multi_head_attention(Attention::new(2).causal(true))
        .transformer_encoder(TransformerLayer::new(2).activation(Activation::Tanh))
        .flatten()
        .dense(CLASSES);
    let mut network = layers.build(cpu(), 2).unwrap();
    check(
        "one step",
        &mut network,
        &Random::new(4).normals(3 * INPUTS),
    );
}

#[test]
fn a_query_without_a_key_gives_zero() {
    let mut graph = Graph::new();
    let x = graph.named_input("x", [2, 4]).unwrap();
    let mask = graph.named_input("mask", 2).unwrap();
    let y = graph
        .attention(x, x, x, Some(mask), Attention::new(2).causal(true))
        .unwrap();
    let network = graph.build(y, cpu(), 0).unwrap();
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    // The first step sees itself alone, which is masked; the second sees itself.
    let inputs = Inputs::named().with("x", &x).with("mask", &[0.0, 1.0]);
    let y = network.predict(inputs).unwrap();
    assert_eq!(y, [0.0, 0.0, 0.0, 0.0, 5.0, 6.0, 7.0, 8.0]);
}

/// Two layers of attention in which this share of the weights is dropped.
fn with_dropout(rate: f32) -> Network {
    let attention = Attention::new(2).dropout(rate);
    let layers = Sequential::new([3, 4])
        .multi_head_attention(attention)
        .multi_head_attention(attention.causal(true))
        .flatten()
        .dense(CLASSES);
    layers.build(cpu(), 3).unwrap()
}

#[test]
fn only_training_drops_weights() {
    let (mut dropped, mut plain) = (with_dropout(0.4), with_dropout(0.0));
    let x = Random::new(6).normals(4 * 12);
    let labels = [0u32, 1, 2, 0];
    assert_eq!(dropped.predict(&x).unwrap(), plain.predict(&x).unwrap());
    assert_eq!(dropped.jacobian(&x).unwrap(), plain.jacobian(&x).unwrap());
    let found = dropped.gradients(&x, &labels).unwrap();
    assert_ne!(found.loss, plain.gradients(&x, &labels).unwrap().loss);
    let check = dropped.gradient_check(&x, &labels, 1).unwrap();
    assert!(check.passes(1e-6), "{check}");
    let notes = check.left_out.join("; ");
    assert!(
        notes.contains("2 dropouts and random values were drawn once"),
        "{notes}"
    );
    let data = Dataset::from_floats([3, 4], x, labels.to_vec(), CLASSES).unwrap();
    let [dropped, plain] = [dropped, plain].map(|network| {
        let mut trainer = Trainer::builder(network).build().unwrap();
        let loss = trainer.evaluate(&data).unwrap().loss;
        (loss, trainer.epoch(&data).unwrap().loss)
    });
    assert_eq!(dropped.0, plain.0);
    assert_ne!(dropped.1, plain.1);
}

#[test]
fn more_weights_than_random_words_are_refused() {
    let attention = Attention::new(1).dropout(0.1);
    // 2²⁴ fours of weights a sample, of 2³¹ in all.
    let layers = Sequential::new([8192, 1]).multi_head_attention(attention);
    let trainer = |batch| {
        let network = layers.clone().build(cpu(), 0).unwrap();
        Trainer::builder(network)
            .batch_size(batch)
            .build()
            .map(|_| ())
    };
    trainer(128).unwrap();
    let found = trainer(129);
    assert!(matches!(found, Err(Error::Argument { .. })), "{found:?}");
    let mut graph = Graph::new();
    let x = graph.input([1 << 17, 1]).unwrap();
    let found = graph.multi_head_attention(x, None, attention);
    assert!(matches!(found, Err(Error::Shape { .. })), "{found:?}");
    graph
        .multi_head_attention(x, None, Attention::new(1))
        .unwrap();
}

/// A network with a mask of four keys that are given as lengths, or one by one.
fn masked_by(of_lengths: bool) -> Network {
    let mut graph = Graph::new();
    let x = graph.named_input("x", [4, 6]).unwrap();
    let mask = graph
        .named_input("mask", if of_lengths { 1 } else { 4 })
        .unwrap();
    let mask = if of_lengths {
        graph.mask_of_lengths(mask, 4).unwrap()
    } else {
        mask
    };
    let layer = TransformerLayer::new(2);
    let y = graph.transformer_encoder(x, Some(mask), layer).unwrap();
    let logits = logits(&mut graph, y).unwrap();
    graph.build(logits, cpu(), 3).unwrap()
}

#[test]
fn lengths_are_a_mask() {
    let lengths = [2.0, 0.0, 4.0, 1.0];
    let mask: Vec<f32> = lengths
        .iter()
        .flat_map(|&length| (0..4).map(move |j| f32::from((j as f32) < length)))
        .collect();
    let x = Random::new(5).normals(4 * 24);
    fn of<'a>(x: &'a [f32], mask: &'a [f32]) -> Inputs<'a> {
        Inputs::named().with("x", x).with("mask", mask)
    }
    let (mut by_length, mut by_key) = (masked_by(true), masked_by(false));
    let found = by_length.predict(of(&x, &lengths)).unwrap();
    assert_eq!(found, by_key.predict(of(&x, &mask)).unwrap());
    // The keys that are left out count for something.
    assert_ne!(found, by_key.predict(of(&x, &[1.0; 16])).unwrap());
    let labels = [0u32, 1, 2, 0];
    let gradients = by_length.gradients(of(&x, &lengths), &labels).unwrap();
    let expected = by_key.gradients(of(&x, &mask), &labels).unwrap();
    assert_eq!(gradients.gradients, expected.gradients);
    let check = by_length
        .gradient_check(of(&x, &lengths), &labels, 1)
        .unwrap();
    assert!(check.passes(1e-6), "{check}");
    for length in [-1.0, 0.5, 5.0] {
        let lengths = [2.0, 0.0, 4.0, length];
        let found = by_length.predict(of(&x, &lengths));
        assert!(matches!(found, Err(Error::Argument { .. })), "{found:?}");
        let found = by_length.gradients(of(&x, &lengths), &labels);
        assert!(matches!(found, Err(Error::Argument { .. })), "{found:?}");
    }
}

#[test]
fn padding_is_zero_at_first_and_stays_so() {
    let layers = Sequential::new(3)
        .padded_embedding(5, 4, 2)
        .flatten()
        .dense(2);
    let network = layers.build(cpu(), 1).unwrap();
    let row = |network: &Network| network.parameter("layers.0.weight").unwrap()[8..12].to_vec();
    assert_eq!(row(&network), [0.0; 4]);
    let mut trainer = Trainer::builder(network).batch_size(2).build().unwrap();
    let tokens = [2, 0, 2, 4, 2, 1];
    for _ in 0..3 {
        trainer.step(Inputs::tokens(&tokens), &[0u32, 1]).unwrap();
    }
    assert_eq!(row(trainer.network()), [0.0; 4]);
}

#[test]
fn tokens_beyond_the_vocabulary_are_refused() {
    let layers = Sequential::new(2).embedding(5, 4).flatten().dense(2);
    let mut network = layers.build(cpu(), 1).unwrap();
    network.predict(Inputs::tokens(&[4, 0])).unwrap();
    let refused = |result: wgrad::Result<()>| {
        let error = result.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Argument { .. }), "{text}");
        assert!(text.contains("vocabulary, 5"), "{text}");
    };
    for tokens in [[0, 5], [u32::MAX, 0], [1 << 24, 0]] {
        refused(network.predict(Inputs::tokens(&tokens)).map(|_| ()));
        let gradients = network.gradients(Inputs::tokens(&tokens), &[0u32]);
        refused(gradients.map(|_| ()));
    }
    for token in [-1.0, 0.5, 5.0] {
        refused(network.predict(&[0.0, token]).map(|_| ()));
    }
    let mut trainer = Trainer::builder(network).batch_size(1).build().unwrap();
    let of = |samples: Vec<f32>| Dataset::from_floats(2, samples, vec![0, 1], 2).unwrap();
    trainer.epoch(&of(vec![0.0, 1.0, 4.0, 3.0])).unwrap();
    let data = of(vec![0.0, 1.0, 5.0, 3.0]);
    refused(trainer.epoch(&data).map(|_| ()));
    refused(trainer.evaluate(&data).map(|_| ()));
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let mut graph = Graph::new();
    let x = graph.input([5, 6]).unwrap();
    let flat = graph.flatten(x).unwrap();
    let four = graph.slice(x, 1, 0..4).unwrap();
    let before = graph.clone();
    let shape = |result: wgrad::Result<Value>| {
        assert!(matches!(result, Err(Error::Shape { .. })), "{result:?}");
    };
    let two = Attention::new(2);
    shape(graph.attention(flat, flat, flat, None, two));
    shape(graph.attention(x, x, four, None, two));
    shape(graph.attention(x, x, x, Some(flat), two));
    shape(graph.multi_head_attention(x, None, Attention::new(4)));
    shape(graph.multi_head_attention(flat, None, two));
    shape(graph.multi_head_attention(x, Some(x), two));
    shape(graph.cross_attention(x, flat, None, two));
    shape(graph.transformer_encoder(x, None, TransformerLayer::new(5)));
    shape(graph.transformer_decoder(x, flat, [None; 2], TransformerLayer::new(2)));
    shape(graph.learned_positions(flat));
    shape(graph.sinusoidal_positions(flat));
    shape(graph.embedding_of(x, x, None));
    shape(graph.constant([2, 2], &[1.0]));
    shape(graph.mask_of_lengths(x, 5));
    let argument = |result: wgrad::Result<Value>| {
        assert!(matches!(result, Err(Error::Argument { .. })), "{result:?}");
    };
    argument(graph.multi_head_attention(x, None, Attention::new(0)));
    argument(graph.attention(x, x, x, None, two.scale(f32::NAN)));
    for rate in [1.0, -0.5, f32::NAN, 1e-12] {
        argument(graph.attention(x, x, x, None, two.dropout(rate)));
        argument(graph.cross_attention(x, four, None, two.dropout(rate)));
    }
    let layer = TransformerLayer::new(2);
    for layer in [
        layer.dropout(1.0),
        layer.dropout(f32::NAN),
        layer.dropout(1e-12),
        layer.epsilon(0.0),
        layer.feed_forward(0),
        TransformerLayer::new(0),
    ] {
        argument(graph.transformer_encoder(x, None, layer));
    }
    let one = graph.slice_columns(flat, 0..1).unwrap();
    argument(graph.mask_of_lengths(one, 0));
    argument(graph.embedding(x, 0, 4, None));
    argument(graph.embedding(x, 4, 0, None));
    argument(graph.embedding(x, 4, 4, Some(4)));
    argument(graph.embedding(x, (1 << 24) + 1, 4, None));
    // A refused layer leaves nothing behind.
    let count = |graph: Graph| graph.build(x, cpu(), 0).unwrap().parameter_count();
    assert_eq!(count(graph), count(before));
}
