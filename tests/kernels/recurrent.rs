//! Recurrent layers, forward and backward: every cell over awkward sizes, in both directions, with and without biases,
//! initial state and lengths.

use crate::common::compare::{Tolerance, assert_close, assert_same_bits};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, gpu_checked, gpu_hardware_kernels, gpu_without_extras};
use crate::common::oracle::recurrent::Layer;
use crate::common::oracle::widen;
use wgrad::{Cell, Device, RecurrentLayer, Result, Tensor};

/// Batch, steps, inputs, units. Up to 64 units are one call, more are one call per step.
const SIZES: [[usize; 4]; 10] = [
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
const VARIANTS: [[bool; 4]; 6] = [
    [false, true, false, false],
    [true, true, true, true],
    [false, true, true, true],
    [false, false, true, false],
    [true, false, false, false],
    [true, false, false, true],
];

/// Rounding of a value below 1 that passes through the steps: sums of up to 4·72 terms, σ and tanh, each off by a few
/// ULP, and the steps before, whose errors the recurrent weights (rows of norm about 1) pass on.
const TOLERANCE: Tolerance = Tolerance {
    relative: 2e-5,
    absolute: 2e-5,
};

struct Case {
    layer: Layer,
    flags: [bool; 4],
    dy: Vec<f32>,
    dstate: Vec<f32>,
}

impl Case {
    fn new(cell: Cell, [batch, steps, inputs, hidden]: [usize; 4], flags: [bool; 4]) -> Self {
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
    fn run(&self, device: &Device, padding: Option<f32>) -> Result<Vec<Vec<f32>>> {
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

    fn expected(&self) -> Vec<Vec<f64>> {
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

const RESULTS: [&str; 8] = [
    "y",
    "state",
    "dx",
    "dinput_weight",
    "drecurrent_weight",
    "dbias",
    "drecurrent_bias",
    "dinitial",
];

fn check(case: &Case, device: &Device, name: &str) {
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
const ON_GPUS: [([usize; 4], [bool; 4]); 4] = [
    (SIZES[1], VARIANTS[1]),
    (SIZES[3], VARIANTS[2]),
    (SIZES[6], VARIANTS[1]),
    (SIZES[7], VARIANTS[2]),
];

#[test]
fn every_cell_agrees_with_the_oracle() {
    let mut checked = 0;
    for cell in Cell::ALL {
        for sizes in SIZES {
            // The oracle is slow, so large sizes have few variants.
            let variants = if sizes[3] > 12 { 2 } else { VARIANTS.len() };
            for flags in VARIANTS.into_iter().take(variants) {
                let case = Case::new(cell, sizes, flags);
                check(&case, cpu(), &format!("{cell:?} {sizes:?} {flags:?}"));
                checked += 1;
            }
        }
        for (sizes, flags) in ON_GPUS {
            let case = Case::new(cell, sizes, flags);
            for device in [gpu(), gpu_hardware_kernels()] {
                let name = format!("{cell:?} {sizes:?} {flags:?} on {}", device.report());
                check(&case, device, &name);
            }
        }
    }
    assert_eq!(checked, 4 * (5 * VARIANTS.len() + 5 * 2));
    // Other sizes on the same pipelines, and few operands.
    for (sizes, flags) in [
        ([33, 3, 9, 6], VARIANTS[1]),
        ([0, 3, 2, 5], VARIANTS[1]),
        (SIZES[5], VARIANTS[3]),
        (SIZES[4], VARIANTS[5]),
    ] {
        let case = Case::new(Cell::Lstm, sizes, flags);
        for device in [gpu(), gpu_hardware_kernels()] {
            check(
                &case,
                device,
                &format!("{sizes:?} {flags:?} on {}", device.report()),
            );
        }
    }
}

#[test]
fn other_devices_agree_too() {
    for cell in [Cell::Lstm, Cell::Relu] {
        let case = Case::new(cell, SIZES[1], VARIANTS[1]);
        check(&case, gpu_checked(), "with bounds checks");
        let name = "without subgroups and 64-bit words";
        check(&case, gpu_without_extras(), name);
    }
}

/// Whatever is past the lengths, results have the same bits, and gradients and outputs are 0 there.
#[test]
fn padding_changes_nothing() {
    for cell in Cell::ALL {
        for (sizes, flags) in [([5, 4, 3, 6], VARIANTS[1]), ([6, 4, 4, 68], VARIANTS[2])] {
            let case = Case::new(cell, sizes, flags);
            let Layer {
                steps,
                inputs,
                hidden,
                ref lengths,
                ..
            } = case.layer;
            for device in [cpu(), gpu(), gpu_hardware_kernels()] {
                let zeros = case.run(device, Some(0.0)).unwrap();
                for padding in [f32::NAN, f32::INFINITY, 1e30] {
                    let padded = case.run(device, Some(padding)).unwrap();
                    for ((what, a), b) in RESULTS.iter().zip(&zeros).zip(&padded) {
                        assert_same_bits(&format!("{cell:?} {padding} {what}"), a, b);
                    }
                }
                for (values, width) in [(&zeros[0], hidden), (&zeros[2], inputs)] {
                    for (row, values) in values.chunks(width).enumerate() {
                        let past = row % steps >= lengths[row / steps];
                        assert!(
                            !past || values.iter().all(|&v| v == 0.0),
                            "{cell:?} row {row}"
                        );
                    }
                }
            }
        }
    }
}

/// A sequence in two parts, the state passed on, has the bits of the whole.
#[test]
fn the_state_carries_a_sequence_on() {
    for (cell, sizes) in [(Cell::Lstm, [6, 68]), (Cell::Gru, [6, 68])] {
        for hidden in sizes {
            let mut random = Random::new(hidden as u64);
            let rows = cell.gates() * hidden;
            let (values, w, v) = (
                random.normals(2 * 6 * 3),
                random.normals(rows * 3),
                random.normals(rows * hidden),
            );
            for device in [cpu(), gpu(), gpu_hardware_kernels()] {
                let w = Tensor::new(device, [rows, 3], &w).unwrap();
                let v = Tensor::new(device, [rows, hidden], &v)
                    .unwrap()
                    .scale(0.1)
                    .unwrap();
                let layer = RecurrentLayer::new(cell, &w, &v);
                let x = Tensor::new(device, [2, 6, 3], &values).unwrap();
                let whole = x.recurrent(&layer).unwrap();
                let part = |range: std::ops::Range<usize>| {
                    let part: Vec<f32> = values
                        .chunks(18)
                        .flat_map(|sample| &sample[3 * range.start..3 * range.end])
                        .copied()
                        .collect();
                    Tensor::new(device, [2, range.len(), 3], &part).unwrap()
                };
                let first = part(0..4).recurrent(&layer).unwrap();
                let mut next = layer;
                next.initial = Some(&first.state);
                let second = part(4..6).recurrent(&next).unwrap();
                let name = format!("{cell:?} {hidden}");
                assert_same_bits(
                    &name,
                    &whole.state.download().unwrap(),
                    &second.state.download().unwrap(),
                );
                let (whole, second) = (whole.y.download().unwrap(), second.y.download().unwrap());
                for (whole, second) in whole.chunks(6 * hidden).zip(second.chunks(2 * hidden)) {
                    assert_same_bits(&name, &whole[4 * hidden..], second);
                }
            }
        }
    }
}

/// A sequence whose steps need more than one call on a software adapter.
#[test]
fn long_sequences_agree_with_the_oracle() {
    let layer = Case::new(Cell::Gru, [1, 2400, 1, 4], [false, true, false, false]);
    let found = layer.run(gpu(), None).unwrap();
    let expected = layer.expected();
    for i in [0, 1, 2] {
        assert_close(RESULTS[i], &found[i], &expected[i], TOLERANCE.times(2.0));
    }
}

/// More samples than a dispatch has workgroups in one dimension, and more units than a chain of sums should have.
#[test]
fn many_samples_and_units_agree_with_the_oracle() {
    for (cell, sizes, flags) in [
        (Cell::Gru, [140_000, 1, 1, 1], VARIANTS[1]),
        (Cell::Tanh, [1, 2, 1, 1030], VARIANTS[0]),
    ] {
        let case = Case::new(cell, sizes, flags);
        let expected = case.expected();
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            let found = case.run(device, None).unwrap();
            // All but the gradients of weights, which are sums over all samples.
            for i in [0, 1, 2, 7] {
                let tolerance = TOLERANCE.times(2.0);
                assert_close(RESULTS[i], &found[i], &expected[i], tolerance);
            }
        }
    }
}

/// A NaN at one time reaches all units of its sample from then on, through every gate, and no other sample.
#[test]
fn a_nan_stays_in_its_sample_and_is_not_hidden() {
    const SAMPLE: usize = 1;
    for cell in Cell::ALL {
        let (sizes, flags) = ON_GPUS[1];
        let clean = Case::new(cell, sizes, flags);
        let mut case = Case::new(cell, sizes, flags);
        let [_, steps, inputs, hidden] = sizes;
        assert_eq!(
            (case.layer.reverse, case.layer.lengths[SAMPLE]),
            (false, steps)
        );
        case.layer.x[(SAMPLE * steps + 1) * inputs] = f64::NAN;
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            let name = format!("{cell:?} on {}", device.report());
            let found = case.run(device, None).unwrap();
            let expected = clean.run(device, None).unwrap();
            // y and dx by row, the state by sample.
            for (i, width, times) in [
                (0, hidden, steps),
                (1, cell.states() * hidden, 1),
                (2, inputs, steps),
            ] {
                let rows = found[i].chunks(width).zip(expected[i].chunks(width));
                for (row, (found, expected)) in rows.enumerate() {
                    let name = format!("{name}: {} of row {row}", RESULTS[i]);
                    if row / times != SAMPLE || i == 0 && row % times == 0 {
                        assert_same_bits(&name, found, expected);
                    } else if i < 2 {
                        assert!(
                            found.iter().all(|value| value.is_nan()),
                            "{name}: {found:?}"
                        );
                    }
                }
            }
        }
    }
}
