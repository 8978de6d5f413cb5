//! RNN, LSTM and GRU, stacked and bidirectional, forward and backward, against PyTorch's in `f64`: with and without
//! biases, initial states, gradients of the final states, and lengths, and in both layouts.

use crate::common::compare::Tolerance;
use crate::{Case, each};
use wgrad::{Cell, RecurrentGradients, RecurrentLayer, RecurrentOutput, Tensor};

/// Values are below 1, a handful of steps deep, with sums of a few dozen terms: each rounding of 2⁻²⁴ grows by at most
/// the norm of the recurrent weights a step. A hundred of them are 6e-6.
const TOLERANCE: Tolerance = Tolerance {
    relative: 1e-5,
    absolute: 6e-6,
};

/// [first, second, inner] as [second, first, inner].
fn swapped(values: &[f32], first: usize, second: usize, inner: usize) -> Vec<f32> {
    let mut result = Vec::with_capacity(values.len());
    for j in 0..second {
        for i in 0..first {
            result.extend(&values[(i * second + j) * inner..][..inner]);
        }
    }
    result
}

/// The parameters of one layer and direction.
struct Parameters {
    weights: [Tensor; 2],
    biases: Option<[Tensor; 2]>,
    initial: Option<Tensor>,
}

/// What one layer and direction computed.
struct Pass {
    parameters: Parameters,
    x: Tensor,
    output: RecurrentOutput,
}

struct Stack<'a> {
    case: &'a Case<'a>,
    cell: Cell,
    batch: usize,
    steps: usize,
    hidden: usize,
    directions: usize,
    batch_first: bool,
    lengths: Option<Vec<usize>>,
}

impl Stack<'_> {
    fn suffix(&self, layer: usize, direction: usize) -> String {
        format!("l{layer}{}", ["", "_reverse"][direction])
    }

    /// The file's [B, T, …], or [T, B, …], as [B, T, …].
    fn sequences(&self, name: &str) -> Vec<f32> {
        let values = self.case.file.narrow(name);
        match self.batch_first {
            true => values,
            false => {
                let inner = values.len() / (self.batch * self.steps);
                swapped(&values, self.steps, self.batch, inner)
            }
        }
    }

    /// Compares [B, T, …] with the file's.
    fn check_sequences(&self, name: &str, found: &[f32]) {
        if self.batch_first {
            return self.case.compare(name, found, TOLERANCE);
        }
        let inner = found.len() / (self.batch * self.steps);
        let found = swapped(found, self.batch, self.steps, inner);
        self.case.compare(name, &found, TOLERANCE);
    }

    /// Part `index` of the files' [layers·directions, B, H].
    fn vectors(&self, name: &str, index: usize) -> Vec<f32> {
        let len = self.batch * self.hidden;
        self.case.file.narrow(name)[index * len..][..len].to_vec()
    }

    /// The files' h, and c of an LSTM, as a state [B, S, H], if the file has one.
    fn state(&self, names: [&str; 2], index: usize) -> Option<Tensor> {
        if !self.case.file.has(names[0]) {
            return None;
        }
        let mut parts = vec![self.vectors(names[0], index)];
        if self.cell == Cell::Lstm {
            parts.push(self.vectors(names[1], index));
        }
        let values: Vec<f32> = (0..self.batch)
            .flat_map(|b| {
                parts
                    .iter()
                    .flat_map(move |part| part[b * self.hidden..][..self.hidden].to_vec())
            })
            .collect();
        let state = [self.batch, parts.len(), self.hidden];
        Some(self.case.upload(&state, &values))
    }

    /// Compares states of all layers and directions with the files' [layers·directions, B, H].
    fn check_states(&self, names: [&str; 2], states: &[Vec<f32>]) {
        let count = self.cell.states();
        for (part, name) in names.iter().enumerate().take(count) {
            let values: Vec<f32> = states
                .iter()
                .flat_map(|state| state.chunks(self.hidden).skip(part).step_by(count))
                .flatten()
                .copied()
                .collect();
            self.case.compare(name, &values, TOLERANCE);
        }
    }

    fn layer<'p>(&'p self, parameters: &'p Parameters, direction: usize) -> RecurrentLayer<'p> {
        let [input, recurrent] = &parameters.weights;
        let mut layer = RecurrentLayer::new(self.cell, input, recurrent);
        layer.biases = parameters.biases.as_ref().map(|biases| biases.each_ref());
        layer.initial = parameters.initial.as_ref();
        layer.lengths = self.lengths.as_deref();
        layer.reverse = direction == 1;
        layer
    }

    fn forward(&self, layer: usize, direction: usize, x: &[f32]) -> Pass {
        let suffix = self.suffix(layer, direction);
        let tensor = |name: &str| self.case.tensor(&format!("{name}_{suffix}"));
        let has_biases = self.case.file.has(&format!("bias_ih_{suffix}"));
        let parameters = Parameters {
            weights: [tensor("weight_ih"), tensor("weight_hh")],
            biases: has_biases.then(|| [tensor("bias_ih"), tensor("bias_hh")]),
            initial: self.state(["h0", "c0"], layer * self.directions + direction),
        };
        let rows = self.batch * self.steps;
        let x = self
            .case
            .upload(&[self.batch, self.steps, x.len() / rows], x);
        let output = x.recurrent(&self.layer(&parameters, direction)).unwrap();
        Pass {
            parameters,
            x,
            output,
        }
    }

    /// Compares the gradients of the parameters.
    fn check(&self, layer: usize, direction: usize, gradients: &RecurrentGradients) {
        let suffix = self.suffix(layer, direction);
        let check = |name: &str, found: &Tensor| {
            self.case
                .check(&format!("{name}_{suffix}"), found, TOLERANCE);
        };
        check("dweight_ih", &gradients.dinput_weight);
        check("dweight_hh", &gradients.drecurrent_weight);
        if self.case.file.has(&format!("dbias_ih_{suffix}")) {
            check("dbias_ih", &gradients.dbiases[0]);
            check("dbias_hh", &gradients.dbiases[1]);
        }
    }
}

