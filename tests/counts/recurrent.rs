//! Dispatches of recurrent layers.

use crate::common::devices::cpu;
use wgrad::{Cell, Graph, Init, Network, Recurrent, Sequential, Trainer};

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

/// What a network reads of its recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Read {
    All,
    Last,
    State,
    /// All outputs, and the state.
    AllAndState,
    /// All outputs, h after the last step, and the state.
    Everything,
}

/// A recurrent layer behind a dense one, with biases, an initial state that another dense layer computes, and lengths.
fn with_everything(cell: Cell, [hidden, steps]: [usize; 2], read: Read) -> Network {
    let mut g = Graph::new();
    let x = g.input([steps, 8]).unwrap();
    let lengths = g.lengths("lengths", x).unwrap();
    let start = g.named_input("start", 4).unwrap();
    let shape = [cell.states(), hidden];
    let initial = g
        .dense(start, cell.states() * hidden, Init::default())
        .unwrap();
    let initial = g.reshape(initial, shape).unwrap();
    let x = g.dense(x, 12, Init::default()).unwrap();
    let layers = Recurrent::new(cell, hidden);
    let values = g
        .recurrent_with(x, &layers, &[initial], Some(lengths))
        .unwrap();
    let of = |g: &mut Graph, value| {
        let flat = g.flatten(value).unwrap();
        g.dense(flat, 3, Init::default()).unwrap()
    };
    let mut parts = Vec::new();
    if matches!(read, Read::All | Read::AllAndState | Read::Everything) {
        parts.push(of(&mut g, values.all));
    }
    if matches!(read, Read::Last | Read::Everything) {
        parts.push(of(&mut g, values.last));
    }
    if matches!(read, Read::State | Read::AllAndState | Read::Everything) {
        parts.push(of(&mut g, values.state[0]));
    }
    let logits = g.concat(&parts, 1).unwrap();
    g.build(logits, cpu(), 0).unwrap()
}

/// Calls of the recurrent layer before the loss, and after it. Those of other layers are left out: the listing names the
/// shapes of products.
fn of_the_layer(network: Network, [hidden, steps]: [usize; 2], gates: usize) -> [usize; 2] {
    let trainer = Trainer::builder(network).batch_size(8).build().unwrap();
    let plan = trainer.plan().to_string();
    let (rows, gates) = (8 * steps, gates * hidden);
    // x·Wᵀ, dx, dW and dV.
    let products = [
        format!("matmul NT {rows}x{gates}x12"),
        format!("matmul NN {rows}x12x{gates}"),
        format!("matmul TN {gates}x12x{rows}"),
        format!("matmul TN {gates}x{hidden}x{rows}"),
    ];
    // Copies and sums of the states after the last step.
    let state = |line: &str| {
        let copies = ["slice", "pad", "add"]
            .iter()
            .any(|part| line.contains(part));
        copies && line.contains(&format!(", {hidden}]"))
    };
    let counts = |line: &str| {
        let steps = [" steps ", " backward ", "by length"];
        let of_steps = steps.iter().any(|part| line.contains(part));
        of_steps
            || state(line)
            || products
                .iter()
                .any(|product| line.contains(product.as_str()))
    };
    let lines: Vec<&str> = plan.lines().collect();
    let loss = lines
        .iter()
        .position(|line| line.contains("cross-entropy"))
        .unwrap();
    [&lines[..loss], &lines[loss..]].map(|lines| lines.iter().filter(|line| counts(line)).count())
}

/// With biases, an initial state that has a gradient, and lengths, whatever is read: T + 1 forward and T + 4 backward. Only
/// an LSTM whose `last` and `state` are both read copies one from the other, and adds their gradients.
#[test]
fn no_combination_of_operands_takes_more_dispatches() {
    for (cell, gates) in [(Cell::Lstm, 4), (Cell::Gru, 3), (Cell::Tanh, 1)] {
        for sizes in [[65, 5], [96, 1], [64, 7]] {
            for read in [
                Read::All,
                Read::Last,
                Read::State,
                Read::AllAndState,
                Read::Everything,
            ] {
                let network = with_everything(cell, sizes, read);
                let found = of_the_layer(network, sizes, gates);
                let calls = if sizes[0] > 64 { sizes[1] } else { 1 };
                let more = match (cell, read) {
                    (Cell::Lstm, Read::Everything) => [1, 2],
                    // Both are one value here, and the gradients of its two readers are added.
                    (_, Read::Everything) => [0, 1],
                    _ => [0, 0],
                };
                let expected = [calls + 1 + more[0], calls + 4 + more[1]];
                assert_eq!(found, expected, "{cell:?} {sizes:?} {read:?}");
            }
        }
    }
}
