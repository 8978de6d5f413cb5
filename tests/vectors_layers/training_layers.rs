//! Whole training runs, step by step: a convolutional network, a recurrent layer with a dense one on its last
//! output, and a Transformer (in transformer.rs). The files hold PyTorch's printed form of the network, from which all settings come.

use super::printed::{Line, printed};
use super::{Case, channels_last, each};
use crate::common::compare::{Tolerance, assert_close};
use wgrad::{
    Adam, AdamW, Cell, Convolution, Graph, Init, Network, Optimizer, Padding, Recurrent,
    Sequential, Sgd, Trainer,
};

/// PyTorch's optimizer; what a file does not state is PyTorch's default.
pub(crate) fn optimizer(case: &Case<'_>) -> Optimizer {
    let (rate, decay) = (case.file.number("lr"), case.file.optional("weight_decay"));
    let betas = |i: usize, default| case.file.attributes["betas"][i].as_f64().unwrap_or(default);
    let epsilon = case.file.optional("eps").unwrap_or(1e-8);
    match case.file.text("optimizer") {
        "Adam" => Adam::new(rate)
            .betas(betas(0, 0.9), betas(1, 0.999))
            .epsilon(epsilon)
            .weight_decay(decay.unwrap_or(0.0))
            .into(),
        "AdamW" => AdamW::new(rate)
            .betas(betas(0, 0.9), betas(1, 0.999))
            .epsilon(epsilon)
            .weight_decay(decay.unwrap_or(0.01))
            .into(),
        "SGD" => Sgd::new(rate)
            .momentum(case.file.optional("momentum").unwrap_or(0.0))
            .dampening(case.file.optional("dampening").unwrap_or(0.0))
            .nesterov(case.file.attributes["nesterov"].as_bool().unwrap_or(false))
            .weight_decay(decay.unwrap_or(0.0))
            .into(),
        other => panic!("{}: no optimizer {other}", case.name),
    }
}

/// How the values of a parameter of a file become those of the network, and back. Convolutions and images have the
/// channels last here.
enum Order {
    Same,
    /// A weight [outputs, channels, kh, kw].
    Weight(Vec<usize>),
    /// The columns of a dense layer's weight that reads a flattened image [channels, H, W].
    Columns([usize; 3]),
}

impl Order {
    fn of_torch(&self, values: &[f32]) -> Vec<f32> {
        match self {
            Order::Same => values.to_vec(),
            Order::Weight(shape) => channels_last(shape, values),
            &Order::Columns([channels, height, width]) => {
                let shape = [
                    values.len() / (channels * height * width),
                    channels,
                    height,
                    width,
                ];
                channels_last(&shape, values)
            }
        }
    }
}

/// A network with the parameters of its file, and for each the name in the file.
struct Run {
    network: Network,
    parameters: Vec<(String, String, Order)>,
}

impl Run {
    /// `of_layers` has for each layer with parameters its printed name, and the order of its weight.
    fn new(case: &Case<'_>, mut network: Network, of_layers: Vec<(String, Order)>) -> Self {
        let names: Vec<String> = network
            .parameter_names()
            .iter()
            .map(|n| n.to_string())
            .collect();
        let mut of_layers = of_layers.into_iter();
        let (mut prefix, mut current) = (String::new(), None);
        let mut parameters = Vec::new();
        for name in names {
            let (layer, parameter) = name.rsplit_once('.').unwrap();
            if layer != prefix {
                (prefix, current) = (layer.to_string(), of_layers.next());
            }
            let (of_torch, order) = current.as_mut().expect("a printed layer");
            let order = match parameter {
                "weight" => std::mem::replace(order, Order::Same),
                _ => Order::Same,
            };
            let of_torch = format!("{of_torch}.{parameter}");
            let values = case.file.narrow(&format!("init.{of_torch}"));
            network
                .set_parameter(&name, &order.of_torch(&values))
                .unwrap();
            parameters.push((name, of_torch, order));
        }
        Run {
            network,
            parameters,
        }
    }

    /// Trains, and compares each loss and the last parameters. `sample` are the elements of one sample.
    fn train(self, case: &Case<'_>, x: &[f32], sample: usize) {
        let (batch, steps) = (case.file.size("batch"), case.file.size("steps"));
        let labels = case.file.labels("labels");
        assert_eq!(
            (x.len(), labels.len()),
            (steps * batch * sample, steps * batch)
        );
        let mut trainer = Trainer::builder(self.network)
            .optimizer(optimizer(case))
            .batch_size(batch)
            .build()
            .unwrap();
        let batches = x.chunks(batch * sample).zip(labels.chunks(batch));
        let losses: Vec<f32> = batches
            .map(|(x, labels)| trainer.step(x, labels).unwrap().loss as f32)
            .collect();
        // As in tests/vectors.rs.
        let near = |relative, absolute| Tolerance { relative, absolute };
        case.compare("loss", &losses, near(1e-4, 0.0));
        for (name, of_torch, order) in &self.parameters {
            let found = trainer.network().parameter(name).unwrap();
            let expected = case.file.narrow(&format!("final.{of_torch}"));
            let expected: Vec<f64> = order
                .of_torch(&expected)
                .iter()
                .map(|&v| v.into())
                .collect();
            let what = format!("{}: {of_torch}", case.name);
            assert_close(&what, &found, &expected, near(1e-3, 2e-4));
        }
    }
}

