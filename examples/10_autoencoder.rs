//! An autoencoder (Hinton and Salakhutdinov 2006): a network whose output shall be its input, with a narrow code between.
//!
//! The encoder squeezes the 784 pixels of a digit into a few numbers, the decoder makes the pixels again. Nobody labels
//! anything: the loss is the mean squared error between output and input,
//!
//! ```text
//! L = mean (decode(encode(x)) − x)²
//! ```
//!
//! Without activations, an autoencoder finds at best the subspace of the first principal components (Baldi and Hornik 1989):
//! PCA. Layers with activations around the code can bend that subspace to the digits, and do better with as many numbers.
//! The poorest of all codes has no number at all: then the best that a decoder can do is the mean image.
//!
//! Look at the pictures: digits, what PCA keeps of them, and what the autoencoder keeps. And at the chart: the curved one
//! passes the linear one, which comes to rest at PCA's error.

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
        let (mut network, curve) = learn(network, &train, &test)?;
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

/// Trains a network to give its input back; and its error on the test digits after each epoch.
fn learn(network: Network, train: &Dataset, test: &Dataset) -> Result<(Network, Vec<f64>)> {
    let mut trainer = Trainer::new(network)
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
