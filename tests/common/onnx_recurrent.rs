//! ONNX's RNN, LSTM and GRU, from the files of its node tests.
//!
//! Weights have a block of H rows for each gate, in another order than PyTorch's: i, o, f, g of an LSTM, and z, r, n of a
//! GRU. The two variants that PyTorch does not have are made of tensor calls here: a GRU that resets h before the
//! product (`linear_before_reset` of 0, ONNX's default), and an LSTM with peepholes.

mod variants;

use super::compare::{Tolerance, assert_close};
use super::precision::ULP;
use super::vectors::Vectors;
use variants::{reset_first, with_peepholes};
use wgrad::{Cell, Device, RecurrentLayer, Tensor};

/// ONNX's results are NumPy's, in `f32`. Outputs are below 1, after a few steps with sums of a few terms.
const TOLERANCE: Tolerance = Tolerance {
    relative: 32.0 * ULP,
    absolute: 32.0 * ULP,
};

/// Positions of the inputs.
const X: usize = 0;
const W: usize = 1;
const R: usize = 2;
const B: usize = 3;
const LENGTHS: usize = 4;
const INITIAL_H: usize = 5;
const INITIAL_C: usize = 6;
const PEEPHOLES: usize = 7;

/// The name of an input or output in the file: those that are there are counted.
pub(crate) fn place(file: &Vectors, side: &str, position: usize) -> Option<String> {
    let names = file.attributes[side].as_array().unwrap();
    let is_there = |i: usize| names[i].as_str() != Some("");
    let there = position < names.len() && is_there(position);
    let number = (0..position.min(names.len()))
        .filter(|&i| is_there(i))
        .count();
    there.then(|| format!("{}_{number}", side.trim_end_matches('s')))
}

/// [first, second, inner] as [second, first, inner].
fn swapped(values: &[f32], [first, second]: [usize; 2]) -> Vec<f32> {
    let inner = values.len() / (first * second).max(1);
    (0..second)
        .flat_map(|j| (0..first).flat_map(move |i| &values[(i * second + j) * inner..][..inner]))
        .copied()
        .collect()
}

struct Call<'a> {
    file: &'a Vectors,
    device: &'a Device,
    cell: Cell,
    /// Blocks of rows of the weights, in PyTorch's order.
    order: &'static [usize],
    directions: usize,
    steps: usize,
    batch: usize,
    hidden: usize,
    /// Whether the batch comes first everywhere.
    batch_first: bool,
}

/// The weights of one direction, in PyTorch's order.
struct Weights {
    input: Tensor,
    recurrent: Tensor,
    biases: [Tensor; 2],
}

/// h, and c of an LSTM, [B, H] each.
type State = Vec<Tensor>;

impl Call<'_> {
    fn input(&self, position: usize) -> Option<Vec<f32>> {
        let name = place(self.file, "inputs", position)?;
        Some(self.file.narrow(&name))
    }

    fn tensor(&self, shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(self.device, shape, values).unwrap()
    }

    /// Rows of [G·H, cols] in PyTorch's order.
    fn in_order(&self, values: &[f32]) -> Vec<f32> {
        let block = values.len() / self.order.len();
        let blocks = self
            .order
            .iter()
            .map(|&gate| &values[gate * block..][..block]);
        blocks.flatten().copied().collect()
    }

    fn weights(&self, direction: usize) -> Weights {
        let rows = self.order.len() * self.hidden;
        let part = |position: usize| {
            let values = self.input(position).unwrap();
            let len = values.len() / self.directions;
            let part = self.in_order(&values[direction * len..][..len]);
            self.tensor(&[rows, len / rows], &part)
        };
        let both = self
            .input(B)
            .unwrap_or(vec![0.0; 2 * rows * self.directions]);
        let bias = |number: usize| {
            let part = &both[(2 * direction + number) * rows..][..rows];
            self.tensor(&[1, rows], &self.in_order(part))
        };
        Weights {
            input: part(W),
            recurrent: part(R),
            biases: [bias(0), bias(1)],
        }
    }

    /// The initial h or c of one direction, [B, H].
    fn initial(&self, position: usize, direction: usize) -> Vec<f32> {
        let len = self.batch * self.hidden;
        let Some(mut values) = self.input(position) else {
            return vec![0.0; len];
        };
        if self.batch_first {
            values = swapped(&values, [self.batch, self.directions]);
        }
        values[direction * len..][..len].to_vec()
    }

    /// Whether a GRU computes the same before and after its reset: r multiplies zeros only.
    fn starts_from_zero(&self) -> bool {
        let is_zero = |values: &[f32]| values.iter().all(|&value| value == 0.0);
        let rows = 3 * self.hidden;
        let biases = self.input(B).unwrap_or_default();
        // The third gate of the recurrent biases, which follow those of the inputs.
        let of_gate = |biases: &[f32]| is_zero(&biases[rows + 2 * self.hidden..]);
        self.steps == 1
            && biases.chunks(2 * rows).all(of_gate)
            && self.input(INITIAL_H).is_none_or(|h| is_zero(&h))
    }

    /// The outputs [B, T, H] and the state after the last step of one direction, by the layer.
    fn layer(
        &self,
        x: &Tensor,
        direction: usize,
        reverse: bool,
        lengths: Option<&[usize]>,
    ) -> (Tensor, State) {
        let weights = self.weights(direction);
        let [b, d] = &weights.biases;
        let parts = [INITIAL_H, INITIAL_C].map(|position| self.initial(position, direction));
        let states = self.cell.states();
        let initial: Vec<f32> = (0..self.batch)
            .flat_map(|sample| {
                let parts = parts.iter().take(states);
                parts.flat_map(move |part| &part[sample * self.hidden..][..self.hidden])
            })
            .copied()
            .collect();
        let initial = self.tensor(&[self.batch, states, self.hidden], &initial);
        let mut layer = RecurrentLayer::new(self.cell, &weights.input, &weights.recurrent);
        layer.biases = Some([b, d]);
        layer.initial = Some(&initial);
        layer.lengths = lengths;
        layer.reverse = reverse;
        let output = x.recurrent(&layer).unwrap();
        let part = |part: usize| {
            let part = output.state.slice(1, part..part + 1).unwrap();
            part.reshape([self.batch, self.hidden]).unwrap()
        };
        (output.y, (0..states).map(part).collect())
    }

    fn compare(&self, position: usize, found: &[f32]) {
        let Some(name) = place(self.file, "outputs", position) else {
            return;
        };
        let what = format!("{} {name} on {}", self.file.name, self.device.report());
        assert_close(&what, found, self.file.tensor(&name), TOLERANCE);
    }
}

