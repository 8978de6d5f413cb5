//! An autoencoder (Hinton and Salakhutdinov 2006): a network that reproduces its input through a narrow code.
//!
//! The encoder compresses the 784 pixels of a digit into a few numbers, from which the decoder reconstructs the
//! pixels. No labels are needed: the loss is the mean squared error between output and input,
//!
//! ```text
//! L = mean (decode(encode(x)) − x)²
//! ```
//!
//! Without activations, the optimum of an autoencoder is the subspace of the first principal components, that is PCA
//! (Baldi and Hornik 1989). Layers with activations around the code can curve that subspace, and have a lower error
//! with a code of the same size. The worst code is empty: then the best output is the mean image.
//!
//! The pictures show digits, their reconstructions by PCA, and those by the autoencoder. In the chart the nonlinear
//! autoencoder falls below the linear one, which converges to the error of PCA.

mod common;
#[path = "mnist/draw.rs"]
mod draw;

use common::{Args, Chart, PIXELS, Result, digits, samples};
use wgrad::{Adam, Dataset, Loss, Network, Sequential, Trainer};

const TRAIN: usize = 5000;
const TEST: usize = 1000;
const CODE: usize = 8;
const EPOCHS: u32 = 12;
const SHOWN: usize = 5;

fn main() -> Result {
    let (args, device) = Args::open()?;
    let (train, test) = digits(TRAIN, TEST)?;
    let x = samples(&test, TEST)?;
    let mean = mean_image(&samples(&train, TRAIN)?);
    let of_mean = error(&mean.repeat(TEST), &x);

    let linear = Sequential::new(PIXELS).dense(CODE).dense(PIXELS);
    let deep = Sequential::new(PIXELS)
        .dense(128)
        .relu()
        .dense(CODE)
        .dense(128)
        .relu()
        .dense(PIXELS);

    let mut chart = Chart::new(
        "Reconstruction of test digits",
        "epoch",
        "mean squared error",
    );
    chart.curve("mean image", [(1.0, of_mean), (EPOCHS.into(), of_mean)]);
    let mut pictures = vec![x[..SHOWN * PIXELS].to_vec()];
    let mut errors = Vec::new();
    for (name, layers) in [("linear (PCA)", linear), ("autoencoder", deep)] {
        let network = layers.build(&device, 1)?;
        let (network, curve) = learn(network, &train, &test)?;
        println!("{name}: error after each epoch {curve:.4?}");
        chart.curve(
            name,
            curve.iter().enumerate().map(|(i, &y)| (i as f64 + 1.0, y)),
        );
        let y = network.predict(&x)?;
        errors.push(error(&y, &x));
        pictures.push(y[..SHOWN * PIXELS].to_vec());
    }
    chart.save(&args, "10_autoencoder")?;

    for (name, picture) in ["digit", "linear", "autoencoder"].iter().zip(&pictures) {
        let images: Vec<Vec<f32>> = picture.chunks_exact(PIXELS).map(<[f32]>::to_vec).collect();
        print!("{}", draw::digits(&images, &vec![name.to_string(); SHOWN]));
    }
    println!(
        "mean_image={of_mean:.4} linear={:.4} autoencoder={:.4}",
        errors[0], errors[1]
    );
    Ok(())
}

/// Trains a network to reproduce its input; returns its error on the test digits after each epoch.
fn learn(network: Network, train: &Dataset, test: &Dataset) -> Result<(Network, Vec<f64>)> {
    let mut trainer = Trainer::builder(network)
        .reconstruct(Loss::mean_squared_error())
        .optimizer(Adam::new(2e-3))
        .build()?;
    let mut curve = Vec::new();
    for _ in 0..EPOCHS {
        trainer.epoch(train)?;
        curve.push(trainer.evaluate(test)?.loss);
    }
    Ok((trainer.into_network(), curve))
}

/// The mean over the samples.
fn mean_image(samples: &[f32]) -> Vec<f32> {
    let mut mean = vec![0.0; PIXELS];
    for image in samples.chunks_exact(PIXELS) {
        for (sum, pixel) in mean.iter_mut().zip(image) {
            *sum += pixel / TRAIN as f32;
        }
    }
    mean
}

/// The mean squared error.
fn error(y: &[f32], x: &[f32]) -> f64 {
    let squares = y.iter().zip(x).map(|(y, x)| f64::from(y - x).powi(2));
    squares.sum::<f64>() / x.len() as f64
}
