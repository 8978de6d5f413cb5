//! Vanishing gradients, and four remedies.
//!
//! Backpropagation multiplies the gradient in each layer by the weights and by the derivative of the activation:
//!
//! ```text
//! δ⁽ˡ⁾ = (W⁽ˡ⁺¹⁾)ᵀ δ⁽ˡ⁺¹⁾ ⊙ σ′(z⁽ˡ⁾)      σ′ = σ(1 − σ) ≤ ¼
//! ```
//!
//! Xavier's weights keep lengths, so the gradient of a stack of sigmoids shrinks to about ¼ in each layer, and to (¼)ⁿ
//! over n layers. The first layers hardly change, and their output carries no information about the digit. The example
//! trains eight hidden layers on digits by plain descent, without a remedy and with each of these:
//!
//! - **ReLU**, whose derivative is 1 wherever it is not 0, with Kaiming's weights (Glorot, Bordes and Bengio 2011);
//! - **batch normalisation** before each sigmoid, which scales z to a standard deviation of 1 (Ioffe and Szegedy 2015);
//! - **auxiliary losses**: a small classifier on every hidden layer, so that every layer is close to a loss (Lee et
//!   al. 2015);
//! - **unsupervised pretraining**, layer by layer: each layer learns without labels to reconstruct its input from a
//!   noisy copy, as a denoising autoencoder (Bengio et al. 2007; Vincent et al. 2008). The encoders initialise the
//!   stack.
//!
//! The chart shows the norm of each layer's gradient before training. Without a remedy it falls towards the first
//! layer by a constant factor a layer, a straight line. With each remedy the first layer receives a larger gradient.

mod common;

use common::{Args, Chart, PIXELS, Result, digits, samples};
use wgrad::{
    Activation, Adam, Dataset, Device, Graph, Init, Layout, Loss, LossTarget, Network, Sequential,
    Sgd, Trainer,
};

const TRAIN: usize = 2000;
const TEST: usize = 1000;
const LAYERS: usize = 8;
const UNITS: usize = 64;
const CLASSES: usize = 10;
const EPOCHS: u32 = 20;

/// A stack of hidden layers, and the remedy for its gradients.
struct Stack {
    f: Activation,
    init: Init,
    batch_norm: bool,
    auxiliary: bool,
}

const PLAIN: Stack = Stack {
    f: Activation::Sigmoid,
    init: Init::XavierUniform,
    batch_norm: false,
    auxiliary: false,
};

impl Stack {
    fn build(&self, device: &Device) -> wgrad::Result<Network> {
        let mut graph = Graph::new();
        let loss = Loss::softmax_cross_entropy();
        let (mut a, mut inputs) = (graph.input(PIXELS)?, PIXELS);
        for layer in 0..LAYERS {
            let [weight, bias] = names(layer);
            let weight = graph.parameter(&weight, [UNITS, inputs], self.init)?;
            let bias = graph.vector(&bias, UNITS, Init::Zeros)?;
            let mut z = graph.matmul(a, weight, Layout::NT)?;
            z = graph.bias_add(z, bias)?;
            if self.batch_norm {
                z = graph.batch_norm(z)?;
            }
            a = graph.activation(z, self.f)?;
            inputs = UNITS;
            if self.auxiliary {
                let logits = graph.dense(a, CLASSES, Init::XavierUniform)?;
                let name = format!("auxiliary {layer}");
                graph.loss(&name, &[logits], LossTarget::Batch, loss.clone())?;
            }
        }
        let logits = graph.dense(a, CLASSES, Init::XavierUniform)?;
        graph.loss("output", &[logits], LossTarget::Batch, loss)?;
        graph.build(logits, device, 1)
    }
}

/// Weight and bias of a hidden layer.
fn names(layer: usize) -> [String; 2] {
    ["weight", "bias"].map(|kind| format!("hidden.{layer}.{kind}"))
}

