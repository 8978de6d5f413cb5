//! Recurrent layers under test: sizes and variants, the calls on a device, and the comparison with the oracle.

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::Random;
use crate::common::oracle::recurrent::Layer;
use crate::common::oracle::widen;
use wgrad::{Cell, Device, RecurrentLayer, Result, Tensor};

/// Batch, steps, inputs, units. Up to 64 units are one call, more are one call per step.
pub(super) const SIZES: [[usize; 4]; 10] = [
    [1, 1, 1, 1],
    [3, 5, 4, 7],
    [9, 3, 5, 8],
    [17, 4, 3, 12],
    [2, 9, 1, 33],
    [5, 2, 6, 64],
    [3, 3, 2, 65],
    [9, 2, 7, 68],
    [33, 2, 3, 72],
    [0, 3, 2, 5],
];

/// The variants of a call: reverse, biases, initial state, lengths.
pub(super) const VARIANTS: [[bool; 4]; 6] = [
    [false, true, false, false],
    [true, true, true, true],
    [false, true, true, true],
    [false, false, true, false],
    [true, false, false, false],
    [true, false, false, true],
];

/// Rounding of a value below 1 that passes through the steps: sums of up to 4·72 terms, σ and tanh, each off by a few
/// ULP, and the steps before, whose errors the recurrent weights (rows of norm about 1) pass on.
pub(super) const TOLERANCE: Tolerance = Tolerance {
    relative: 2e-5,
    absolute: 2e-5,
};

pub(super) struct Case {
    pub(super) layer: Layer,
    flags: [bool; 4],
    dy: Vec<f32>,
    dstate: Vec<f32>,
}

impl Case {
    pub(super) fn new(
        cell: Cell,
        [batch, steps, inputs, hidden]: [usize; 4],
        flags: [bool; 4],
    ) -> Self {
        let [reverse, bias, initial, lengths] = flags;
        let mut random = Random::new((batch + 31 * steps + 97 * hidden) as u64);
        let (rows, states) = (cell.gates() * hidden, batch * cell.states() * hidden);
        let scale = 1.0 / (hidden as f64).sqrt();
        let mut weights = |count: usize| widen(&random.uniform(count, -scale, scale));
        let weights = [weights(rows * inputs), weights(rows * hidden)];
        let mut optional = |is: bool, count: usize| match is {
            true => widen(&random.normals(count))
                .iter()
                .map(|v| 0.5 * v)
                .map(|v| f64::from(v as f32))
                .collect(),
            false => vec![0.0; count],
        };
        let layer = Layer {
            cell,
            batch,
            steps,
            inputs,
            hidden,
            reverse,
            // 0, all, 1, and others in any order.
            lengths: (0..batch)
                .map(|i| {
                    if lengths {
                        [0, steps, 1, steps - 1, steps / 2][i % 5]
                    } else {
                        steps
                    }
                })
                .collect(),
            weights,
            biases: [optional(bias, rows), optional(bias, rows)],
            initial: optional(initial, states),
            x: optional(true, batch * steps * inputs),
        };
        let dy = random.normals(batch * steps * hidden);
        let dstate = random.normals(states);
        Case {
            layer,
            flags,
            dy,
            dstate,
        }
    }

    /// y, state, and gradients of x, weights, biases and initial state, on a device. `padding` is what x and dy hold past
    /// the lengths.
    pub(super) fn run(&self, device: &Device, padding: Option<f32>) -> Result<Vec<Vec<f32>>> {
        let Layer {
            cell,
            batch,
            steps,
            inputs,
            hidden,
            ..
        } = self.layer;
        let [reverse, bias, initial, lengths] = self.flags;
        let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<_>>();
        let rows = cell.gates() * hidden;
        let matrix =
            |values: &[f64], shape: [usize; 2]| Tensor::new(device, shape, &narrow(values));
        let padded = |values: &[f32], width: usize| {
            let mut values = values.to_vec();
            for (row, value) in values.chunks_mut(width.max(1)).enumerate() {
                if let (Some(padding), true) =
                    (padding, row % steps >= self.layer.lengths[row / steps])
                {
                    value.fill(padding);
                }
            }
            values
        };
        let x = padded(&narrow(&self.layer.x), inputs);
        let x = Tensor::new(device, [batch, steps, inputs], &x)?;
        let dy = Tensor::new(device, [batch, steps, hidden], &padded(&self.dy, hidden))?;
        let states = [batch, cell.states(), hidden];
        let dstate = Tensor::new(device, states, &self.dstate)?;
        let weights = [
            matrix(&self.layer.weights[0], [rows, inputs])?,
            matrix(&self.layer.weights[1], [rows, hidden])?,
        ];
        let biases = [
            matrix(&self.layer.biases[0], [1, rows])?,
            matrix(&self.layer.biases[1], [1, rows])?,
        ];
        let state = Tensor::new(device, states, &narrow(&self.layer.initial))?;
        let mut layer = RecurrentLayer::new(cell, &weights[0], &weights[1]);
        layer.biases = bias.then(|| biases.each_ref());
        layer.initial = initial.then_some(&state);
        layer.lengths = lengths.then_some(&self.layer.lengths);
        layer.reverse = reverse;
        let output = x.recurrent(&layer)?;
        let gradients = dy.recurrent_backward(&layer, &x, &output, Some(&dstate))?;
        let [of_inputs, of_states] = &gradients.dbiases;
        [
            &output.y,
            &output.state,
            &gradients.dx,
            &gradients.dinput_weight,
            &gradients.drecurrent_weight,
            of_inputs,
            of_states,
            &gradients.dinitial,
        ]
        .into_iter()
        .map(Tensor::download)
        .collect()
    }

    pub(super) fn expected(&self) -> Vec<Vec<f64>> {
        let forward = self.layer.forward();
        let gradients = self.layer.backward(&widen(&self.dy), &widen(&self.dstate));
        let [input, recurrent] = gradients.weights;
        let [of_inputs, of_states] = gradients.biases;
        let (x, initial) = (gradients.x, gradients.initial);
        vec![
            forward.y,
            forward.state,
            x,
            input,
            recurrent,
            of_inputs,
            of_states,
            initial,
        ]
    }
}

pub(super) const RESULTS: [&str; 8] = [
    "y",
    "state",
    "dx",
    "dinput_weight",
    "drecurrent_weight",
    "dbias",
    "drecurrent_bias",
    "dinitial",
];

pub(super) fn check(case: &Case, device: &Device, name: &str) {
    let found = case
        .run(device, None)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    // Gradients of weights are sums over all rows.
    let rows = 1.0 + (case.layer.batch * case.layer.steps) as f64 / 8.0;
    for ((what, found), expected) in RESULTS.iter().zip(&found).zip(case.expected()) {
        let tolerance = TOLERANCE.times(
            if what.starts_with("dr") || what.starts_with("di") || *what == "dbias" {
                rows
            } else {
                1.0
            },
        );
        assert_close(&format!("{name}: {what}"), found, &expected, tolerance);
    }
}

/// Sizes and variants that reach every form of the kernels: aligned and not, one step a call and several, with many
/// operands and with few. (Each takes pipelines of its own.)
pub(super) const ON_GPUS: [([usize; 4], [bool; 4]); 4] = [
    (SIZES[1], VARIANTS[1]),
    (SIZES[3], VARIANTS[2]),
    (SIZES[6], VARIANTS[1]),
    (SIZES[7], VARIANTS[2]),
];
