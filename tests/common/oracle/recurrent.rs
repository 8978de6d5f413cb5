//! Oracle of recurrent layers: one sample, one unit and one step at a time.

use wgrad::Cell;

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// One layer in one direction, in `f64`.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) cell: Cell,
    pub(crate) batch: usize,
    pub(crate) steps: usize,
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
    pub(crate) reverse: bool,
    /// Number of steps of each sample.
    pub(crate) lengths: Vec<usize>,
    /// [B, T, D].
    pub(crate) x: Vec<f64>,
    /// [G·H, D] and [G·H, H].
    pub(crate) weights: [Vec<f64>; 2],
    /// [G·H] each.
    pub(crate) biases: [Vec<f64>; 2],
    /// [B, S, H].
    pub(crate) initial: Vec<f64>,
}

/// Results of the forward pass.
pub(crate) struct Forward {
    /// [B, T, H].
    pub(crate) y: Vec<f64>,
    /// [B, S, H].
    pub(crate) state: Vec<f64>,
}

/// Results of the backward pass, with the shapes of what they are gradients of.
pub(crate) struct Gradients {
    pub(crate) x: Vec<f64>,
    pub(crate) weights: [Vec<f64>; 2],
    pub(crate) biases: [Vec<f64>; 2],
    pub(crate) initial: Vec<f64>,
}

/// A step of a sample: time, states before, and per unit the two parts of each gate before activation.
struct Step {
    time: usize,
    h: Vec<f64>,
    c: Vec<f64>,
    /// [G, H]: x·W + b, and h·V + d.
    of_input: Vec<f64>,
    of_state: Vec<f64>,
}

impl Layer {
    /// The times of a sample, in the order of computation.
    fn times(&self, sample: usize) -> Vec<usize> {
        let times = 0..self.lengths[sample];
        if self.reverse {
            times.rev().collect()
        } else {
            times.collect()
        }
    }

    fn state(&self, sample: usize, part: usize) -> Vec<f64> {
        let states = self.cell.states();
        match part < states {
            true => self.initial[(sample * states + part) * self.hidden..][..self.hidden].to_vec(),
            false => vec![0.0; self.hidden],
        }
    }

    fn input(&self, sample: usize, time: usize) -> &[f64] {
        &self.x[(sample * self.steps + time) * self.inputs..][..self.inputs]
    }

    fn affine(&self, which: usize, row: usize, operand: &[f64]) -> f64 {
        let weights = &self.weights[which][row * operand.len()..][..operand.len()];
        let products = weights.iter().zip(operand);
        self.biases[which][row] + products.map(|(w, x)| w * x).sum::<f64>()
    }

    /// The next h and c of a unit.
    fn next(&self, step: &Step, u: usize) -> (f64, f64) {
        let at = |gate: usize| {
            step.of_input[gate * self.hidden + u] + step.of_state[gate * self.hidden + u]
        };
        match self.cell {
            Cell::Tanh => (at(0).tanh(), 0.0),
            Cell::Relu => (at(0).max(0.0), 0.0),
            Cell::Lstm => {
                let c = sigmoid(at(1)) * step.c[u] + sigmoid(at(0)) * at(2).tanh();
                (sigmoid(at(3)) * c.tanh(), c)
            }
            Cell::Gru => {
                let n = step.of_input[2 * self.hidden + u]
                    + sigmoid(at(0)) * step.of_state[2 * self.hidden + u];
                let z = sigmoid(at(1));
                ((1.0 - z) * n.tanh() + z * step.h[u], 0.0)
            }
        }
    }

    /// The steps of a sample, and its last state.
    fn run(&self, sample: usize) -> (Vec<Step>, [Vec<f64>; 2]) {
        let (mut h, mut c) = (self.state(sample, 0), self.state(sample, 1));
        let rows = self.cell.gates() * self.hidden;
        let mut steps = Vec::new();
        for time in self.times(sample) {
            let x = self.input(sample, time);
            let step = Step {
                time,
                of_input: (0..rows).map(|row| self.affine(0, row, x)).collect(),
                of_state: (0..rows).map(|row| self.affine(1, row, &h)).collect(),
                h,
                c,
            };
            (h, c) = (0..self.hidden).map(|u| self.next(&step, u)).unzip();
            steps.push(step);
        }
        (steps, [h, c])
    }

    pub(crate) fn forward(&self) -> Forward {
        let mut y = vec![0.0; self.batch * self.steps * self.hidden];
        let mut state = Vec::new();
        for sample in 0..self.batch {
            let (steps, last) = self.run(sample);
            let after = steps.iter().skip(1).map(|step| &step.h).chain([&last[0]]);
            for (step, h) in steps.iter().zip(after) {
                y[(sample * self.steps + step.time) * self.hidden..][..self.hidden]
                    .copy_from_slice(h);
            }
            state.extend(last.iter().take(self.cell.states()).flatten());
        }
        Forward { y, state }
    }