#[test]
fn recurrent_layers_agree_with_pytorch() {
    each("recurrent", |case| {
        let file = case.file;
        let batch_first = match file.text("layout") {
            "[time, batch, features]" => false,
            "[batch, time, features]" => true,
            other => panic!("{}: layout {other}", case.name),
        };
        let nonlinearity = file.attributes["nonlinearity"].as_str().unwrap_or("tanh");
        let cell = match (file.text("cell"), nonlinearity) {
            ("LSTM", _) => Cell::Lstm,
            ("GRU", _) => Cell::Gru,
            ("RNN", "tanh") => Cell::Tanh,
            ("RNN", "relu") => Cell::Relu,
            other => panic!("{}: {other:?}", case.name),
        };
        let layers = file.optional("num_layers").unwrap_or(1.0) as usize;
        let bidirectional = file.attributes["bidirectional"].as_bool().unwrap_or(false);
        let directions = 1 + usize::from(bidirectional);
        let &[mut steps, mut batch, _] = file.shape("x") else {
            panic!("{}: the shape of x", case.name)
        };
        if batch_first {
            std::mem::swap(&mut steps, &mut batch);
        }
        let hidden = file.size("hidden");
        // What the lengths of a packed sequence are.
        let lengths = file.attributes["lengths"].as_array().map(|lengths| {
            let lengths = lengths.iter().map(|length| length.as_u64().unwrap());
            lengths.map(|length| length as usize).collect()
        });
        let stack = Stack {
            case,
            cell,
            batch,
            steps,
            hidden,
            directions,
            batch_first,
            lengths,
        };
        let rows = batch * steps;

        let mut x = stack.sequences("x");
        let mut passes = Vec::new();
        let mut states = Vec::new();
        for layer in 0..layers {
            let of_layer: Vec<Pass> = (0..directions)
                .map(|direction| stack.forward(layer, direction, &x))
                .collect();
            let ys: Vec<Vec<f32>> = of_layer
                .iter()
                .map(|pass| pass.output.y.download().unwrap())
                .collect();
            states.extend(
                of_layer
                    .iter()
                    .map(|pass| pass.output.state.download().unwrap()),
            );
            let row = |i: usize| {
                ys.iter()
                    .flat_map(move |y| y[i * hidden..][..hidden].to_vec())
            };
            x = (0..rows).flat_map(row).collect();
            passes.push(of_layer);
        }
        let width = directions * hidden;
        stack.check_sequences("y", &x);
        stack.check_states(["h", "c"], &states);

        let mut dy = stack.sequences("dy");
        let mut dinitials = vec![Vec::new(); layers * directions];
        for (layer, of_layer) in passes.iter().enumerate().rev() {
            let mut dx: Vec<f32> = Vec::new();
            for (direction, pass) in of_layer.iter().enumerate() {
                let index = layer * directions + direction;
                let part = dy
                    .chunks(width)
                    .flat_map(|row| &row[direction * hidden..][..hidden]);
                let part: Vec<f32> = part.copied().collect();
                let dy = case.upload(&[batch, steps, hidden], &part);
                let dstate = stack.state(["dh", "dc"], index);
                let gradients = dy
                    .recurrent_backward(
                        &stack.layer(&pass.parameters, direction),
                        &pass.x,
                        &pass.output,
                        dstate.as_ref(),
                    )
                    .unwrap();
                stack.check(layer, direction, &gradients);
                dinitials[index] = gradients.dinitial.download().unwrap();
                let of_direction = gradients.dx.download().unwrap();
                dx = match direction {
                    0 => of_direction,
                    _ => dx.iter().zip(of_direction).map(|(a, b)| a + b).collect(),
                };
            }
            dy = dx;
        }
        stack.check_sequences("dx", &dy);
        if file.has("dh0") {
            stack.check_states(["dh0", "dc0"], &dinitials);
        }
    });
}