fn main() -> Result {
    let (args, device) = Args::open()?;
    let (train, test) = digits(TRAIN, TEST)?;
    let relu = Stack {
        f: Activation::Relu,
        init: Init::KaimingUniform,
        ..PLAIN
    };
    let batch_norm = Stack {
        batch_norm: true,
        ..PLAIN
    };
    let auxiliary = Stack {
        auxiliary: true,
        ..PLAIN
    };
    let mut pretrained = PLAIN.build(&device)?;
    pretrain(&mut pretrained, &samples(&train, TRAIN)?)?;

    let mut chart = Chart::new(
        "Gradients before training",
        "hidden layer",
        "norm of the gradient of the weights",
    )
    .log_y();
    let mut result = Vec::new();
    for (name, network) in [
        ("plain", PLAIN.build(&device)?),
        ("relu", relu.build(&device)?),
        ("batch_norm", batch_norm.build(&device)?),
        ("auxiliary", auxiliary.build(&device)?),
        ("pretrained", pretrained),
    ] {
        let (norms, accuracy) = train_and_test(network, &train, &test)?;
        let text: Vec<String> = norms.iter().map(|norm| format!("{norm:.1e}")).collect();
        println!(
            "{name:<10}: accuracy {accuracy:.3}; gradients {}",
            text.join(" ")
        );
        chart.curve(
            name,
            norms
                .iter()
                .enumerate()
                .map(|(i, &norm)| (i as f64 + 1.0, norm)),
        );
        result.push(format!(
            "{name}={accuracy:.3} {name}_gradient={:.1e}",
            norms[0]
        ));
        if name == "plain" {
            // The mean factor from a layer of 64 inputs to the one before it.
            let factor = (norms[1] / norms[LAYERS - 1]).powf(1.0 / (LAYERS - 2) as f64);
            result.push(format!("factor={factor:.3}"));
        }
    }
    chart.save(&args, "08_vanishing_gradients")?;
    println!("{}", result.join(" "));
    Ok(())
}

/// Returns the gradient norms of the hidden layers before training, and the test accuracy after it.
fn train_and_test(network: Network, train: &Dataset, test: &Dataset) -> Result<(Vec<f64>, f64)> {
    let mut trainer = Trainer::builder(network)
        .optimizer(Sgd::new(0.03).momentum(0.9))
        .batch_size(50)
        .seed(8)
        .build()?;
    let batch = 200;
    let x = samples(train, batch)?;
    let gradients = trainer
        .network_mut()
        .gradients(&x, &train.labels()[..batch])?
        .gradients;
    let norm = |layer| {
        let [name, _] = names(layer);
        let of_layer = gradients.iter().filter(|(known, _)| *known == name);
        let squares = of_layer.flat_map(|(_, g)| g).map(|&g| f64::from(g).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let norms = (0..LAYERS).map(norm).collect();
    trainer.fit(train, EPOCHS)?;
    let accuracy = trainer.evaluate(test)?.accuracy;
    Ok((norms, accuracy.unwrap_or(0.0)))
}

/// Trains each hidden layer as the encoder of a denoising autoencoder, on the output of the layer before it.
fn pretrain(stack: &mut Network, samples: &[f32]) -> Result {
    let mut data = samples.to_vec();
    for layer in 0..LAYERS {
        let inputs = data.len() / TRAIN;
        // Dropout is the noise; the loss compares with the clean samples.
        let autoencoder = Sequential::new(inputs)
            .dropout(0.2)
            .dense(UNITS)
            .sigmoid()
            .dense(inputs);
        let mut trainer = Trainer::builder(autoencoder.build(stack.device(), layer as u64)?)
            .reconstruct(Loss::binary_cross_entropy_with_logits())
            .optimizer(Adam::new(0.01))
            .batch_size(50)
            .build()?;
        let reports = trainer.fit(&Dataset::unlabelled(inputs, data.clone())?, 10)?;
        println!(
            "layer {layer}: reconstruction loss {:.4} at first, {:.4} in the end",
            reports[0].loss, reports[9].loss
        );

        let mut encoder = Sequential::new(inputs)
            .dense(UNITS)
            .sigmoid()
            .build(stack.device(), 0)?;
        for (name, own) in ["layers.0.weight", "layers.0.bias"]
            .iter()
            .zip(names(layer))
        {
            let values = trainer.network().parameter(name)?;
            encoder.set_parameter(name, &values)?;
            stack.set_parameter(&own, &values)?;
        }
        data = encoder.predict(&data)?;
    }
    Ok(())
}