/// Runs a file of a recurrent operator.
pub(crate) fn recurrent(file: &Vectors, device: &Device) {
    for unknown in ["clip", "input_forget"] {
        let value = file.optional(unknown).unwrap_or(0.0);
        assert!(value == 0.0, "{}: no {unknown}", file.name);
    }
    let activations = file.attributes["activations"].as_array();
    let activation = activations
        .and_then(|names| names[0].as_str())
        .unwrap_or("");
    let (cell, order): (Cell, &[usize]) = match (file.text("op"), activation) {
        ("LSTM", "" | "Sigmoid") => (Cell::Lstm, &[0, 2, 3, 1]),
        ("GRU", "" | "Sigmoid") => (Cell::Gru, &[1, 0, 2]),
        ("RNN", "" | "Tanh") => (Cell::Tanh, &[0]),
        ("RNN", "Relu") => (Cell::Relu, &[0]),
        other => panic!("{}: {other:?}", file.name),
    };
    let batch_first = file.optional("layout") == Some(1.0);
    let &[mut steps, mut batch, inputs] = file.shape("input_0") else {
        panic!("{}: the shape of X", file.name)
    };
    if batch_first {
        std::mem::swap(&mut steps, &mut batch);
    }
    let direction = file.attributes["direction"].as_str().unwrap_or("forward");
    let reversed: &[bool] = match direction {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        other => panic!("{}: direction {other}", file.name),
    };
    let recurrent = file.shape(&place(file, "inputs", R).unwrap()).to_vec();
    let call = Call {
        file,
        device,
        cell,
        order,
        directions: reversed.len(),
        steps,
        batch,
        hidden: recurrent[2],
        batch_first,
    };
    let x = call.input(X).unwrap();
    let x = if batch_first {
        x
    } else {
        swapped(&x, [steps, batch])
    };
    let x = call.tensor(&[batch, steps, inputs], &x);
    let lengths: Option<Vec<usize>> = call
        .input(LENGTHS)
        .map(|lengths| lengths.iter().map(|&length| length as usize).collect());
    let peepholes = call.input(PEEPHOLES);
    let before = file.optional("linear_before_reset").unwrap_or(0.0);
    let resets_first = cell == Cell::Gru && before == 0.0 && !call.starts_from_zero();
    let hidden = call.hidden;
    let of_directions: Vec<(Tensor, State)> = reversed
        .iter()
        .enumerate()
        .map(|(direction, &reverse)| {
            let lengths = lengths.as_deref();
            match &peepholes {
                Some(values) => {
                    let row = call.tensor(
                        &[1, 3 * hidden],
                        &values[direction * 3 * hidden..][..3 * hidden],
                    );
                    call.unrolled(&x, direction, reverse, lengths, &|weights, x, state| {
                        with_peepholes(weights, &row, x, state)
                    })
                }
                None if resets_first => {
                    call.unrolled(&x, direction, reverse, lengths, &reset_first)
                }
                None => call.layer(&x, direction, reverse, lengths),
            }
        })
        .collect();
    // [B, T, D, H], which is ONNX's order with the batch first; else [T, D, B, H].
    let (mut y, mut states) = (Vec::new(), vec![Vec::new(); cell.states()]);
    let all: Vec<Vec<f32>> = of_directions
        .iter()
        .map(|(y, _)| y.download().unwrap())
        .collect();
    for row in 0..batch * steps {
        for all in &all {
            y.extend(&all[row * hidden..][..hidden]);
        }
    }
    for (_, state) in &of_directions {
        for (values, part) in states.iter_mut().zip(state) {
            values.extend(part.download().unwrap());
        }
    }
    if !batch_first {
        let of_time = batch * call.directions * hidden;
        let by_time = swapped(&y, [batch, steps]);
        y = by_time
            .chunks(of_time.max(1))
            .flat_map(|time| swapped(time, [batch, call.directions]))
            .collect();
    }
    call.compare(0, &y);
    for (i, state) in states.iter().enumerate() {
        let state = match batch_first {
            true => swapped(state, [call.directions, batch]),
            false => state.clone(),
        };
        call.compare(1 + i, &state);
    }
}
