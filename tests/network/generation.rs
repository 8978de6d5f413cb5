//! Generation token by token: the outputs are those of predicting the whole prefix, whatever the pieces.

mod refusals;

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::oracle::widen;
use wgrad::{
    Activation, Attention, Device, Error, Generator, Graph, Init, Inputs, Layout, Network, Result,
    Sequential, Trainer, TransformerLayer,
};

const LENGTH: usize = 7;
const WORDS: usize = 9;

/// A causal network of tokens.
type Build = fn(&Device) -> Result<Network>;

fn layer() -> TransformerLayer {
    TransformerLayer::new(2).causal(true)
}

fn tokens() -> Sequential {
    Sequential::new(LENGTH)
}

const NETWORKS: &[(&str, Build)] = &[
    ("norm first, GELU, learned positions", |device| {
        let layer = layer().norm_first(true).activation(Activation::Gelu);
        let layers = tokens().embedding(WORDS, 8).learned_positions();
        let layers = layers.transformer_encoder(layer);
        let layers = layers.transformer_encoder(layer.dropout(0.2));
        layers.layer_norm().dense(WORDS).build(device, 1)
    }),
    ("norm last, ReLU, sinusoidal positions", |device| {
        // Heads of three columns start anywhere.
        let layer = layer().feed_forward(5).epsilon(1e-3);
        let layers = tokens().embedding(WORDS, 6).sinusoidal_positions();
        let layers = layers.dropout(0.3).transformer_encoder(layer);
        let layers = layers.dense_without_bias(10).glu().rms_norm();
        layers.dense(WORDS).log_softmax().build(device, 2)
    }),
    ("attention without a Transformer layer", |device| {
        let attention = Attention::new(3).causal(true).scale(0.9);
        let layers = tokens().embedding(WORDS, 6).tanh();
        let layers = layers.multi_head_attention(attention).tanh();
        layers.dense(5).softmax().build(device, 3)
    }),
    ("no attention", |device| {
        let layers = tokens().embedding(WORDS, 3).learned_positions();
        layers.dense(4).tanh().dense(1).build(device, 3)
    }),
    ("tied embeddings", |device| {
        let mut graph = Graph::new();
        let tokens = graph.named_input("words", LENGTH)?;
        let init = Init::Normal {
            mean: 0.0,
            std: 0.3,
        };
        let weight = graph.parameter("words.weight", [WORDS, 8], init)?;
        let h = graph.embedding_of(tokens, weight, Some(2))?;
        let h = graph.scale(h, 2.0)?;
        let h = graph.learned_positions(h)?;
        let h = graph.transformer_encoder(h, None, layer())?;
        let logits = graph.matmul(h, weight, Layout::NT)?;
        graph.build(logits, device, 4)
    }),
    ("a graph of other values", |device| {
        let mut graph = Graph::new();
        let tokens = graph.input(LENGTH)?;
        let x = graph.embedding(tokens, WORDS, 6, None)?;
        // A row for every step, a number for every step, and a number for every column.
        let init = Init::Normal {
            mean: 0.0,
            std: 0.5,
        };
        let of_steps = graph.parameter("of steps", [LENGTH, 6], init)?;
        let x = graph.add(of_steps, x)?;
        let of_step = graph.parameter("of step", [LENGTH, 1], init)?;
        let x = graph.mul(x, of_step)?;
        let of_column = graph.vector("of column", 6, init)?;
        let x = graph.sub(x, of_column)?;
        // Queries, keys and values of their own; keys and values together.
        let q = graph.dense(x, 4, Init::XavierNormal)?;
        let k = graph.dense(x, 4, Init::XavierNormal)?;
        let v = graph.dense(x, 6, Init::XavierNormal)?;
        let causal = Attention::new(2).causal(true);
        let y = graph.attention(q, k, v, None, causal)?;
        let x = graph.add(x, y)?;
        let y = graph.cross_attention(x, x, None, causal)?;
        let both = graph.concat(&[x, y], 2)?;
        let sum = graph.sum(both, 2)?;
        let both = graph.mul(both, sum)?;
        let both = graph.stop_gradient(both)?;
        let logits = graph.dense(both, 3, Init::XavierNormal)?;
        graph.build(logits, device, 5)
    }),
];

