//! A deep belief network (Hinton, Osindero and Teh 2006): restricted Boltzmann machines, trained one on top of
//! the other without labels, initialise a deep network.
//!
//! A restricted Boltzmann machine has binary visible units v and hidden units h, connected by the weights W:
//!
//! ```text
//! p(h = 1 | v) = σ(v·Wᵀ + c)      p(v = 1 | h) = σ(h·W + b)      free energy F(v) = −v·b − Σⱼ softplus(v·Wⱼ + cⱼ)
//! ```
//!
//! Contrastive divergence (CD-1) lowers the free energy of the data v₀, and raises that of their reconstruction v₁
//! after one step of Gibbs sampling, v₀ → h₀ ~ p(h|v₀) → v₁ = p(v|h₀). v₁ counts as a constant:
//!
//! ```text
//! L = mean F(v₀) − F(v₁)      ∂L/∂W = −⟨h vᵀ⟩₀ + ⟨h vᵀ⟩₁, with p(h|v) for h
//! ```
//!
//! This is an ordinary graph: random draws, products, and two free energies as loss terms. Autodiff does the rest on
//! the device. The hidden probabilities of one machine are the data of the next. Then a deep network of sigmoids takes
//! over all W and c, and learns the labels. (Like Bengio et al. 2007, the example stacks the machines into a
//! classifier; the paper fine-tunes with the wake-sleep algorithm.)
//!
//! In the chart, within the same number of epochs, the pretrained network learns, while the same network with random
//! initial weights stays near chance.

mod common;

use common::{Args, Chart, PIXELS, Result, digits, samples};
use wgrad::{
    Activation, Criterion, Dataset, Device, Graph, Init, Layout, Loss, LossTarget, Reduction,
    Sequential, Sgd, Trainer, Value,
};

const TRAIN: usize = 2000;
const TEST: usize = 1000;
/// Units of the hidden layers, one machine for each layer.
const HIDDEN: [usize; 4] = [100, 100, 100, 100];
const MACHINE_EPOCHS: u32 = 10;
const EPOCHS: u32 = 10;

/// A trained machine.
struct Machine {
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// p(h | v) of each sample.
    hidden: Vec<f32>,
}

fn main() -> Result {
    let (args, device) = Args::open()?;
    let (train, test) = digits(TRAIN, TEST)?;

    let mut machines = Vec::new();
    let mut data = samples(&train, TRAIN)?;
    for units in HIDDEN {
        let machine = boltzmann(&device, &data, units)?;
        data = machine.hidden.clone();
        machines.push(machine);
    }

    let mut chart = Chart::new(
        "Digits with and without pretraining",
        "epoch",
        "test accuracy",
    );
    let mut accuracies = Vec::new();
    for (name, machines) in [("pretrained", &machines[..]), ("random", &[])] {
        let curve = fine_tune(&device, machines, &train, &test)?;
        println!("{name}: accuracy after each epoch {curve:.2?}");
        chart.curve(
            name,
            curve.iter().enumerate().map(|(i, &y)| (i as f64 + 1.0, y)),
        );
        accuracies.push(curve[EPOCHS as usize - 1]);
    }
    chart.save(&args, "11_deep_belief_network")?;
    println!(
        "pretrained={:.3} random={:.3}",
        accuracies[0], accuracies[1]
    );
    Ok(())
}

