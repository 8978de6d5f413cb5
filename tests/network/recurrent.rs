//! Recurrent networks: gradients against central differences and between devices, padding, states, names and errors.

mod names;
mod refusals;

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::oracle::widen;
use wgrad::{Activation, Cell, Device, Graph, Init, Network, Recurrent, Sequential, Shape};

const INPUTS: usize = 3;
const CLASSES: usize = 4;
const BATCH: usize = 5;

/// What the logits are computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Read {
    All,
    Last,
    State,
    AllThree,
}

/// Recurrent layers whose initial states are computed from a second input, with lengths or without.
fn network(
    device: &Device,
    layers: &Recurrent,
    [steps, states, count]: [usize; 3],
    hidden: usize,
    read: Read,
    [initial, lengths]: [bool; 2],
) -> wgrad::Result<Network> {
    let mut g = Graph::new();
    let x = g.named_input("x", [steps, INPUTS])?;
    let u = g.named_input("u", 2)?;
    let lengths = if lengths {
        Some(g.lengths("lengths", x)?)
    } else {
        None
    };
    let mut states_of_u = Vec::new();
    for _ in 0..if initial { count } else { 0 } {
        let h = g.dense(u, states * hidden, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        states_of_u.push(g.reshape(h, Shape::from([states, hidden]))?);
    }
    let values = g.recurrent_with(x, layers, &states_of_u, lengths)?;
    let mut parts = Vec::new();
    if matches!(read, Read::All | Read::AllThree) {
        parts.push(g.flatten(values.all)?);
    }
    if matches!(read, Read::Last | Read::AllThree) {
        parts.push(values.last);
    }
    if matches!(read, Read::State | Read::AllThree) {
        for state in values.state {
            parts.push(g.flatten(state)?);
        }
    }
    if parts.len() > 1 {
        parts = vec![g.concat(&parts, 1)?];
    }
    let logits = g.dense(parts[0], CLASSES, Init::XavierNormal)?;
    if !initial {
        // Every input is read.
        let of_u = g.dense(u, CLASSES, Init::XavierNormal)?;
        let logits = g.add(logits, of_u)?;
        return g.build(logits, device, 3);
    }
    g.build(logits, device, 3)
}

/// A batch: x, u, lengths 0, all, 1 and two others, labels.
fn batch(steps: usize) -> (Vec<f32>, Vec<f32>, Vec<f32>, Vec<u32>) {
    let mut random = Random::new(steps as u64);
    let lengths = [0, steps, 1, steps.div_ceil(2), steps - 1].map(|length| length as f32);
    (
        random.normals(BATCH * steps * INPUTS),
        random.normals(BATCH * 2),
        lengths.to_vec(),
        random.words(BATCH, CLASSES),
    )
}

type Named<'a> = Vec<(&'a str, &'a [f32])>;

fn inputs<'a>(x: &'a [f32], u: &'a [f32], lengths: &'a [f32], has_lengths: bool) -> Named<'a> {
    let mut inputs = vec![("x", x), ("u", u)];
    if has_lengths {
        inputs.push(("lengths", lengths));
    }
    inputs
}

/// Cells, stacks, sizes and reads under test: (cell, layers, bidirectional, units, steps, read, [initial, lengths]).
type Variant = (Cell, usize, bool, usize, usize, Read, [bool; 2]);

fn variants() -> Vec<Variant> {
    let mut variants = Vec::new();
    for cell in Cell::ALL {
        variants.extend([
            (cell, 1, false, 5, 4, Read::All, [false, false]),
            (cell, 1, false, 4, 3, Read::Last, [false, true]),
            (cell, 2, true, 3, 3, Read::AllThree, [true, true]),
            (cell, 2, false, 6, 1, Read::State, [true, false]),
            (cell, 1, true, 5, 3, Read::All, [true, true]),
            (cell, 1, true, 2, 4, Read::Last, [false, true]),
        ]);
    }
    variants
}

fn build(device: &Device, variant: Variant) -> Network {
    let (cell, count, both, hidden, steps, read, flags) = variant;
    let mut layers = Recurrent::new(cell, hidden).layers(count);
    if both {
        layers = layers.bidirectional();
    }
    let sizes = [steps, cell.states(), count * (1 + usize::from(both))];
    network(device, &layers, sizes, hidden, read, flags).unwrap()
}

#[test]
fn gradients_agree_with_central_differences() {
    for variant in variants() {
        let (_, _, _, _, steps, _, [_, lengths]) = variant;
        let (x, u, l, labels) = batch(steps);
        let mut network = build(cpu(), variant);
        let check = network
            .gradient_check(inputs(&x, &u, &l, lengths), &labels, 1)
            .unwrap();
        let worst = check.worst().unwrap();
        assert!(worst.relative_error() < 1e-6, "{variant:?}: {worst:?}");
        let reached = check
            .parameters
            .iter()
            .filter(|p| p.analytic.abs() > 1e-5)
            .count();
        assert!(2 * reached > check.parameters.len(), "{variant:?}: {check}");
    }
}