/// conv1, ReLU, max pooling of 2 × 2, conv2, ReLU, then a dense layer: the printed form has no pooling, but its sizes
/// and the first loss do.
fn convolutional(case: &Case<'_>, lines: &[Line]) {
    let &[_, _, channels, height, width] = case.file.shape("x") else {
        panic!("{}: the shape of x", case.name)
    };
    let [first, second, dense] = lines else {
        panic!("{}: not a network of three layers", case.name)
    };
    let of_line = |line: &Line| {
        assert_eq!(line.layer, "Conv2d", "{}", case.name);
        let padding = match line.setting("padding") {
            Some("same" | "'same'") => Padding::Same,
            Some("valid" | "'valid'") => Padding::Valid,
            _ => line.pair("padding", 0).into(),
        };
        let groups = line
            .setting("groups")
            .map_or(1, |groups| groups.parse().unwrap());
        let settings = Convolution::new(line.numbers[1], line.pair("kernel_size", 1))
            .stride(line.pair("stride", 1))
            .dilation(line.pair("dilation", 1))
            .padding(padding)
            .groups(groups);
        match line.flag("bias", true) {
            true => settings,
            false => settings.without_bias(),
        }
    };
    let layers = Sequential::new([height, width, channels])
        .convolution(of_line(first))
        .relu()
        .max_pool(2)
        .convolution(of_line(second))
        .relu();
    // The image that the dense layer reads.
    let outputs = second.numbers[1];
    let pixels = layers.build(case.device, 0).unwrap().output_features() / outputs;
    let order = |line: &Line| {
        let shape = case.file.shape(&format!("init.{}.weight", line.name));
        (line.name.clone(), Order::Weight(shape.to_vec()))
    };
    let of_layers = vec![
        order(first),
        order(second),
        (dense.name.clone(), Order::Columns([outputs, pixels, 1])),
    ];
    let classes = case.file.shape(&format!("init.{}.weight", dense.name))[0];
    let layers = layers.flatten();
    let layers = match dense.flag("bias", true) {
        true => layers.dense(classes),
        false => layers.dense_without_bias(classes),
    };
    let [steps, batch] = [0, 1].map(|axis| case.file.shape("x")[axis]);
    let x = channels_last(
        &[steps * batch, channels, height, width],
        &case.file.narrow("x"),
    );
    let network = layers.build(case.device, 0).unwrap();
    Run::new(case, network, of_layers).train(case, &x, channels * height * width);
}

/// The settings of a printed recurrent layer, in one direction.
pub(crate) fn recurrent_settings(case: &Case<'_>, cell: &Line) -> Recurrent {
    let kind = match (&cell.layer[..], cell.setting("nonlinearity")) {
        ("LSTM", _) => Cell::Lstm,
        ("GRU", _) => Cell::Gru,
        ("RNN", Some("relu" | "'relu'")) => Cell::Relu,
        ("RNN", _) => Cell::Tanh,
        (other, _) => panic!("{}: {other}", case.name),
    };
    let mut settings = Recurrent::new(kind, cell.numbers[1]);
    if let Some(layers) = cell.setting("num_layers") {
        settings = settings.layers(layers.parse().unwrap());
    }
    if !cell.flag("bias", true) {
        settings = settings.without_bias();
    }
    settings
}

/// A recurrent layer, and a dense one on its last output.
fn recurrent(case: &Case<'_>, lines: &[Line]) {
    let [cell, dense] = lines else {
        panic!("{}: not a network of two layers", case.name)
    };
    let &[count, first, second, inputs] = case.file.shape("x") else {
        panic!("{}: the shape of x", case.name)
    };
    // Each step's x is [batch, T, D], or [T, batch, D].
    let batch_first = cell.flag("batch_first", false);
    let (batch, times) = if batch_first {
        (first, second)
    } else {
        (second, first)
    };
    let settings = recurrent_settings(case, cell);
    let classes = case.file.shape(&format!("init.{}.weight", dense.name))[0];
    let network = if cell.flag("bidirectional", false) {
        // The outputs at the last time: of the reverse direction, those of its first step.
        let mut graph = Graph::new();
        let x = graph.input([times, inputs]).unwrap();
        let y = graph.recurrent(x, &settings.bidirectional()).unwrap().all;
        let last = graph.slice(y, 1, times - 1..times).unwrap();
        let last = graph.flatten(last).unwrap();
        let logits = graph.dense(last, classes, Init::default()).unwrap();
        graph.build(logits, case.device, 0).unwrap()
    } else {
        let layers = Sequential::new([times, inputs]).recurrent_last(settings);
        layers.dense(classes).build(case.device, 0).unwrap()
    };
    let of_layers = [cell, dense].map(|line| (line.name.clone(), Order::Same));
    let mut x = case.file.narrow("x");
    if !batch_first {
        let rows = |step: usize, b: usize, t: usize| {
            let row = (step * times + t) * batch + b;
            row * inputs..(row + 1) * inputs
        };
        let places = (0..count).flat_map(|step| (0..batch).map(move |b| (step, b)));
        x = places
            .flat_map(|(step, b)| (0..times).flat_map(move |t| rows(step, b, t)))
            .map(|i| x[i])
            .collect();
    }
    Run::new(case, network, of_layers.into()).train(case, &x, times * inputs);
}

#[test]
fn training_runs_are_pytorchs() {
    each("training_layers", |case| {
        let (class, lines) = printed(case);
        match &class[..] {
            "Cnn" => convolutional(case, &lines),
            "Recurrent" => recurrent(case, &lines),
            "Transformer" => super::transformer::transformer_run(case),
            class => panic!("{}: no test of {class}", case.name),
        }
    });
}
