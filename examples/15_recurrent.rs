//! Recurrent networks read digits row by row: a simple recurrent network, LSTM (Hochreiter and Schmidhuber 1997) and
//! GRU (Cho et al. 2014).
//!
//! A recurrent layer reads a sequence xₜ, here the 28 rows of an image, and keeps what it has seen in a state h:
//!
//! ```text
//! hₜ = f(W xₜ + V hₜ₋₁ + b)      ∂L/∂hₜ₋₁ = Vᵀ (∂L/∂hₜ ⊙ f′(zₜ))
//! ```
//!
//! Backpropagation through time multiplies the gradient by V once per step. If V stretches, the gradient grows
//! exponentially; if V shrinks, or f′ is small, it vanishes (Bengio, Simard and Frasconi 1994). LSTM and GRU add to
//! their state instead, through gates, so the gradient keeps its size where the gates are open.
//!
//! The first chart shows how well the three read. The second shows ‖∂L/∂xₜ‖ before training, from the last row back to
//! the first, for an orthogonal V times a gain. With a gain above 1 the gradient explodes. ReLU has f′ = 1 for every
//! active unit, so nothing stops state and gradient; tanh holds the state down, and its f′ falls as z grows. The third
//! chart shows what follows in training. A ReLU network of gain 1.5 leaves the chart within a few steps and fails, and
//! a tanh network stays near chance. Both learn if the gradient is clipped to a norm of 1 (Pascanu, Mikolov and Bengio
//! 2013).

mod common;

use clap::Parser;
use common::{Chart, DigitArgs, Result, SIDE, digits_from};
use wgrad::{
    Adam, Cell, Dataset, Device, Error, Graph, Init, Network, Recurrent, Schedule, Sequential, Sgd,
    Trainer,
};

/// Units of the networks whose gradients are drawn.
const UNITS: usize = 32;
/// Gain of V where it stretches.
const GAIN: f64 = 1.5;
const BATCH: usize = 25;
/// Epochs of the networks whose gradient may explode.
const EPOCHS: u32 = 4;

/// Size of the first part.
struct Scale {
    train: usize,
    test: usize,
    units: usize,
    epochs: u32,
}

const SMALL: Scale = Scale {
    train: 2500,
    test: 500,
    units: 32,
    epochs: 5,
};

const FULL: Scale = Scale {
    train: usize::MAX,
    test: usize::MAX,
    units: 128,
    epochs: 5,
};

fn main() -> Result {
    let args = DigitArgs::parse();
    let device = args.common.device()?;
    let scale = if args.full { FULL } else { SMALL };
    let rows = [SIDE, SIDE];
    let (train, test) = digits_from(args.data.as_deref(), rows, scale.train, scale.test)?;

    let title = format!(
        "{} digits read row by row, {} units",
        train.len(),
        scale.units
    );
    let mut chart = Chart::new(&title, "epoch", "test accuracy");
    let mut result = Vec::new();
    for (name, cell) in [
        ("rnn", Cell::Tanh),
        ("lstm", Cell::Lstm),
        ("gru", Cell::Gru),
    ] {
        let layers = Sequential::new(rows)
            .recurrent_last(Recurrent::new(cell, scale.units))
            .dense(10);
        let curve = read(layers.build(&device, 1)?, &train, &test, scale.epochs)?;
        println!("{name:<4}: accuracy after each epoch {curve:.4?}");
        let points = curve.iter().enumerate();
        let name_of_curve = name.to_uppercase();
        chart.curve(&name_of_curve, points.map(|(i, &y)| (i as f64 + 1.0, y)));
        result.push(format!("{name}={:.4}", curve[curve.len() - 1]));
    }
    chart.save(&args.common, "15_accuracy")?;

    let (train, test) = digits_from(args.data.as_deref(), rows, SMALL.train, SMALL.test)?;
    let mut chart = Chart::new(
        "Gradients before training",
        "steps back in time",
        "norm of the gradient of a row",
    )
    .log_y();
    for (name, key, cell, gain) in [
        ("ReLU, gain 1.5", "relu", Cell::Relu, GAIN),
        ("tanh, gain 1.5", "tanh", Cell::Tanh, GAIN),
        ("tanh, gain 0.7", "small", Cell::Tanh, 0.7),
        ("LSTM, open gates", "lstm_open", Cell::Lstm, 0.0),
    ] {
        let norms = gradients(cell, gain, &train, &device)?;
        let text: Vec<String> = norms.iter().map(|norm| format!("{norm:.1e}")).collect();
        println!("{name}: norms back in time {}", text.join(" "));
        chart.curve(name, norms.iter().enumerate().map(|(i, &y)| (i as f64, y)));
        result.push(format!("{key}_grows={:.2e}", norms[SIDE - 1] / norms[0]));
    }
    chart.save(&args.common, "15_gradients")?;

    let mut chart = Chart::new("Recurrent weights of gain 1.5", "step", "training loss").log_y();
    for (name, key, cell, gain, clip) in [
        ("ReLU", "relu", Cell::Relu, GAIN, false),
        ("ReLU, clipped", "relu_clipped", Cell::Relu, GAIN, true),
        ("tanh", "tanh", Cell::Tanh, GAIN, false),
        ("tanh, clipped", "tanh_clipped", Cell::Tanh, GAIN, true),
    ] {
        let network = network(cell, gain, &device, false)?;
        let outcome = train_steps(network, clip, &train, &test)?;
        match outcome.failure {
            Some(step) => {
                println!("{name}: not finite in step {step}");
                result.push(format!("{key}_fails_at={step}"));
            }
            None => {
                println!("{name}: accuracy {:.3}", outcome.accuracy);
                result.push(format!("{key}={:.3}", outcome.accuracy));
            }
        }
        // An exploding loss would compress all other curves.
        let points = smooth(&outcome.losses).into_iter();
        chart.curve(name, points.map(|(step, loss)| (step, loss.min(30.0))));
    }
    chart.save(&args.common, "15_clipping")?;
    println!("{}", result.join(" "));
    Ok(())
}