    /// Gradients from those of y [B, T, H] and of the last state [B, S, H], by the chain rule, unit by unit.
    pub(crate) fn backward(&self, dy: &[f64], dstate: &[f64]) -> Gradients {
        let hidden = self.hidden;
        let rows = self.cell.gates() * hidden;
        let mut gradients = Gradients {
            x: vec![0.0; self.x.len()],
            weights: self.weights.each_ref().map(|w| vec![0.0; w.len()]),
            biases: self.biases.each_ref().map(|b| vec![0.0; b.len()]),
            initial: Vec::new(),
        };
        for sample in 0..self.batch {
            let (steps, _) = self.run(sample);
            let states = self.cell.states();
            let part = |part: usize| match part < states {
                true => dstate[(sample * states + part) * hidden..][..hidden].to_vec(),
                false => vec![0.0; hidden],
            };
            let (mut dh, mut dc) = (part(0), part(1));
            for step in steps.iter().rev() {
                let row = sample * self.steps + step.time;
                for u in 0..hidden {
                    dh[u] += dy[row * hidden + u];
                }
                let [mut d_input, mut d_state] = [vec![0.0; rows], vec![0.0; rows]];
                let [mut dh_before, mut dc_before] = [vec![0.0; hidden], vec![0.0; hidden]];
                for u in 0..hidden {
                    let local = self.local(step, u, dh[u], dc[u]);
                    for gate in 0..self.cell.gates() {
                        d_input[gate * hidden + u] = local.of_input[gate];
                        d_state[gate * hidden + u] = local.of_state[gate];
                    }
                    (dh_before[u], dc_before[u]) = (local.h, local.c);
                }
                let x = self.input(sample, step.time).to_vec();
                for gate in 0..rows {
                    gradients.biases[0][gate] += d_input[gate];
                    gradients.biases[1][gate] += d_state[gate];
                    for (i, x) in x.iter().enumerate() {
                        let at = gate * self.inputs + i;
                        gradients.weights[0][at] += d_input[gate] * x;
                        gradients.x[row * self.inputs + i] += d_input[gate] * self.weights[0][at];
                    }
                    for (v, dh) in dh_before.iter_mut().enumerate() {
                        let at = gate * hidden + v;
                        gradients.weights[1][at] += d_state[gate] * step.h[v];
                        *dh += d_state[gate] * self.weights[1][at];
                    }
                }
                (dh, dc) = (dh_before, dc_before);
            }
            gradients.initial.extend(&dh);
            if states == 2 {
                gradients.initial.extend(&dc);
            }
        }
        gradients
    }

    /// Derivatives of one unit's dh·h + dc·c with respect to its gates and its own state.
    fn local(&self, step: &Step, u: usize, dh: f64, dc: f64) -> Local {
        let (gates, hidden) = (self.cell.gates(), self.hidden);
        let input = |gate: usize| step.of_input[gate * hidden + u];
        let state = |gate: usize| step.of_state[gate * hidden + u];
        let slope = |s: f64| s * (1.0 - s);
        let mut local = Local {
            of_input: vec![0.0; gates],
            of_state: vec![0.0; gates],
            h: 0.0,
            c: 0.0,
        };
        match self.cell {
            Cell::Tanh => local.of_input[0] = dh * (1.0 - (input(0) + state(0)).tanh().powi(2)),
            Cell::Relu => local.of_input[0] = if input(0) + state(0) > 0.0 { dh } else { 0.0 },
            Cell::Lstm => {
                let [i, f, o] = [0, 1, 3].map(|gate| sigmoid(input(gate) + state(gate)));
                let g = (input(2) + state(2)).tanh();
                let t = (f * step.c[u] + i * g).tanh();
                let dc = dc + dh * o * (1.0 - t * t);
                local.of_input = vec![
                    dc * g * slope(i),
                    dc * step.c[u] * slope(f),
                    dc * i * (1.0 - g * g),
                    dh * t * slope(o),
                ];
                local.c = dc * f;
            }
            Cell::Gru => {
                let [r, z] = [0, 1].map(|gate| sigmoid(input(gate) + state(gate)));
                let n = (input(2) + r * state(2)).tanh();
                let dn = dh * (1.0 - z) * (1.0 - n * n);
                local.of_input = vec![
                    dn * state(2) * slope(r),
                    dh * (step.h[u] - n) * slope(z),
                    dn,
                ];
                local.h = dh * z;
                local.of_state = local.of_input.clone();
                local.of_state[2] = dn * r;
                return local;
            }
        }
        local.of_state = local.of_input.clone();
        local
    }
}

/// Derivatives of one unit.
struct Local {
    of_input: Vec<f64>,
    of_state: Vec<f64>,
    h: f64,
    c: f64,
}
