//! Dispatches of layers and losses.

use super::{ALONE, cpu};
use std::sync::PoisonError;
use wgrad::{Attention, Convolution, Graph, Loss, Sequential, Trainer};

#[test]
fn further_layers_take_the_dispatches_that_their_documentation_says() {
    let _guard = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let dispatches = |layers: Sequential| {
        let network = layers.dense(3).build(cpu(), 0).unwrap();
        let trainer = Trainer::builder(network).build().unwrap();
        trainer.dispatches_per_step()
    };
    let dense = |units| Sequential::new(12).dense(units);
    let plain = dispatches(dense(8).tanh());
    assert_eq!(plain, 3 * 2 + 2);
    // One forward; one backward, and the derivative.
    assert_eq!(dispatches(dense(8).tanh().dropout(0.5)), plain + 1 + 2);
    // One forward, and the activation; one backward; the running statistics.
    assert_eq!(dispatches(dense(8).batch_norm().tanh()), plain + 2 + 1 + 1);
    // Two of them share the last.
    let twice = Sequential::new(12)
        .batch_norm()
        .dense(8)
        .batch_norm()
        .tanh();
    assert_eq!(dispatches(twice), plain + 3 + 3 + 1);
    // One forward, and the activation; three backward.
    assert_eq!(dispatches(dense(8).layer_norm().tanh()), plain + 2 + 3);
    assert_eq!(dispatches(dense(8).group_norm(2).tanh()), plain + 2 + 3);
    // One forward, and the activation; two backward.
    assert_eq!(dispatches(dense(8).rms_norm().tanh()), plain + 2 + 2);
    // One forward; five backward.
    assert_eq!(dispatches(dense(8).prelu()), plain + 1 + 5);
    // Four forward; six backward.
    assert_eq!(dispatches(dense(16).glu()), plain + 4 + 6);
    assert_eq!(dispatches(dense(16).swiglu()), plain + 4 + 6);
    assert_eq!(dispatches(dense(8).tanh().flatten()), plain);
    // One forward and one backward. The derivative of the activation is a call of its own, since its product no longer
    // is next to it.
    let image = || dense(16).tanh().reshape([2, 2, 4]);
    let flat = dispatches(image().flatten());
    assert_eq!(dispatches(image().max_pool(2).flatten()), flat + 1 + 2);
    assert_eq!(dispatches(image().zero_pad([0, 1]).flatten()), flat + 1 + 2);
    assert_eq!(dispatches(image().upsample(2).flatten()), flat + 2 + 3);
    let permuted = image().permute([2, 0, 1]).flatten();
    assert_eq!(dispatches(permuted), flat + 2 + 3);
    let average = image().average_pool(2).flatten();
    assert_eq!(dispatches(average), flat + 1 + 2);
    let global = image().global_average_pool().flatten();
    assert_eq!(dispatches(global), flat + 1 + 2);
}

/// Attention takes one dispatch forward and two backward, whatever its masks, heads and dropout are.
#[test]
fn attention_takes_one_dispatch_forward_and_two_backward() {
    let _guard = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let dispatches = |layers: Sequential| {
        let network = layers.dense(3).build(cpu(), 0).unwrap();
        Trainer::builder(network)
            .build()
            .unwrap()
            .dispatches_per_step()
    };
    // A dense layer behind attention takes three dispatches, and the three projections are one such layer. Behind the
    // input, a layer has no gradient of its input. One dispatch each for the gather, the loss and the update.
    let sequence = || Sequential::new([6, 8]);
    let none = dispatches(sequence());
    assert_eq!(none, 3 + 2);
    for attention in [
        Attention::new(1),
        Attention::new(2).causal(true),
        Attention::new(8),
        Attention::new(2).dropout(0.5),
    ] {
        let one = dispatches(sequence().multi_head_attention(attention));
        // in_proj, attention, out_proj; the gradients of out_proj, attention, in_proj; that of the dense layer's input.
        assert_eq!(one, none + 3 + (2 + 2 + 1) + 1, "{attention:?}");
    }
    // The row of each token; the chains, their sums, and the copy of the gradient; that of the dense layer's input.
    let tokens = Sequential::new(6).embedding(5, 8);
    assert_eq!(dispatches(tokens.clone()), none + 1 + 3 + 1);
    // A repetition over the batch and a sum; a sum over the batch, and a copy of the gradient, which has other dimensions.
    let learned = dispatches(tokens.clone().learned_positions());
    assert_eq!(learned, none + 1 + 3 + 1 + 2 + 2);
    let fixed = dispatches(tokens.sinusoidal_positions());
    assert_eq!(fixed, none + 1 + 3 + 1 + 2);
    // A mask costs nothing; one of lengths is made by four dispatches, for any number of layers.
    let masked = |of_lengths: bool, layers: usize| {
        let mut graph = Graph::new();
        let mut x = graph.named_input("x", [6, 8]).unwrap();
        let width = if of_lengths { 1 } else { 6 };
        let mut mask = graph.named_input("mask", width).unwrap();
        if of_lengths {
            mask = graph.mask_of_lengths(mask, 6).unwrap();
        }
        for _ in 0..layers {
            x = graph
                .multi_head_attention(x, Some(mask), Attention::new(2))
                .unwrap();
        }
        let network = graph.build(x, cpu(), 0).unwrap();
        let trainer = Trainer::builder(network).build().unwrap();
        trainer.dispatches_per_step()
    };
    for layers in [1, 3] {
        assert_eq!(masked(true, layers), masked(false, layers) + 4);
    }
}

