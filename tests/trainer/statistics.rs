//! Running statistics: the steps that change them, and those that use them. recomputation.rs computes them anew.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::common::oracle::widen;
use super::{CLASSES, FEATURES, data, samples};
use approx::assert_abs_diff_eq;
use wgrad::{
    Adam, Dataset, Device, Error, Graph, Init, Loss, LossTarget, Network, ParameterGroup, Phase,
    Sequential, Sgd, Trainer, TrainerBuilder,
};

pub(super) const HIDDEN: usize = 5;

/// Batch normalisations are layers 0 and 2.
pub(super) fn normalised(device: &Device) -> Network {
    let layers = Sequential::new(FEATURES)
        .batch_norm()
        .dense(HIDDEN)
        .tanh()
        .batch_norm();
    layers.dense(CLASSES).build(device, 2).unwrap()
}

/// Running means and variances of layers 0 and 2.
pub(super) fn running(network: &mut Network) -> [Vec<f32>; 2] {
    [0, 2].map(|layer| {
        let [mut mean, variance] = ["mean", "var"].map(|end| {
            let name = format!("layers.{layer}.running_{end}");
            network.parameter(&name).unwrap()
        });
        mean.extend(variance);
        mean
    })
}

#[test]
fn frozen_normalisations_keep_their_statistics() {
    let data = data(40);
    let frozen = |pattern: &str| ParameterGroup::matching(pattern).frozen();
    for device in [cpu(), gpu()] {
        let plain = || {
            let builder = Trainer::builder(normalised(device)).optimizer(Adam::new(0.01));
            builder.batch_size(16)
        };
        let phase = || Phase::new(Sgd::new(0.1));
        let cases: [(&str, TrainerBuilder, [bool; 2]); 7] = [
            ("none", plain(), [true, true]),
            ("one", plain().group(frozen("layers.0.")), [false, true]),
            (
                "all",
                plain()
                    .group(frozen("layers.0."))
                    .group(frozen("layers.2.")),
                [false, false],
            ),
            // A layer that is trained in part is trained.
            (
                "gain",
                plain().group(frozen("layers.2.weight")),
                [true, true],
            ),
            ("bias", plain().group(frozen("layers.2.bias")), [true, true]),
            (
                "thawed",
                plain()
                    .group(frozen("*"))
                    .group(ParameterGroup::matching("layers.2.").rate_factor(0.5)),
                [false, true],
            ),
            (
                "phases",
                Trainer::builder(normalised(device))
                    .batch_size(16)
                    .phase(phase().train("layers.1."))
                    .phase(phase().train("layers.2.bias").train("layers.3.")),
                [false, true],
            ),
        ];
        for (name, builder, moves) in cases {
            let mut trainer = builder.build().unwrap();
            // Statistics of a network that was trained before.
            let network = trainer.network_mut();
            for (layer, cols) in [(0, FEATURES), (2, HIDDEN)] {
                let [mean, variance] = [0.25, 2.0].map(|value| vec![value; cols]);
                let name = |end| format!("layers.{layer}.running_{end}");
                network.set_parameter(&name("mean"), &mean).unwrap();
                network.set_parameter(&name("var"), &variance).unwrap();
            }
            let before = running(network);
            let weights = parameters(network);
            trainer.steps(&data, 4).unwrap();
            let after = running(trainer.network_mut());
            for (i, moves) in moves.into_iter().enumerate() {
                if moves {
                    assert_ne!(before[i], after[i], "{name} {i}");
                } else {
                    assert_same_bits(name, &before[i], &after[i]);
                }
            }
            assert_ne!(weights, parameters(trainer.network_mut()), "{name}");
        }
    }
}

/// A discriminator and a generator in turn: each step moves the statistics of the layers that it trains, not of those
/// that it only passes through.
#[test]
fn a_phase_moves_only_the_statistics_of_its_own_layers() {
    let mut graph = Graph::new();
    let x = graph.input(FEATURES).unwrap();
    let z = graph.dense(x, HIDDEN, Init::default()).unwrap();
    let made = graph.batch_norm(z).unwrap(); // layers.1, the generator's
    let h = graph.dense(made, HIDDEN, Init::default()).unwrap();
    let h = graph.batch_norm(h).unwrap(); // layers.3, the discriminator's
    let y = graph.dense(h, 1, Init::default()).unwrap();
    let logits = Loss::binary_cross_entropy_with_logits();
    let mut add = |name: &str, target| {
        let target = LossTarget::Constant(target);
        graph.loss(name, &[y], target, logits.clone()).unwrap();
    };
    add("fake", 0.0);
    add("fooled", 1.0);
    let data = Dataset::unlabelled(FEATURES, samples(&data(16))).unwrap();
    for device in [cpu(), gpu()] {
        let phase = |name| Phase::new(Sgd::new(0.1)).loss(name);
        let mut trainer = Trainer::builder(graph.clone().build(y, device, 1).unwrap())
            .phase(phase("fake").train("layers.2.").train("layers.3."))
            .phase(phase("fooled").train("layers.0.").train("layers.1."))
            .batch_size(16)
            .build()
            .unwrap();
        let read = |trainer: &mut Trainer| {
            trainer.steps(&data, 1).unwrap();
            [1, 3].map(|layer| {
                let name = format!("layers.{layer}.running_mean");
                trainer.network().parameter(&name).unwrap()
            })
        };
        let [generator, first] = read(&mut trainer);
        assert_eq!(generator, [0.0; HIDDEN]);
        assert_ne!(first, [0.0; HIDDEN]);
        let [generator, second] = read(&mut trainer);
        assert_ne!(generator, [0.0; HIDDEN]);
        assert_same_bits("discriminator", &first, &second);
    }
}

