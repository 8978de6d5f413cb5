//! Running statistics computed anew from a data set.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::common::oracle::widen;
use super::{CLASSES, FEATURES, data, samples};
use wgrad::{Adam, Dataset, Error, Network, Sequential, Trainer};

use super::statistics::{HIDDEN, normalised, running};

/// Mean and unbiased variance of each column of rows.
fn pooled(rows: &[Vec<f64>]) -> Vec<f64> {
    let count = rows.len() as f64;
    let cols = rows[0].len();
    let column = |j: usize| rows.iter().map(move |row| row[j]);
    let mean: Vec<f64> = (0..cols).map(|j| column(j).sum::<f64>() / count).collect();
    let squares = |j: usize| column(j).map(|v| (v - mean[j]).powi(2)).sum::<f64>();
    let variance: Vec<f64> = (0..cols).map(|j| squares(j) / (count - 1.0)).collect();
    mean.into_iter().chain(variance).collect()
}

/// What reaches layers 0 and 2 of `normalised`, batch by batch.
fn reaching(network: &mut Network, x: &[f32], batch: usize) -> [Vec<Vec<f64>>; 2] {
    let mut read = |name: &str| widen(&network.parameter(name).unwrap());
    let [gain, shift] = ["layers.0.weight", "layers.0.bias"].map(&mut read);
    let [w, b] = ["layers.1.weight", "layers.1.bias"].map(&mut read);
    let rows: Vec<Vec<f64>> = widen(x).chunks(FEATURES).map(<[f64]>::to_vec).collect();
    let mut hidden = Vec::new();
    for batch in rows.chunks(batch) {
        let n = batch.len() as f64;
        let mean = |j: usize| batch.iter().map(|row| row[j]).sum::<f64>() / n;
        let means: Vec<f64> = (0..FEATURES).map(mean).collect();
        let variance = |j: usize| {
            let squares = batch.iter().map(|row| (row[j] - means[j]).powi(2));
            squares.sum::<f64>() / n
        };
        let variances: Vec<f64> = (0..FEATURES).map(variance).collect();
        for row in batch {
            let normal =
                |j: usize| gain[j] * (row[j] - means[j]) / (variances[j] + 1e-5).sqrt() + shift[j];
            let normal: Vec<f64> = (0..FEATURES).map(normal).collect();
            let output = |o: usize| {
                let products = normal.iter().zip(&w[o * FEATURES..]);
                (products.map(|(x, w)| x * w).sum::<f64>() + b[o]).tanh()
            };
            hidden.push((0..HIDDEN).map(output).collect());
        }
    }
    [rows, hidden]
}

#[test]
fn recomputed_statistics_are_those_of_the_whole_data_set() {
    let data = data(41);
    let x = samples(&data);
    // Means and variances of up to 41 values near 1 in f32, through one layer.
    let near = Tolerance {
        relative: 2e-5,
        absolute: 2e-6,
    };
    for device in [cpu(), gpu()] {
        // One batch; batches with a short last one of nine rows; one of a single row.
        for batch in [64, 16, 8] {
            let mut network = normalised(device);
            let gain: Vec<f32> = (0..FEATURES).map(|j| 0.5 + j as f32 / 4.0).collect();
            network.set_parameter("layers.0.weight", &gain).unwrap();
            network.recompute_statistics(&data, batch).unwrap();
            let found = running(&mut network);
            let reaching = reaching(&mut network, &x, batch);
            for (found, rows) in found.iter().zip(&reaching) {
                assert_close(&format!("batches of {batch}"), found, &pooled(rows), near);
            }
        }
    }
}

#[test]
fn recomputing_statistics_changes_nothing_else() {
    let data = data(24);
    for device in [cpu(), gpu()] {
        let build = || {
            let layers = Sequential::new(FEATURES).dense(HIDDEN).batch_norm();
            let network = layers.dropout(0.3).dense(CLASSES).build(device, 4).unwrap();
            let builder = Trainer::builder(network).optimizer(Adam::new(0.02));
            builder.batch_size(8).average(0.5).build().unwrap()
        };
        let mut plain = build();
        plain.steps(&data, 7).unwrap();
        let mut trainer = build();
        trainer.steps(&data, 4).unwrap();
        trainer.evaluate(&data).unwrap();
        trainer.recompute_statistics(&data).unwrap();
        let once = trainer.network().parameter("layers.1.running_var").unwrap();
        trainer.recompute_statistics(&data).unwrap();
        let twice = trainer.network().parameter("layers.1.running_var").unwrap();
        // Neither random nor dependent on what was there before.
        assert_same_bits("again", &once, &twice);
        trainer.steps(&data, 3).unwrap();
        assert_same_bits(
            "training",
            &parameters(trainer.network_mut()),
            &parameters(plain.network_mut()),
        );

        // Of averaged weights: the network's own statistics are not theirs.
        let mut averaged = trainer.averaged().unwrap();
        let own = averaged.parameter("layers.1.running_mean").unwrap();
        averaged.recompute_statistics(&data, 64).unwrap();
        let recomputed = averaged.parameter("layers.1.running_mean").unwrap();
        assert_ne!(own, recomputed);
        let [w, b] = ["weight", "bias"]
            .map(|end| widen(&averaged.parameter(&format!("layers.0.{end}")).unwrap()));
        let x = widen(&samples(&data));
        let expected: Vec<f64> = (0..HIDDEN)
            .map(|o| {
                let row = |row: &[f64]| -> f64 {
                    let products = row.iter().zip(&w[o * FEATURES..]);
                    products.map(|(x, w)| x * w).sum::<f64>() + b[o]
                };
                x.chunks(FEATURES).map(row).sum::<f64>() / data.len() as f64
            })
            .collect();
        assert_close(
            "averaged",
            &recomputed,
            &expected,
            Tolerance::absolute(1e-5),
        );

        // Half-way through, a batch overflows: all statistics stay.
        let before = averaged.parameter("layers.1.running_mean").unwrap();
        let mut large = samples(&data);
        large[20 * FEATURES..].fill(f32::MAX);
        let large = Dataset::unlabelled(FEATURES, large).unwrap();
        let error = averaged.recompute_statistics(&large, 8).unwrap_err();
        assert!(
            matches!(&error, Error::NonFinite { tensor, .. } if tensor.starts_with("layers.1.")),
            "{error}"
        );
        let after = averaged.parameter("layers.1.running_mean").unwrap();
        assert_same_bits("kept", &before, &after);
    }
}

#[test]
fn data_without_statistics_are_refused() {
    let mut network = normalised(cpu());
    let one = Dataset::unlabelled(FEATURES, vec![0.0; FEATURES]).unwrap();
    let narrow = Dataset::unlabelled(2, vec![0.0; 8]).unwrap();
    let refused = network.recompute_statistics(&one, 8);
    assert!(matches!(refused, Err(Error::Argument { .. })));
    let refused = network.recompute_statistics(&data(9), 0);
    assert!(matches!(refused, Err(Error::Argument { .. })));
    let refused = network.recompute_statistics(&narrow, 8);
    assert!(matches!(refused, Err(Error::Shape { .. })));
    // Nothing to compute.
    let layers = Sequential::new(FEATURES).dense(CLASSES);
    let mut plain = layers.build(cpu(), 0).unwrap();
    plain.recompute_statistics(&one, 8).unwrap();
}