/// Trains a network on the labels; returns its accuracy on the test digits after each epoch.
fn read(network: Network, train: &Dataset, test: &Dataset, epochs: u32) -> Result<Vec<f64>> {
    let steps = u64::from(epochs) * train.len().div_ceil(BATCH) as u64;
    let mut trainer = Trainer::builder(network)
        .optimizer(Adam::new(if train.len() > 10_000 { 2e-3 } else { 1e-2 }))
        .schedule(Schedule::Cosine { steps, floor: 0.0 })
        .batch_size(BATCH)
        .clip_norm(1.0)
        .build()?;
    let mut curve = Vec::new();
    for _ in 0..epochs {
        trainer.epoch(train)?;
        curve.push(trainer.evaluate(test)?.accuracy.unwrap_or(0.0));
    }
    Ok(curve)
}

/// A recurrent layer and a dense one. V is orthogonal times the gain; an LSTM keeps its own. If `moved`, a parameter
/// named `rows` is added to the rows, to read the gradient of x from.
fn network(cell: Cell, gain: f64, device: &Device, moved: bool) -> Result<Network> {
    let mut graph = Graph::new();
    let mut x = graph.input([SIDE, SIDE])?;
    if moved {
        let rows = graph.parameter("rows", [SIDE, SIDE], Init::Zeros)?;
        x = graph.add(x, rows)?;
    }
    let h = graph.recurrent(x, &Recurrent::new(cell, UNITS))?.last;
    let y = graph.dense(h, 10, Init::XavierUniform)?;
    let mut network = graph.build(y, device, 1)?;
    if cell == Cell::Lstm {
        // σ(3) = 0.95 of c stays at first. The gates are in the order i, f, g, o.
        let mut bias = network.parameter("layers.0.bias_ih_l0")?;
        bias[UNITS..2 * UNITS].fill(3.0);
        network.set_parameter("layers.0.bias_ih_l0", &bias)?;
    } else {
        let square = Sequential::new(UNITS).dense_without_bias(UNITS);
        let square = square.init(Init::Orthogonal { gain }).build(device, 2)?;
        let v = square.parameter("layers.0.weight")?;
        network.set_parameter("layers.0.weight_hh_l0", &v)?;
    }
    Ok(network)
}

/// ‖∂L/∂xₜ‖ from the last row back to the first, the root of the mean square over some digits.
fn gradients(cell: Cell, gain: f64, data: &Dataset, device: &Device) -> Result<Vec<f64>> {
    const DIGITS: usize = 20;
    let mut network = network(cell, gain, device, true)?;
    let mut squares = vec![0.0; SIDE];
    for (digit, label) in data.labels()[..DIGITS].iter().enumerate() {
        let gradients = network
            .gradients(&data.sample(digit)?, &[*label])?
            .gradients;
        let of_rows = gradients.iter().filter(|(name, _)| name == "rows");
        for row in of_rows.flat_map(|(_, values)| values.chunks_exact(SIDE).enumerate()) {
            let square: f64 = row.1.iter().map(|&g| f64::from(g).powi(2)).sum();
            squares[SIDE - 1 - row.0] += square / DIGITS as f64;
        }
    }
    Ok(squares.iter().map(|square| square.sqrt()).collect())
}

/// What became of a training run.
struct Outcome {
    /// The loss of each step, until the end or the first that is not finite.
    losses: Vec<f64>,
    /// The step whose loss or gradient was not finite.
    failure: Option<u64>,
    /// On the test digits; 0 after a failure.
    accuracy: f64,
}

/// Trains by plain descent.
fn train_steps(network: Network, clip: bool, train: &Dataset, test: &Dataset) -> Result<Outcome> {
    let mut trainer = Trainer::builder(network)
        .optimizer(Sgd::new(0.1))
        .batch_size(BATCH)
        .progress_every(1);
    if clip {
        trainer = trainer.clip_norm(1.0);
    }
    let mut trainer = trainer.build()?;
    let mut outcome = Outcome {
        losses: Vec::new(),
        failure: None,
        accuracy: 0.0,
    };
    for _ in 0..EPOCHS {
        let losses = &mut outcome.losses;
        match trainer.epoch_with(train, |progress| losses.push(progress.last.loss)) {
            Err(Error::NonFinite { step, .. }) => {
                outcome.failure = Some(step);
                return Ok(outcome);
            }
            other => other?,
        };
    }
    outcome.accuracy = trainer.evaluate(test)?.accuracy.unwrap_or(0.0);
    Ok(outcome)
}

/// Means over ten steps, or the few losses before a failure.
fn smooth(losses: &[f64]) -> Vec<(f64, f64)> {
    let steps = if losses.len() < 100 { 1 } else { 10 };
    let means = losses.chunks(steps).enumerate().map(|(i, part)| {
        let mean = part.iter().sum::<f64>() / part.len() as f64;
        ((i * steps + part.len()) as f64, mean)
    });
    means.collect()
}
