//! Tokens and networks that a generator refuses.

use super::super::common::compare::assert_same_bits;
use super::super::common::devices::{cpu, gpu, open};
use super::{LENGTH, NETWORKS, WORDS, layer, network, tokens};
use wgrad::{
    Activation, Attention, Convolution, Error, Generator, GpuOptions, Graph, Init, Layout, Network,
    Result, Sequential, TransformerLayer, Value,
};

#[test]
fn tokens_that_do_not_fit_change_nothing() {
    let network = network(NETWORKS[1].1, cpu());
    let [mut generator, mut other] = [2, 2].map(|n| Generator::new(&network, n).unwrap());
    generator.push(&[1, 2, 3, 4]).unwrap();
    other.push(&[1, 2, 3, 4]).unwrap();
    for tokens in [&[][..], &[1], &[1, 2, 3]] {
        let found = generator.push(tokens);
        assert!(matches!(found, Err(Error::Shape { .. })), "{found:?}");
    }
    let too_many = [0; 2 * (LENGTH - 1)];
    for tokens in [&[WORDS as u32, 0][..], &[0, u32::MAX], &too_many] {
        let found = generator.push(tokens);
        assert!(matches!(found, Err(Error::Argument { .. })), "{found:?}");
    }
    assert_eq!(generator.length(), 2);
    let [a, b] = [generator, other].map(|mut g| g.push(&[5, 6]).unwrap());
    assert_same_bits("after refused calls", &a, &b);
}

/// Caches of many gigabytes exceed what a kernel can read, which is found before anything is allocated. So a few sequences
/// fit afterwards.
#[test]
fn caches_beyond_the_limits_of_a_gpu_are_refused() {
    let network = network(NETWORKS[1].1, gpu());
    let refused = Generator::new(&network, 1 << 24);
    assert!(matches!(refused, Err(Error::Limit { .. })), "{refused:?}");
    let refused = Generator::new(&network, 1 << 31);
    assert!(
        matches!(refused, Err(Error::Argument { .. })),
        "{refused:?}"
    );
    let mut generator = Generator::new(&network, 2).unwrap();
    generator.push(&[1, 2, 3, 4]).unwrap();
}

/// The message of a network that is refused.
fn refusal(network: &Network) -> String {
    match Generator::new(network, 1) {
        Err(error @ Error::Argument { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn layers_that_see_other_steps_are_refused_by_name() {
    let embedded = || tokens().embedding(WORDS, 6);
    for (layers, name) in [
        (
            Sequential::new([LENGTH, 6]).transformer_encoder(layer()),
            "input",
        ),
        (tokens().dense(3), "input"),
        (Sequential::new([2, 3]).embedding(WORDS, 6), "[2, 3]"),
        (
            embedded().transformer_encoder(TransformerLayer::new(2)),
            "not causal",
        ),
        (
            embedded().multi_head_attention(Attention::new(2)),
            "not causal",
        ),
        (
            embedded().multi_head_attention(Attention::new(2).causal(true).past(1)),
            "past",
        ),
        (embedded().flatten().dense(3), "Reshape"),
        (embedded().gru(4), "the operation"),
        (embedded().batch_norm(), "BatchNorm"),
        (embedded().convolution(Convolution::new(4, 3)), "Convol"),
        (embedded().global_average_pool(), "the operation"),
        (embedded().permute([1, 0]), "Permute"),
    ] {
        let text = refusal(&layers.build(cpu(), 0).unwrap());
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[test]
fn graphs_that_see_other_steps_are_refused_by_name() {
    type Layers = fn(&mut Graph, Value, Value) -> Result<Value>;
    let layers: [(Layers, &str); 6] = [
        (
            |g, _, x| {
                let mask = g.named_input("mask", LENGTH)?;
                g.multi_head_attention(x, Some(mask), Attention::new(2).causal(true))
            },
            "mask",
        ),
        (
            // Padding that the tokens tell.
            |g, tokens, x| {
                let mask = g.activation(tokens, Activation::Step)?;
                g.multi_head_attention(x, Some(mask), Attention::new(2).causal(true))
            },
            "Step",
        ),
        (
            |g, _, x| {
                let memory = g.parameter("memory", [LENGTH, 6], Init::XavierNormal)?;
                let memory = g.add(memory, x)?;
                let last = g.slice(memory, 1, 3..4)?;
                g.add(x, last)
            },
            "Slice",
        ),
        (|g, _, x| g.mean(x, 1), "Sum"),
        (|g, _, x| g.batch_matmul(x, x, Layout::NT), "BatchMatmul"),
        (
            |g, _, x| {
                let table = g.parameter("table", [LENGTH, 6], Init::XavierNormal)?;
                g.matmul(x, table, Layout::NT)
            },
            "",
        ),
    ];
    for (i, (layers, name)) in layers.into_iter().enumerate() {
        let mut graph = Graph::new();
        let tokens = graph.input(LENGTH).unwrap();
        let x = graph.embedding(tokens, WORDS, 6, None).unwrap();
        let y = layers(&mut graph, tokens, x).unwrap();
        let network = graph.build(y, cpu(), 0).unwrap();
        // A product with a matrix acts on each step alone, whatever its sides.
        if i == 5 {
            assert!(Generator::new(&network, 1).is_ok());
            continue;
        }
        let text = refusal(&network);
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[test]
fn numbers_of_sequences_out_of_range_are_refused() {
    let network = network(NETWORKS[0].1, cpu());
    for sequences in [0, 1 << 40, usize::MAX] {
        let found = Generator::new(&network, sequences).map(|_| ());
        assert!(matches!(found, Err(Error::Argument { .. })), "{found:?}");
    }
    let device = open(GpuOptions::default().memory_limit(1 << 20));
    let network = NETWORKS[0].1(&device).unwrap();
    let found = Generator::new(&network, 1 << 14).map(|_| ());
    assert!(matches!(found, Err(Error::OutOfMemory { .. })), "{found:?}");
    let mut generator = Generator::new(&network, 2).unwrap();
    generator.push(&[1, 2]).unwrap();
}
