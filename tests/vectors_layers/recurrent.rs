//! RNN, LSTM and GRU, stacked and bidirectional, forward and backward, against PyTorch's in `f64`.

use crate::common::compare::Tolerance;
use crate::common::compare::assert_close;
use crate::common::devices::{cpu, gpu, gpu_hardware_kernels};
use crate::common::vectors::folder;
use crate::{Case, each};
use wgrad::{
    Adam, Cell, Optimizer, Recurrent, RecurrentGradients, RecurrentLayer, RecurrentOutput,
    Sequential, Sgd, Tensor, Trainer,
};

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
    initial: Tensor,
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
}

impl Stack<'_> {
    fn suffix(&self, layer: usize, direction: usize) -> String {
        format!("l{layer}{}", ["", "_reverse"][direction])
    }

    /// Part `index` of the files' [layers·directions, B, H].
    fn vectors(&self, name: &str, index: usize) -> Vec<f32> {
        let len = self.batch * self.hidden;
        self.case.file.narrow(name)[index * len..][..len].to_vec()
    }

    /// The files' h, and c of an LSTM, as a state [B, S, H].
    fn state(&self, names: [&str; 2], index: usize) -> Tensor {
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
        self.case
            .upload(&[self.batch, parts.len(), self.hidden], &values)
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

    fn layer<'p>(&self, parameters: &'p Parameters, direction: usize) -> RecurrentLayer<'p> {
        let [input, recurrent] = &parameters.weights;
        let mut layer = RecurrentLayer::new(self.cell, input, recurrent);
        layer.biases = parameters.biases.as_ref().map(|biases| biases.each_ref());
        layer.initial = Some(&parameters.initial);
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
        assert_eq!(file.text("layout"), "[time, batch, features]");
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
        let &[steps, batch, inputs] = file.shape("x") else {
            panic!("{}: the shape of x", case.name)
        };
        let hidden = file.size("hidden");
        let stack = Stack {
            case,
            cell,
            batch,
            steps,
            hidden,
            directions,
        };
        let rows = batch * steps;

        let mut x = swapped(&file.narrow("x"), steps, batch, inputs);
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
        case.compare("y", &swapped(&x, batch, steps, width), TOLERANCE);
        stack.check_states(["h", "c"], &states);

        let mut dy = swapped(&file.narrow("dy"), steps, batch, width);
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
                        Some(&dstate),
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
        case.compare("dx", &swapped(&dy, batch, steps, inputs), TOLERANCE);
        stack.check_states(["dh0", "dc0"], &dinitials);
    });
}

/// The sizes in the printed form of a layer: `LSTM(5, 8, batch_first=True)` has 5 and 8.
fn sizes(network: &str, layer: &str) -> [usize; 2] {
    let (_, rest) = network.split_once(&format!("{layer}(")).unwrap();
    let numbers = rest
        .split([',', '=', ')', ' '])
        .filter_map(|word| word.parse().ok());
    let numbers: Vec<usize> = numbers.take(2).collect();
    [numbers[0], numbers[1]]
}

/// Whole training runs of a recurrent layer and a dense one on its last output.
#[test]
fn training_runs_agree_with_pytorch() {
    let mut runs = 0;
    for file in folder("layers/training_layers") {
        let network = file.text("network");
        let cells = [
            ("LSTM", Cell::Lstm),
            ("GRU", Cell::Gru),
            ("RNN", Cell::Tanh),
        ];
        let Some((layer, cell)) = cells
            .into_iter()
            .find(|(name, _)| network.contains(&format!("): {name}(")))
        else {
            continue;
        };
        let &[steps, batch, times, inputs] = file.shape("x") else {
            panic!("{}: the shape of x", file.name)
        };
        let [_, hidden] = sizes(network, layer);
        let classes = file.shape("init.dense.bias")[0];
        let rate = file.number("lr");
        let optimizer: Optimizer = match file.text("optimizer") {
            "Adam" => Adam::new(rate).into(),
            "SGD" => Sgd::new(rate).into(),
            other => panic!("{}: {other}", file.name),
        };
        let (x, labels) = (file.narrow("x"), file.labels("labels"));
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            let layers =
                Sequential::new([times, inputs]).recurrent_last(Recurrent::new(cell, hidden));
            let mut network = layers.dense(classes).build(device, 0).unwrap();
            let names: Vec<String> = network
                .parameter_names()
                .iter()
                .map(|name| name.to_string())
                .collect();
            let theirs = |name: &str| {
                name.replace("layers.0.", "cell.")
                    .replace("layers.1.", "dense.")
            };
            for name in &names {
                network
                    .set_parameter(name, &file.narrow(&format!("init.{}", theirs(name))))
                    .unwrap();
            }
            let mut trainer = Trainer::builder(network)
                .optimizer(optimizer)
                .batch_size(batch)
                .build()
                .unwrap();
            let mut losses = Vec::new();
            let width = batch * times * inputs;
            for step in 0..steps {
                let (x, labels) = (
                    &x[step * width..][..width],
                    &labels[step * batch..][..batch],
                );
                losses.push(trainer.step(x, labels).unwrap().loss as f32);
            }
            let name = format!("{} on {}", file.name, device.report());
            // As in tests/vectors.rs.
            let near = Tolerance {
                relative: 1e-4,
                absolute: 0.0,
            };
            assert_close(&format!("{name}: loss"), &losses, file.tensor("loss"), near);
            let near = Tolerance {
                relative: 1e-3,
                absolute: 2e-4,
            };
            for parameter in &names {
                let found = trainer.network().parameter(parameter).unwrap();
                let expected = file.tensor(&format!("final.{}", theirs(parameter)));
                assert_close(&format!("{name}: {parameter}"), &found, expected, near);
            }
            runs += 1;
        }
    }
    assert!(runs >= 6, "{runs}");
}