/// A network whose parameters are all random, also those that are 0 or 1 at first.
fn network(build: Build, device: &Device) -> Network {
    let mut network = build(device).unwrap();
    let names = network.parameter_names().into_iter().map(str::to_string);
    for (i, name) in names.collect::<Vec<_>>().iter().enumerate() {
        let count = network.parameter(name).unwrap().len();
        let values = Random::new(i as u64).normals(count);
        let values: Vec<f32> = values.iter().map(|value| value / 2.0).collect();
        network.set_parameter(name, &values).unwrap();
    }
    network
}

/// Steps `range` of sequences, one after the other.
fn steps(tokens: &[u32], range: std::ops::Range<usize>) -> Vec<u32> {
    let sequences = tokens.chunks_exact(LENGTH);
    sequences.flat_map(|s| &s[range.clone()]).copied().collect()
}

#[test]
fn each_output_is_that_of_the_whole_prefix() {
    let pieces: [&[usize]; 3] = [&[1; LENGTH], &[3, 1, 2, 1], &[LENGTH]];
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        for (name, build) in NETWORKS {
            let network = network(*build, device);
            for sequences in [1, 3] {
                let tokens = Random::new(sequences as u64).words(sequences * LENGTH, WORDS);
                let whole = network.predict(Inputs::tokens(&tokens)).unwrap();
                let outputs = network.output_features() / LENGTH;
                let mut generator = Generator::new(&network, sequences).unwrap();
                // Each way on the CPU, one of them on adapters.
                let pieces = match (std::ptr::eq(device, cpu()), sequences) {
                    (true, _) => &pieces[..],
                    (false, 1) => &pieces[..1],
                    (false, _) => &pieces[1..2],
                };
                for &pieces in pieces {
                    generator.reset();
                    for &count in pieces {
                        let (start, end) = (generator.length(), generator.length() + count);
                        let found = generator.push(&steps(&tokens, start..end)).unwrap();
                        assert_eq!(generator.length(), end);
                        let rows = whole.chunks_exact(outputs).skip(end - 1).step_by(LENGTH);
                        let wanted: Vec<f32> = rows.flatten().copied().collect();
                        let name = format!("{name}, {pieces:?} to {end} on {}", device.report());
                        if std::ptr::eq(device, gpu_hardware_kernels()) {
                            // Up to twelve products one after the other, each a sum of at most 32 terms below 2, which
                            // may be added in two orders: 12·32·2·2·2⁻²⁴.
                            let tolerance = Tolerance::absolute(1e-4);
                            assert_close(&name, &found, &widen(&wanted), tolerance);
                        } else {
                            assert_same_bits(&name, &found, &wanted);
                        }
                    }
                }
            }
        }
    }
}

/// Later tokens have no effect, so the test above compares with the prefix alone.
#[test]
fn predictions_do_not_see_later_tokens() {
    for (name, build) in NETWORKS {
        let network = network(*build, cpu());
        let tokens = Random::new(1).words(LENGTH, WORDS);
        let mut other = tokens.clone();
        other[LENGTH - 1] = (other[LENGTH - 1] + 1) % WORDS as u32;
        let [a, b] = [tokens, other].map(|x| network.predict(Inputs::tokens(&x)).unwrap());
        let earlier = a.len() / LENGTH * (LENGTH - 1);
        assert_same_bits(name, &a[..earlier], &b[..earlier]);
        assert_ne!(a[earlier..], b[earlier..], "{name}");
    }
}