#[test]
fn the_gpus_gradients_are_the_cpus() {
    let deep = Cell::ALL.map(|cell| (cell, 2, true, 3, 3, Read::AllThree, [true, true]));
    let wide =
        [Cell::Lstm, Cell::Gru].map(|cell| (cell, 1, true, 66, 3, Read::AllThree, [true, true]));
    let plain = (Cell::Lstm, 1, false, 5, 4, Read::All, [false, false]);
    for variant in deep.into_iter().chain(wide).chain([plain]) {
        let (_, _, _, _, steps, _, [_, lengths]) = variant;
        let (x, u, l, labels) = batch(steps);
        let mut of_cpu = build(cpu(), variant);
        let expected = of_cpu
            .gradients(inputs(&x, &u, &l, lengths), &labels)
            .unwrap();
        let predicted = of_cpu.predict(inputs(&x, &u, &l, lengths)).unwrap();
        for device in [gpu(), gpu_hardware_kernels()] {
            let mut network = build(device, variant);
            let found = network
                .gradients(inputs(&x, &u, &l, lengths), &labels)
                .unwrap();
            let tolerance = Tolerance {
                relative: 1e-4,
                absolute: 4e-6,
            };
            for ((name, found), (_, expected)) in found.gradients.iter().zip(&expected.gradients) {
                assert_close(
                    &format!("{variant:?} {name}"),
                    found,
                    &widen(expected),
                    tolerance,
                );
            }
            let found = network.predict(inputs(&x, &u, &l, lengths)).unwrap();
            assert_close(
                &format!("{variant:?}"),
                &found,
                &widen(&predicted),
                tolerance,
            );
        }
    }
}

/// Past the lengths the samples may hold NaN: losses, gradients and predictions keep their bits.
#[test]
fn padding_of_samples_changes_nothing() {
    for cell in [Cell::Lstm, Cell::Gru] {
        let variant = (cell, 2, true, 5, 4, Read::AllThree, [true, true]);
        let (mut x, u, l, labels) = batch(4);
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            let mut network = build(device, variant);
            let before = network
                .gradients(inputs(&x, &u, &l, true), &labels)
                .unwrap();
            let predicted = network.predict(inputs(&x, &u, &l, true)).unwrap();
            for (row, values) in x.chunks_mut(INPUTS).enumerate() {
                if row % 4 >= l[row / 4] as usize {
                    values.fill(f32::NAN);
                }
            }
            let after = network
                .gradients(inputs(&x, &u, &l, true), &labels)
                .unwrap();
            for ((name, after), (_, before)) in after.gradients.iter().zip(&before.gradients) {
                assert_same_bits(name, after, before);
            }
            let padded = network.predict(inputs(&x, &u, &l, true)).unwrap();
            assert_same_bits("prediction", &padded, &predicted);
            x = batch(4).0;
        }
    }
}

/// Without lengths the last output is the one of the last time, and a stack is its layers one after another.
#[test]
fn the_last_output_is_the_output_of_the_last_time() {
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        for hidden in [5, 66] {
            let layers = Recurrent::lstm(hidden).layers(2).dropout(0.5);
            let all = Sequential::new([4, INPUTS])
                .recurrent(layers)
                .build(device, 7)
                .unwrap();
            let last = Sequential::new([4, INPUTS])
                .recurrent_last(layers)
                .build(device, 7)
                .unwrap();
            let x = Random::new(1).normals(2 * 4 * INPUTS);
            let (all, last) = (all.predict(&x).unwrap(), last.predict(&x).unwrap());
            for (all, last) in all.chunks(4 * hidden).zip(last.chunks(hidden)) {
                assert_same_bits("last", &all[3 * hidden..], last);
            }
        }
    }
}

/// Lengths that a graph computes, or takes as a plain input, may be any numbers: fractions are cut off and the range is
/// kept, in the forward pass and where the padding is kept from the gradient of the weights.
#[test]
fn lengths_of_a_graph_are_cut_off_to_whole_numbers_in_range() {
    // log(0) is −∞ past the whole length, and 0·∞ is NaN.
    let samples = [1.0, 2.0, 0.0];
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        let x = graph.named_input("x", [3, 1]).unwrap();
        let lengths = graph.named_input("lengths", 1).unwrap();
        let x = graph.log(x).unwrap();
        let layers = Recurrent::gru(3);
        let values = graph
            .recurrent_with(x, &layers, &[], Some(lengths))
            .unwrap();
        let y = graph.dense(values.last, 2, Init::XavierNormal).unwrap();
        let mut network = graph.build(y, device, 3).unwrap();
        let mut gradients = |samples: &[f32], length: f32| {
            let named = [("x", samples), ("lengths", &[length][..])];
            let gradients = network.gradients(named, &[1]).unwrap().gradients;
            let values = gradients.into_iter().flat_map(|(_, values)| values);
            values.collect::<Vec<f32>>()
        };
        for (given, whole) in [(2.7, 2.0), (0.9, 0.0), (-3.0, 0.0)] {
            let name = format!("{given} on {}", device.report());
            let (found, expected) = (gradients(&samples, given), gradients(&samples, whole));
            assert!(found.iter().all(|value| value.is_finite()), "{name}");
            assert_same_bits(&name, &found, &expected);
        }
        let (found, expected) = (gradients(&[1.0; 3], 1e30), gradients(&[1.0; 3], 3.0));
        assert_same_bits("beyond the end", &found, &expected);
    }
}
