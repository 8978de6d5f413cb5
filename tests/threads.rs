//! The CPU device's threads: their number can be chosen, and changes no bit.

mod common;

use common::compare::assert_same_bits;
use common::data::Random;
use common::networks::parameters;
use wgrad::{Activation, Adam, Dataset, Device, Error, Layout, Sequential, Tensor, Trainer};

const THREADS: [usize; 4] = [1, 2, 3, 8];

fn devices() -> Vec<Device> {
    let open = |threads| Device::cpu_with_threads(threads).unwrap();
    THREADS
        .map(open)
        .into_iter()
        .chain([Device::cpu()])
        .collect()
}

#[test]
fn a_report_says_the_number_of_threads() {
    for threads in THREADS {
        let device = Device::cpu_with_threads(threads).unwrap();
        assert_eq!(device.report().threads, threads);
        assert!(device.is_same(&device.clone()));
        assert!(!device.is_same(&Device::cpu()));
    }
    let refused = Device::cpu_with_threads(0);
    assert!(
        matches!(refused, Err(Error::Argument { .. })),
        "{refused:?}"
    );
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
        let mut trainer = Trainer::new(layers.build(&device, 5).unwrap())
            .optimizer(Adam::new(1e-3))
            .clip_norm(1.0)
            .batch_size(192)
            .build()
            .unwrap();
        // Two epochs, each with a short last batch.
        let report = trainer.steps(&data, 6).unwrap();
        (parameters(trainer.network()), report.loss)
    };
    let results: Vec<_> = devices().into_iter().map(train).collect();
    for (weights, loss) in &results[1..] {
        assert_same_bits("weights", weights, &results[0].0);
        assert_eq!(loss.to_bits(), results[0].1.to_bits());
    }
}