#[test]
fn a_long_prompt_runs_in_parts() {
    // 256 rows at a time: 85 steps of three sequences.
    let (length, sequences) = (100, 3);
    let layers = Sequential::new(length)
        .embedding(WORDS, 4)
        .learned_positions();
    let network = layers.transformer_encoder(layer()).build(cpu(), 1).unwrap();
    let tokens = Random::new(1).words(sequences * length, WORDS);
    let whole = network.predict(Inputs::tokens(&tokens)).unwrap();
    let mut generator = Generator::new(&network, sequences).unwrap();
    let found = generator.push(&tokens).unwrap();
    let last = whole.chunks_exact(4).skip(length - 1).step_by(length);
    let last: Vec<f32> = last.flatten().copied().collect();
    assert_same_bits("the last step", &found, &last);
    assert_eq!(
        (generator.length(), generator.max_length()),
        (length, length)
    );
    let more = generator.push(&[0; 3]);
    assert!(matches!(more, Err(Error::Argument { .. })), "{more:?}");
}

#[test]
fn a_step_computes_nothing_again() {
    let (width, sequences) = (8, 2);
    for layers in [1, 3] {
        let mut stack = tokens().embedding(WORDS, width).learned_positions();
        for _ in 0..layers {
            stack = stack.transformer_encoder(layer().norm_first(true));
        }
        let stack = stack.layer_norm().dense(WORDS);
        let network = stack.build(cpu(), 1).unwrap();
        let mut generator = Generator::new(&network, sequences).unwrap();
        let first = generator.step_plan();
        // Two lookups and their sum; in a layer two normalisations, four products, two sums, the append and attention;
        // then the last two layers.
        assert_eq!(first.dispatches(), 3 + 10 * layers + 2, "{first}");
        for length in 0..LENGTH {
            let plan = generator.step_plan();
            assert_eq!(plan.dispatches(), first.dispatches());
            // One more product with a key and with a value.
            let attention = 2 * 2 * width * sequences * layers * length;
            assert_eq!(plan.flops(), first.flops() + attention as u64);
            assert_eq!(plan.bytes_moved(), first.bytes_moved());
            generator.push(&[1, 2]).unwrap();
        }
        // At the end it is that of the last step.
        let last = generator.step_plan();
        assert_eq!(last.dispatches(), first.dispatches());
    }
}

#[test]
fn a_refreshed_generator_has_the_new_parameters() {
    for device in [cpu(), gpu()] {
        let network = network(NETWORKS[0].1, device);
        let tokens = Random::new(2).words(LENGTH, WORDS);
        let mut generator = Generator::new(&network, 1).unwrap();
        let before = generator.push(&tokens).unwrap();
        let mut trainer = Trainer::builder(network).build().unwrap();
        trainer.step(Inputs::tokens(&tokens), &[1; LENGTH]).unwrap();
        // A copy does not follow the training.
        generator.reset();
        let stale = generator.push(&tokens[..LENGTH - 1]).unwrap();
        assert_eq!(generator.push(&tokens[LENGTH - 1..]).unwrap(), before);
        generator.refresh(trainer.network()).unwrap();
        assert_eq!(generator.length(), 0);
        let whole = trainer.predict(Inputs::tokens(&tokens)).unwrap();
        let found = generator.push(&tokens[..LENGTH - 1]).unwrap();
        let place = (LENGTH - 2) * WORDS;
        assert_same_bits("refreshed", &found, &whole[place..place + WORDS]);
        assert_ne!(found, stale);
        let made = Generator::new(trainer.network(), 1)
            .unwrap()
            .push(&tokens[..LENGTH - 1]);
        assert_same_bits("made anew", &made.unwrap(), &found);
    }
    // Other widths, and other operations with the same parameters.
    let network = network(NETWORKS[2].1, cpu());
    let mut generator = Generator::new(&network, 1).unwrap();
    generator.push(&[1]).unwrap();
    let others = [
        NETWORKS[3].1(cpu()).unwrap(),
        tokens()
            .embedding(WORDS, 6)
            .tanh()
            .multi_head_attention(Attention::new(2).causal(true).scale(0.9))
            .tanh()
            .dense(5)
            .softmax()
            .build(cpu(), 1)
            .unwrap(),
    ];
    for other in others {
        let refused = generator.refresh(&other);
        assert!(
            matches!(refused, Err(Error::Argument { .. })),
            "{refused:?}"
        );
        assert_eq!(generator.length(), 1);
    }
}
