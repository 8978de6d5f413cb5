//! Results have the same bits for any number of threads.

use super::{THREADS, devices};
use crate::common::compare::assert_same_bits;
use crate::common::data::Random;
use crate::common::networks::parameters;
use wgrad::{
    Activation, Adam, Cell, Convolution, Dataset, Device, Inputs, Layout, Recurrent, Sequential,
    Tensor, Trainer, TransformerLayer,
};

/// The training gives the same weights and loss on every device.
fn assert_trains_alike(train: impl Fn(Device) -> (Vec<f32>, f64)) {
    let results: Vec<_> = devices().into_iter().map(train).collect();
    for (weights, loss) in &results[1..] {
        assert_same_bits("weights", weights, &results[0].0);
        assert_eq!(loss.to_bits(), results[0].1.to_bits());
    }
}

#[test]
fn products_have_the_same_bits_for_any_number_of_threads() {
    // Small and shared out; one stretch of K and several; more rows than a task takes; few columns; few rows.
    let shapes = [
        [64, 512, 784],
        [300, 257, 130],
        [700, 10, 1030],
        [1, 1500, 700],
        [17, 1100, 513],
        [512, 784, 64],
        [5, 7, 3],
    ];
    let mut random = Random::new(3);
    for [m, n, k] in shapes {
        let (a, b, bias) = (
            random.normals(m * k),
            random.normals(k * n),
            random.normals(n),
        );
        for layout in Layout::ALL {
            let (stored_a, stored_b) = match layout {
                Layout::NN => ([m, k], [k, n]),
                Layout::NT => ([m, k], [n, k]),
                Layout::TN => ([k, m], [k, n]),
            };
            let results = devices().into_iter().map(|device| {
                let a = Tensor::new(&device, stored_a, &a).unwrap();
                let b = Tensor::new(&device, stored_b, &b).unwrap();
                a.matmul(&b, layout).unwrap().download().unwrap()
            });
            let results: Vec<Vec<f32>> = results.collect();
            for (result, threads) in results[1..].iter().zip(&THREADS[1..]) {
                let name = format!("{layout:?} [{m}, {n}, {k}], {threads} threads");
                assert_same_bits(&name, result, &results[0]);
            }
        }
        let dense = devices().into_iter().map(|device| {
            let x = Tensor::new(&device, [m, k], &a).unwrap();
            let w = Tensor::new(&device, [n, k], &b).unwrap();
            let bias = Tensor::new(&device, [1, n], &bias).unwrap();
            let y = x.dense(&w, &bias, Activation::Gelu).unwrap();
            y.download().unwrap()
        });
        let dense: Vec<Vec<f32>> = dense.collect();
        for result in &dense[1..] {
            assert_same_bits(&format!("dense [{m}, {n}, {k}]"), result, &dense[0]);
        }
    }
}

#[test]
fn training_has_the_same_bits_for_any_number_of_threads() {
    const FEATURES: usize = 260;
    const SAMPLES: usize = 500;
    let mut random = Random::new(4);
    let (samples, labels) = (
        random.normals(SAMPLES * FEATURES),
        random.words(SAMPLES, 10),
    );
    let data = Dataset::from_floats(FEATURES, samples, labels, 10).unwrap();
    // Large enough that products, updates and the rest are shared out.
    let train = |device: Device| {
        let layers = Sequential::new(FEATURES).dense(401).relu().dropout(0.2);
        let layers = layers.dense(300).batch_norm().gelu().dense(10);
        let mut trainer = Trainer::builder(layers.build(&device, 5).unwrap())
            .optimizer(Adam::new(1e-3))
            .clip_norm(1.0)
            .batch_size(192)
            .build()
            .unwrap();
        // Two epochs, each with a short last batch.
        let report = trainer.steps(&data, 6).unwrap();
        (parameters(trainer.network_mut()), report.loss)
    };
    assert_trains_alike(train);
}