/// Trains a machine on samples, [`TRAIN`] of them.
fn boltzmann(device: &Device, data: &[f32], units: usize) -> Result<Machine> {
    let visible = data.len() / TRAIN;
    let mut graph = Graph::new();
    let v0 = graph.input(visible)?;
    let weight = Init::Normal {
        mean: 0.0,
        std: 0.01,
    };
    let w = graph.parameter("weight", [units, visible], weight)?;
    let c = graph.parameter("hidden", [1, units], Init::Zeros)?;
    let b = graph.parameter("visible", [1, visible], Init::Zeros)?;

    // One step of Gibbs sampling: v₀ → h₀ → v₁.
    let hidden = graph.matmul(v0, w, Layout::NT)?;
    let hidden = graph.bias_add(hidden, c)?;
    let p0 = graph.activation(hidden, Activation::Sigmoid)?;
    let h0 = graph.bernoulli(p0)?;
    let back = graph.matmul(h0, w, Layout::NN)?;
    let back = graph.bias_add(back, b)?;
    let v1 = graph.activation(back, Activation::Sigmoid)?;
    let v1 = graph.stop_gradient(v1)?;

    free_energy(&mut graph, "data", v0, [w, c, b], 1.0)?;
    free_energy(&mut graph, "model", v1, [w, c, b], -1.0)?;

    let output = graph.concat_columns(p0, v1)?;
    let mut trainer = Trainer::builder(graph.build(output, device, 1)?)
        .optimizer(Sgd::new(0.1).momentum(0.5))
        .batch_size(50)
        .build()?;
    let at_first = reconstruction_error(&trainer.predict(data)?, data, units);
    trainer.fit(
        &Dataset::unlabelled(visible, data.to_vec())?,
        MACHINE_EPOCHS,
    )?;
    let output = trainer.predict(data)?;
    println!(
        "machine of {visible} and {units} units: mean squared reconstruction error {at_first:.4} at first, {:.4} in the end",
        reconstruction_error(&output, data, units)
    );
    let rows = output.chunks_exact(units + visible);
    Ok(Machine {
        weight: trainer.network().parameter("weight")?,
        bias: trainer.network().parameter("hidden")?,
        hidden: rows.flat_map(|row| &row[..units]).copied().collect(),
    })
}

/// Adds ±F(v), averaged over the samples, to the loss.
fn free_energy(
    graph: &mut Graph,
    name: &str,
    v: Value,
    [w, c, b]: [Value; 3],
    sign: f32,
) -> wgrad::Result<()> {
    let softplus = Activation::Softplus {
        beta: 1.0,
        threshold: 20.0,
    };
    let z = graph.matmul(v, w, Layout::NT)?;
    let z = graph.bias_add(z, c)?;
    let z = graph.activation(z, softplus)?;
    let vb = graph.matmul(v, b, Layout::NT)?;
    let loss = Loss::from(Criterion::Value)
        .reduction(Reduction::BatchMean)
        .scaled(-sign);
    graph.loss(
        &format!("{name}.hidden"),
        &[z],
        LossTarget::Batch,
        loss.clone(),
    )?;
    graph.loss(&format!("{name}.visible"), &[vb], LossTarget::Batch, loss)
}

/// The mean of (v₁ − v₀)², where the rows of the output are p(h | v₀) and v₁.
fn reconstruction_error(output: &[f32], data: &[f32], units: usize) -> f64 {
    let visible = data.len() / TRAIN;
    let v1 = output
        .chunks_exact(units + visible)
        .flat_map(|row| &row[units..]);
    let squares = v1.zip(data).map(|(a, b)| f64::from(a - b).powi(2));
    squares.sum::<f64>() / data.len() as f64
}

/// Trains the deep network on the labels, with its first layers from the machines; returns the test accuracy after each
/// epoch.
fn fine_tune(
    device: &Device,
    machines: &[Machine],
    train: &Dataset,
    test: &Dataset,
) -> Result<Vec<f64>> {
    let mut stack = Sequential::new(PIXELS);
    for units in HIDDEN {
        stack = stack.dense(units).sigmoid();
    }
    let mut network = stack.dense(train.classes()).build(device, 1)?;
    for (i, machine) in machines.iter().enumerate() {
        network.set_parameter(&format!("layers.{i}.weight"), &machine.weight)?;
        network.set_parameter(&format!("layers.{i}.bias"), &machine.bias)?;
    }
    let mut trainer = Trainer::builder(network)
        .optimizer(Sgd::new(0.1))
        .batch_size(20)
        .build()?;
    let mut accuracies = Vec::new();
    for _ in 0..EPOCHS {
        trainer.epoch(train)?;
        accuracies.push(trainer.evaluate(test)?.accuracy.unwrap_or(0.0));
    }
    Ok(accuracies)
}
