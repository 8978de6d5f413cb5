//! A convolutional network reads digits: LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998), with ReLU and max pooling.
//!
//! A unit of a convolutional layer sees a window of the image, and all units of a feature map have the same weights:
//!
//! ```text
//! yₒ[h, w] = bₒ + Σᵢⱼ꜀ x[h + i, w + j, c]·kₒ[i, j, c]
//! ```
//!
//! So the first layer, 6 kernels of 5×5 pixels, has 6·25 + 6 = 156 parameters, where a dense layer between as many
//! units has 784·4,704 + 4,704 = 3.7 million. And the maps move with the image: those of a digit that is shifted by
//! two pixels are the shifted maps. Pooling then keeps the maximum of every 2×2 units, so small shifts matter less and
//! less.
//!
//! The chart compares it with a dense network of about as many parameters. The picture shows the kernels of the first
//! layer, and the maps of both convolutional layers for a digit: each map answers to strokes of some direction.

mod common;

use clap::Parser;
use common::{Chart, DigitArgs, Picture, Result, SIDE, Shade, Tile, digits_from, samples};
use wgrad::{Adam, Convolution, Dataset, Device, Network, Schedule, Sequential, Trainer};

/// Maps of the two convolutional layers, and sides of the kernels and of the second layer's maps.
const MAPS: [usize; 2] = [6, 16];
const KERNEL: usize = 5;
const SECOND: usize = 10;
/// Pixels by which the digit is shifted.
const SHIFT: usize = 2;

fn main() -> Result {
    let args = DigitArgs::parse();
    let device = args.common.device()?;
    let (train, test, epochs) = if args.full {
        (usize::MAX, usize::MAX, 5)
    } else {
        (2000, 500, 4)
    };
    let shape = [SIDE, SIDE, 1];
    let (train, test) = digits_from(args.data.as_deref(), shape, train, test)?;
    let lenet = second_layer()
        .max_pool(2)
        .flatten()
        .dense(120)
        .relu()
        .dense(84)
        .relu()
        .dense(10);
    let dense = Sequential::new(shape).flatten().dense(77).relu().dense(10);

    let title = format!("{} digits, about 61,000 parameters", train.len());
    let mut chart = Chart::new(&title, "epoch", "test accuracy");
    let mut accuracies = Vec::new();
    let mut networks = Vec::new();
    for (name, layers) in [("LeNet", lenet), ("dense", dense)] {
        let network = layers.build(&device, 1)?;
        println!("{name}: {} parameters", network.parameter_count());
        let (network, curve) = learn(network, &train, &test, epochs)?;
        println!("{name}: accuracy after each epoch {curve:.4?}");
        accuracies.push(curve[curve.len() - 1]);
        let points = curve.iter().enumerate();
        chart.curve(name, points.map(|(i, &y)| (i as f64 + 1.0, y)));
        networks.push(network);
    }
    chart.save(&args.common, "13_accuracy")?;

    let lenet = &networks[0];
    let digit = samples(&test, 1)?;
    draw(lenet, &digit, &device)?.save(&args.common, "13_feature_maps")?;
    println!(
        "lenet={:.4} dense={:.4} parameters={} shift_error={}",
        accuracies[0],
        accuracies[1],
        lenet.parameter_count(),
        shift_error(lenet, &digit, &device)?
    );
    Ok(())
}

/// The first convolutional layer: maps of 28×28 units.
fn first_layer() -> Sequential {
    let kernels = Convolution::new(MAPS[0], KERNEL).padding(KERNEL / 2);
    Sequential::new([SIDE, SIDE, 1]).convolution(kernels).relu()
}

/// Both: maps of 10×10 units.
fn second_layer() -> Sequential {
    first_layer()
        .max_pool(2)
        .convolution((MAPS[1], KERNEL))
        .relu()
}

/// Trains a network on the labels; returns its accuracy on the test digits after each epoch.
fn learn(
    network: Network,
    train: &Dataset,
    test: &Dataset,
    epochs: u32,
) -> Result<(Network, Vec<f64>)> {
    const BATCH: usize = 50;
    let steps = u64::from(epochs) * train.len().div_ceil(BATCH) as u64;
    let mut trainer = Trainer::builder(network)
        .optimizer(Adam::new(3e-3))
        .schedule(Schedule::Cosine { steps, floor: 0.0 })
        .batch_size(BATCH)
        .build()?;
    let mut curve = Vec::new();
    for _ in 0..epochs {
        trainer.epoch(train)?;
        curve.push(trainer.evaluate(test)?.accuracy.unwrap_or(0.0));
    }
    Ok((trainer.into_network(), curve))
}

/// The output of the network's first layers.
fn output(network: &Network, layers: Sequential, x: &[f32], device: &Device) -> Result<Vec<f32>> {
    let mut part = layers.build(device, 1)?;
    let names: Vec<String> = part
        .parameter_names()
        .iter()
        .map(ToString::to_string)
        .collect();
    for name in names {
        part.set_parameter(&name, &network.parameter(&name)?)?;
    }
    Ok(part.predict(x)?)
}

/// The digit, the kernels, and the maps.
fn draw(network: &Network, digit: &[f32], device: &Device) -> Result<Picture> {
    let kernels = network.parameter("layers.0.weight")?;
    let kernels = kernels.chunks_exact(KERNEL * KERNEL);
    let first = output(network, first_layer(), digit, device)?;
    let second = output(network, second_layer(), digit, device)?;
    let maps = |image: &[f32], width, count| -> Vec<Tile> {
        let map = |channel| Tile::channel(image, width, count, channel);
        (0..count).map(map).collect()
    };
    let mut picture = Picture::new("What LeNet sees in a digit");
    let tile = Tile::new(SIDE, digit.to_vec());
    picture.row(
        "The digit: 28×28 pixels",
        Shade::Positive,
        104.0,
        vec![tile],
    );
    picture.row(
        "First layer: 6 kernels of 5×5 weights",
        Shade::Signed,
        104.0,
        kernels
            .map(|kernel| Tile::new(KERNEL, kernel.to_vec()))
            .collect(),
    );
    picture.row(
        "Their feature maps: 28×28 units, after ReLU",
        Shade::Positive,
        104.0,
        maps(&first, SIDE, MAPS[0]),
    );
    picture.row(
        "Second layer: 16 feature maps of 10×10 units, after ReLU",
        Shade::Positive,
        75.0,
        maps(&second, SECOND, MAPS[1]),
    );
    Ok(picture)
}

/// The greatest difference between the first layer's shifted maps of a digit and its maps of the shifted digit, where
/// both exist.
fn shift_error(network: &Network, digit: &[f32], device: &Device) -> Result<f32> {
    let shifted: Vec<f32> = digit
        .chunks_exact(SIDE)
        .flat_map(|row| [&[0.0; SHIFT], &row[..SIDE - SHIFT]].concat())
        .collect();
    let maps = output(network, first_layer(), digit, device)?;
    let of_shifted = output(network, first_layer(), &shifted, device)?;
    let width = SIDE * MAPS[0];
    let mut error = 0.0f32;
    for (a, b) in maps.chunks_exact(width).zip(of_shifted.chunks_exact(width)) {
        for (a, b) in a.iter().zip(&b[SHIFT * MAPS[0]..]) {
            error = error.max((a - b).abs());
        }
    }
    Ok(error)
}