/// Few large samples are cut into bands, many are shared out whole, and the weight gradient is cut into parts, or a
/// large one into bands of its rows.
#[test]
fn convolutions_have_the_same_bits_for_any_number_of_threads() {
    let mut random = Random::new(6);
    let padded = Convolution::new(6, 3).padding(1);
    for (shape, settings) in [
        // All with at least 2²⁰ operations, from which work is shared out.
        ([1, 70, 61, 3], padded),
        ([40, 12, 11, 5], padded.dilation(2)),
        ([8, 31, 40, 6], padded.groups(3)),
        ([5, 40, 31, 20], Convolution::depthwise(3).stride([1, 2])),
        ([1, 8, 8, 40], Convolution::new(70, 3)),
    ] {
        let x = random.normals(shape.iter().product());
        let results = devices().into_iter().map(|device| {
            let random = &mut Random::new(7);
            let mut tensor = |shape: &[usize]| {
                Tensor::new(&device, shape, &random.normals(shape.iter().product())).unwrap()
            };
            let [_, _, _, channels] = shape;
            let weight = match channels {
                6 => tensor(&[6, 3, 3, 2]),
                20 => tensor(&[20, 3, 3, 1]),
                40 => tensor(&[70, 3, 3, 40]),
                _ => tensor(&[6, 3, 3, channels]),
            };
            let x = Tensor::new(&device, shape, &x).unwrap();
            let y = x.convolve(&weight, None, settings).unwrap();
            let gradients = y.convolve_backward(&x, &weight, settings).unwrap();
            let tensors = [&y, &gradients.dx, &gradients.dweight, &gradients.dbias];
            tensors.map(|tensor| tensor.download().unwrap()).concat()
        });
        let results: Vec<Vec<f32>> = results.collect();
        for (result, threads) in results[1..].iter().zip(&THREADS[1..]) {
            let name = format!("{shape:?}, {threads} threads");
            assert_same_bits(&name, result, &results[0]);
        }
    }
}

#[test]
fn convolutional_training_has_the_same_bits_for_any_number_of_threads() {
    const SAMPLES: usize = 100;
    let mut random = Random::new(5);
    let (samples, labels) = (random.normals(SAMPLES * 196), random.words(SAMPLES, 10));
    let data = Dataset::from_floats([14, 14, 1], samples, labels, 10).unwrap();
    let train = |device: Device| {
        let layers = Sequential::new([14, 14, 1])
            .convolution(Convolution::new(6, 5).padding(2))
            .relu()
            .max_pool(2)
            .convolution((16, 3))
            .gelu()
            .flatten()
            .dense(10);
        let mut trainer = Trainer::builder(layers.build(&device, 5).unwrap())
            .optimizer(Adam::new(1e-3))
            .batch_size(64)
            .build()
            .unwrap();
        let report = trainer.steps(&data, 3).unwrap();
        (parameters(trainer.network_mut()), report.loss)
    };
    assert_trains_alike(train);
}

#[test]
fn recurrent_networks_have_the_same_bits_for_any_number_of_threads() {
    let mut random = Random::new(6);
    let (samples, labels) = (random.normals(64 * 3 * 8), random.words(64, 3));
    let data = Dataset::from_floats(3 * 8, samples, labels, 3).unwrap();
    // One sample and few, which no thread has to itself; groups of samples; a step is a product large enough to share.
    for (cell, batch, hidden) in [
        (Cell::Lstm, 64, 72),
        (Cell::Gru, 9, 72),
        (Cell::Lstm, 5, 300),
        (Cell::Relu, 1, 72),
    ] {
        let train = |device: Device| {
            let layers = Recurrent::new(cell, hidden).bidirectional();
            let layers = Sequential::new([3, 8]).recurrent_last(layers).dense(3);
            let mut trainer = Trainer::builder(layers.build(&device, 5).unwrap())
                .optimizer(Adam::new(1e-3))
                .batch_size(batch)
                .build()
                .unwrap();
            trainer.steps(&data, 1).unwrap();
            parameters(trainer.network_mut())
        };
        let results: Vec<_> = devices().into_iter().map(train).collect();
        for weights in &results[1..] {
            assert_same_bits(&format!("{cell:?} {batch} {hidden}"), weights, &results[0]);
        }
    }
}

#[test]
fn attention_has_the_same_bits_for_any_number_of_threads() {
    let mut random = Random::new(8);
    // Many samples, and one whose rows are shared out.
    for (samples, length) in [(40, 9), (1, 150)] {
        let tokens: Vec<u32> = random.words(samples * length, 11);
        let labels = random.words(samples, 3);
        let train = |device: Device| {
            let layer = TransformerLayer::new(3).causal(true).dropout(0.2);
            let layers = Sequential::new(length)
                .embedding(11, 24)
                .transformer_encoder(layer)
                .flatten()
                .dense(3);
            let mut trainer = Trainer::builder(layers.build(&device, 5).unwrap())
                .optimizer(Adam::new(1e-3))
                .build()
                .unwrap();
            trainer.step(Inputs::tokens(&tokens), &labels).unwrap();
            parameters(trainer.network_mut())
        };
        let results: Vec<_> = devices().into_iter().map(train).collect();
        for weights in &results[1..] {
            assert_same_bits("weights", weights, &results[0]);
        }
    }
}
