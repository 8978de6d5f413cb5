//! Dispatches of recurrent layers.

use crate::common::devices::cpu;
use wgrad::{Cell, Graph, Init, Recurrent, Sequential, Trainer};

/// Dispatches of a training step, and how many of its calls have this text in their label.
fn dispatches(network: wgrad::Network, label: &str) -> [usize; 2] {
    let trainer = Trainer::builder(network).batch_size(8).build().unwrap();
    let calls = trainer.plan().to_string().matches(label).count();
    [trainer.dispatches_per_step(), calls]
}

/// T + 1 forward, and T + 3 backward with the gradient of the input; up to 64 units 2 and 4, for any T.
#[test]
fn a_recurrent_layer_takes_the_dispatches_that_its_documentation_says() {
    for cell in Cell::ALL {
        for (hidden, steps) in [(65, 1), (65, 2), (128, 28), (64, 28), (64, 200), (1, 5)] {
            let network = |dense: bool| {
                let mut layers = Sequential::new([steps, 8]);
                if dense {
                    layers = layers.dense(8);
                }
                let layers = layers.recurrent_last(Recurrent::new(cell, hidden)).dense(3);
                layers.build(cpu(), 0).unwrap()
            };
            let calls = if hidden > 64 { steps } else { 1 };
            let name = format!("{cell:?} {hidden} {steps}");
            // Gather, loss and update; the dense layer after it, one forward and two backward; and no gradient of x.
            let others = 3 + 3;
            let step = (calls + 1) + (calls + 2);
            let found = dispatches(network(false), " backward ");
            assert_eq!(found, [others + step, calls], "{name}");
            // With the gradient of x; and the dense layer before it, one forward and one backward.
            let found = dispatches(network(true), " backward ");
            assert_eq!(found, [others + 2 + step + 1, calls], "{name}");
        }
    }
}

/// The gradient of an initial state takes one more, and each layer and direction takes the same.
#[test]
fn initial_states_layers_and_directions_add_up() {
    const HIDDEN: usize = 68;
    const STEPS: usize = 5;
    let build = |initial: bool| {
        let mut g = Graph::new();
        let x = g.input([STEPS, 8]).unwrap();
        let flat = g.flatten(x).unwrap();
        let state = g.dense(flat, HIDDEN, Init::default()).unwrap();
        let of_state = g.reshape(state, [1, HIDDEN]).unwrap();
        let initial: Vec<_> = initial.then_some(of_state).into_iter().collect();
        let layers = Recurrent::gru(HIDDEN);
        let gru = g.recurrent_with(x, &layers, &initial, None).unwrap();
        let sum = g.concat(&[gru.last, state], 1).unwrap();
        let logits = g.dense(sum, 3, Init::default()).unwrap();
        g.build(logits, cpu(), 0).unwrap()
    };
    let [without, with] = [false, true].map(|initial| dispatches(build(initial), "gru")[0]);
    // The gradient, and the sum of both gradients of the state.
    assert_eq!(with, without + 2);

    let stacked = |layers: Recurrent| {
        let layers = Sequential::new([STEPS, 8]).recurrent_last(layers).dense(3);
        dispatches(layers.build(cpu(), 0).unwrap(), " steps ")
    };
    let one = stacked(Recurrent::lstm(HIDDEN));
    let layer = (STEPS + 1) + (STEPS + 3);
    let two = stacked(Recurrent::lstm(HIDDEN).layers(2));
    assert_eq!(two, [one[0] + layer, 2 * STEPS]);
    // Dropout in between: one forward, one backward.
    let dropped = stacked(Recurrent::lstm(HIDDEN).layers(2).dropout(0.5));
    assert_eq!(dropped, [two[0] + 2, 2 * STEPS]);
    // The last outputs side by side, and the two parts of their gradient.
    let both = stacked(Recurrent::lstm(HIDDEN).bidirectional());
    assert_eq!(both, [one[0] + layer - 1 + 3, 2 * STEPS]);
}