/// A convolution takes one dispatch forward, with its bias and activation, and backward one for the gradient of its
/// input, with the derivative of the activation below, and two for those of its weight and bias.
#[test]
fn a_convolution_takes_one_dispatch_forward_and_two_or_three_backward() {
    let _guard = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let dispatches = |layers: Sequential| {
        let network = layers.flatten().dense(3).build(cpu(), 0).unwrap();
        Trainer::builder(network)
            .build()
            .unwrap()
            .dispatches_per_step()
    };
    // The gather, the dense layer, the loss, the update; a copy where pixels are padded, one forward and one backward.
    let image = || Sequential::new([6, 6, 1]);
    assert_eq!(dispatches(image()), 3 + 2);
    for settings in [
        Convolution::new(4, 3),
        Convolution::new(8, 3).stride(2).padding(1),
        Convolution::new(4, 3).dilation(2).without_bias(),
    ] {
        // No gradient of the input, but one of the dense layer's, and the derivative behind the reshape.
        let one = dispatches(image().convolution(settings).relu());
        assert_eq!(one, 5 + 1 + 2 + 2, "{settings:?}");
        let two = dispatches(
            image()
                .convolution(settings)
                .relu()
                .convolution((8, 1))
                .relu(),
        );
        assert_eq!(two, one + 1 + 3, "{settings:?}");
        let depthwise = Convolution::depthwise(3).padding(1);
        let layers = image()
            .convolution(settings)
            .tanh()
            .convolution(depthwise)
            .tanh();
        assert_eq!(dispatches(layers), one + 1 + 3, "{settings:?}");
        let layers = image()
            .convolution(settings)
            .relu()
            .transposed_convolution((4, 2))
            .relu();
        // The sums of a transposed convolution's result are a dispatch of their own.
        assert_eq!(dispatches(layers), one + 1 + 4, "{settings:?}");
    }
}

/// Where a batch has many rows, a call of its own adds up their weights; where it has few, the loss does.
#[test]
fn weighted_means_of_large_batches_take_one_more_dispatch() {
    let _guard = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let plain = Loss::softmax_cross_entropy;
    // Beyond 32 classes a row may take a whole workgroup.
    for (classes, most) in [(3, 1 << 14), (32, 1 << 14), (33, 1 << 11)] {
        for (loss, of_many) in [
            (plain(), 0),
            (plain().class_weights(vec![0.5; classes]), 1),
            (plain().ignore_index(1), 1),
            (Loss::mean_squared_error().ignore_index(1), 1),
        ] {
            for (rows, more) in [
                (1, 0),
                (8, 0),
                (most, 0),
                (most + 1, of_many),
                (70_000, of_many),
            ] {
                let network = Sequential::new(1).dense(classes).build(cpu(), 0).unwrap();
                let trainer = Trainer::builder(network)
                    .loss(loss.clone())
                    .batch_size(rows);
                let trainer = trainer.build().unwrap();
                let name = format!("{rows} rows of {classes}, {loss:?}");
                // The weight gradient of that many rows is cut into parts, if they can be equal.
                let split = 2 * usize::from(rows >= 1 << 14 && rows % 8 == 0);
                let dispatches = trainer.dispatches_per_step();
                assert_eq!(dispatches, 3 + 2 + more + split, "{name}");
                let plan = trainer.plan().to_string();
                let calls = plan.matches(&format!("weights of {rows} rows")).count();
                assert_eq!(calls, more, "{name}\n{plan}");
            }
        }
    }
}
