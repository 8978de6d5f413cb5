//! Initialisation of deep networks: the effect of the initial weights on activations and gradients, layer by layer.
//!
//! With n inputs of mean square E\[a²\], weights of mean 0 and variance σ², and zero biases, a layer's pre-activations
//! have the variance
//!
//! ```text
//! Var(z) = n·σ²·E[a²]
//! ```
//!
//! Each layer multiplies the standard deviation by about √(n·σ²), times a factor of the activation. Over L layers this
//! is raised to the power L. In the backward pass the number of outputs takes the place of n. Xavier's
//! σ² = 2/(inputs + outputs) keeps both factors near 1 if the activation is near the identity, like tanh at 0. ReLU
//! loses half of the mean square, for which Kaiming's σ² = 2/inputs compensates.
//!
//! The example has 20 layers of 100 units, before any training. The chart has a logarithmic axis, on which exponential
//! decay is a straight line. ReLU is level with Kaiming's weights, and falls by √½ a layer with Xavier's. The output
//! of tanh stays within (−1, 1), so weights that are too large show in the gradients: they grow from the last layer to
//! the first.

mod common;

use common::{Args, Chart, Random, Result};
use wgrad::{Activation, Device, Init, Sequential, Trainer};

const LAYERS: usize = 20;
const UNITS: usize = 100;
const SAMPLES: usize = 200;
const CLASSES: usize = 10;

/// Measurements of a layer.
struct Layer {
    /// Standard deviation of its activations, over units and samples.
    std: f64,
    /// Norm of the gradient of its biases: of δ, summed over the samples.
    gradient: f64,
}

fn main() -> Result {
    let (args, device) = Args::open()?;
    // √(n·σ²) is 0.3 and 3.
    let too_small = Init::Normal {
        mean: 0.0,
        std: 0.03,
    };
    let too_large = Init::Normal {
        mean: 0.0,
        std: 0.3,
    };
    let schemes = [
        ("small", too_small),
        ("large", too_large),
        ("xavier", Init::XavierNormal),
        ("kaiming", Init::KaimingNormal),
    ];
    let mut result = Vec::new();
    for (name, f) in [("tanh", Activation::Tanh), ("relu", Activation::Relu)] {
        let title = format!("Deep {name} network: size of the activations");
        let mut deviations = Chart::new(&title, "layer", "standard deviation").log_y();
        let title = format!("Deep {name} network: size of the gradients");
        let mut gradients =
            Chart::new(&title, "layer", "norm of the gradient of the biases").log_y();
        println!(
            "{name:<8} {:>26} {:>28}",
            "deviation: layer 1, 20", "gradient: layer 1, 20"
        );
        for (scheme, init) in schemes {
            let layers = look(&device, f, init)?;
            let of = |value: fn(&Layer) -> f64| {
                layers
                    .iter()
                    .enumerate()
                    .map(move |(i, layer)| (i as f64 + 1.0, value(layer)))
            };
            deviations.curve(scheme, of(|layer| layer.std));
            gradients.curve(scheme, of(|layer| layer.gradient));
            let (first, last) = (&layers[0], &layers[LAYERS - 1]);
            println!(
                "{scheme:<8} {:>13.2e} {:>12.2e} {:>15.2e} {:>12.2e}",
                first.std, last.std, first.gradient, last.gradient
            );
            // The factor of 19 layers for a signal in the forward pass, and for a gradient in the backward pass.
            result.push(format!(
                "{name}_{scheme}_forward={:.2e} {name}_{scheme}_backward={:.2e}",
                last.std / first.std,
                first.gradient / last.gradient
            ));
        }
        deviations.save(&args, &format!("07_{name}_deviations"))?;
        gradients.save(&args, &format!("07_{name}_gradients"))?;
    }
    println!("{}", result.join(" "));
    Ok(())
}

/// Measures the layers of a stack with this initialisation, in one step on random samples.
fn look(device: &Device, f: Activation, init: Init) -> Result<Vec<Layer>> {
    let mut stack = Sequential::new(UNITS);
    for _ in 0..LAYERS {
        stack = stack.dense(UNITS).init(init).activation(f);
    }
    let network = stack.dense(CLASSES).build(device, 1)?;
    let mut trainer = Trainer::builder(network).batch_size(SAMPLES).build()?;

    let mut random = Random::new(7);
    let x: Vec<f32> = (0..SAMPLES * UNITS).map(|_| random.normal()).collect();
    let labels: Vec<u32> = (0..SAMPLES)
        .map(|_| random.between(0.0, CLASSES as f32) as u32)
        .collect();
    let (_, seen) = trainer.inspect_step(&x, &labels)?;

    let biases = seen.parameters.iter().filter(|p| p.name.ends_with("bias"));
    let layers = seen.activations.iter().zip(biases);
    Ok(layers
        .map(|(activation, bias)| Layer {
            std: activation.values.std(),
            gradient: bias.gradient.norm,
        })
        .collect())
}