/// One step of plain descent through a normalisation with running statistics, against its formula in f64.
#[test]
fn a_layer_can_take_its_running_statistics_in_training() {
    const EPSILON: f64 = 1e-5;
    let data = data(12);
    let (x, labels) = (samples(&data), data.labels());
    let group = || ParameterGroup::matching("layers.1.");
    for device in [cpu(), gpu()] {
        let build = |groups: &[ParameterGroup]| {
            let layers = Sequential::new(FEATURES)
                .dense_without_bias(HIDDEN)
                .batch_norm();
            let mut network = layers.dense(CLASSES).build(device, 4).unwrap();
            let column = |from: f32| (0..HIDDEN).map(|j| from + j as f32 / 4.0).collect();
            let set: [(&str, Vec<f32>); 4] = [
                ("weight", column(0.5)),
                ("bias", column(-0.25)),
                ("running_mean", column(0.1)),
                ("running_var", column(0.75)),
            ];
            for (end, values) in &set {
                let name = format!("layers.1.{end}");
                network.set_parameter(&name, values).unwrap();
            }
            let builder = Trainer::builder(network)
                .optimizer(Sgd::new(1.0))
                .batch_size(12);
            let with =
                |builder: TrainerBuilder, group: &ParameterGroup| builder.group(group.clone());
            groups.iter().fold(builder, with).build().unwrap()
        };
        let mut trainer = build(&[group().running_statistics()]);
        let network = trainer.network();
        let mut read = |name: &str| widen(&network.parameter(name).unwrap());
        let (v, w, b) = (
            read("layers.0.weight"),
            read("layers.2.weight"),
            read("layers.2.bias"),
        );
        let [gamma, beta] = ["layers.1.weight", "layers.1.bias"].map(&mut read);
        let [mean, variance] = ["layers.1.running_mean", "layers.1.running_var"].map(&mut read);
        let inverse: Vec<f64> = variance
            .iter()
            .map(|v| 1.0 / (v + EPSILON).sqrt())
            .collect();

        let mut expected: Vec<Vec<f64>> =
            vec![v.clone(), gamma.clone(), beta.clone(), w.clone(), b.clone()];
        let mut loss = 0.0;
        for (x, &label) in widen(&x).chunks(FEATURES).zip(labels) {
            let dot = |weights: &[f64], x: &[f64]| -> f64 {
                weights.iter().zip(x).map(|(w, x)| w * x).sum()
            };
            let normal: Vec<f64> = (0..HIDDEN)
                .map(|j| (dot(&v[j * FEATURES..], x) - mean[j]) * inverse[j])
                .collect();
            let y: Vec<f64> = (0..HIDDEN)
                .map(|j| gamma[j] * normal[j] + beta[j])
                .collect();
            let z: Vec<f64> = (0..CLASSES)
                .map(|o| dot(&w[o * HIDDEN..], &y) + b[o])
                .collect();
            let total: f64 = z.iter().map(|z| z.exp()).sum();
            loss += (total.ln() - z[label as usize]) / 12.0;
            let dz = |o: usize| {
                let hit = f64::from(u8::from(o == label as usize));
                (z[o].exp() / total - hit) / 12.0
            };
            for o in 0..CLASSES {
                (0..HIDDEN).for_each(|j| expected[3][o * HIDDEN + j] -= dz(o) * y[j]);
                expected[4][o] -= dz(o);
            }
            for j in 0..HIDDEN {
                let dy: f64 = (0..CLASSES).map(|o| dz(o) * w[o * HIDDEN + j]).sum();
                expected[1][j] -= dy * normal[j];
                expected[2][j] -= dy;
                let dh = dy * gamma[j] * inverse[j];
                (0..FEATURES).for_each(|i| expected[0][j * FEATURES + i] -= dh * x[i]);
            }
        }
        let before = trainer
            .network()
            .parameter("layers.1.running_mean")
            .unwrap();
        let report = trainer.step(&x, labels).unwrap();
        assert_abs_diff_eq!(report.loss, loss, epsilon = 1e-5);
        let after = trainer
            .network()
            .parameter("layers.1.running_mean")
            .unwrap();
        assert_same_bits("statistics", &before, &after);
        let found = parameters(trainer.network_mut());
        // Sums of twelve rows through two products in f32, of numbers near 1.
        assert_close(
            "step",
            &found,
            &expected.concat(),
            Tolerance::absolute(2e-5),
        );

        // It is what evaluation computes, and with frozen parameters they stay too.
        let mut frozen = build(&[group().running_statistics().frozen()]);
        let evaluated = frozen.evaluate(&data).unwrap().loss;
        let gain = frozen.network().parameter("layers.1.weight").unwrap();
        let stepped = frozen.step(&x, labels).unwrap().loss;
        assert_abs_diff_eq!(stepped, evaluated, epsilon = 1e-6);
        let kept = frozen.network().parameter("layers.1.weight").unwrap();
        assert_same_bits("gain", &gain, &kept);
        // A checkpoint tells the two kinds of training apart.
        let bytes = pollster::block_on(trainer.to_bytes_async()).unwrap();
        let refused = pollster::block_on(build(&[]).load_bytes_async("file", &bytes));
        assert!(matches!(refused, Err(Error::Format { .. })), "{refused:?}");
    }
    // There is nothing to take.
    let layers = Sequential::new(FEATURES).dense(CLASSES);
    let network = layers.build(cpu(), 0).unwrap();
    let group = ParameterGroup::matching("*").running_statistics();
    let result = Trainer::builder(network).group(group).build();
    assert!(matches!(result, Err(Error::Argument { .. })));
}
