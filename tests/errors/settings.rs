//! Settings without effect, which are errors. No error prints the internals of a setting.

use super::common::devices::cpu;
use super::common::networks::parameters;
use wgrad::{
    Adam, AdamW, Augmentation, Clip, Criterion, Dataset, Error, Fit, Graph, Init, Loss, LossTarget,
    Network, ParameterGroup, Phase, PlateauMetric, ReduceOnPlateau, Schedule, Sequential, Sgd,
    Trainer, TrainerBuilder,
};

fn network() -> Network {
    let layers = Sequential::new(4).dense(3).relu().dense(2);
    layers.build(cpu(), 1).unwrap()
}

fn builder() -> TrainerBuilder {
    Trainer::builder(network())
}

/// An error, whose text must not be what `Debug` makes of a structure.
fn plain(error: &Error) -> String {
    let text = error.to_string();
    for dump in [" { ", " }", "Some(", "None", "[\""] {
        assert!(!text.contains(dump), "{text}");
    }
    text
}

#[test]
fn settings_without_effect_are_refused() {
    // Before any dense layer; and the same behind one is taken.
    let layers = || Sequential::new(4).relu();
    let misplaced = layers().init(Init::Zeros).dense(2);
    for result in [
        misplaced.build(cpu(), 0).map(drop),
        misplaced.graph().map(drop),
        Sequential::new(4)
            .init(Init::Zeros)
            .build(cpu(), 0)
            .map(drop),
    ] {
        plain(&result.unwrap_err());
    }
    let mut zeros = layers()
        .dense(2)
        .batch_norm()
        .init(Init::Zeros)
        .build(cpu(), 0)
        .unwrap();
    assert_eq!(parameters(&mut zeros)[..8], [0.0; 8]);

    let group = ParameterGroup::matching;
    let phase = || Phase::new(Sgd::new(0.1));
    for (builder, word) in [
        (
            builder().optimizer(Adam::new(0.1)).phase(phase()),
            "optimizer",
        ),
        (builder().group(group("layers.0.")), "layers.0."),
        (
            builder().group(group("*").weight_decay_factor(0.5)),
            "decay",
        ),
        (
            builder()
                .optimizer(Sgd::new(0.1))
                .group(group("*").l1_factor(2.0)),
            "L1",
        ),
        (builder().augment(Augmentation::new([2, 2])), "augmentation"),
        (
            builder().augment(Augmentation::new([2, 2]).elastic(0.0, 3)),
            "augmentation",
        ),
        (
            builder()
                .group(group("layers.0.").frozen())
                .phase(phase().train("layers.0.").train("layers.1.")),
            "layers.0.",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
        assert!(plain(&error).contains(word), "{error}");
    }
    // What promises nothing that it does not keep is taken.
    for builder in [
        builder()
            .optimizer(Sgd::new(0.1))
            .group(group("*").no_weight_decay()),
        builder()
            .optimizer(AdamW::new(0.1))
            .group(group("*").weight_decay_factor(0.5)),
        builder().augment(Augmentation::new([2, 2]).shift(0.5)),
    ] {
        builder.build().unwrap();
    }
    for plateau in [
        ReduceOnPlateau::new().floor(1.0),
        ReduceOnPlateau::new().min_fall(1.0),
        ReduceOnPlateau::new().factor(0.8).min_fall(0.5),
    ] {
        plain(&plateau.build().unwrap_err());
        assert!(builder().reduce_on_plateau(plateau).build().is_err());
    }
}

/// A phase names parameters that its losses do not depend on.
#[test]
fn a_phase_that_cannot_train_what_it_names_is_refused() {
    let mut graph = Graph::new();
    let x = graph.input(3).unwrap();
    let a = graph.dense(x, 2, Init::default()).unwrap();
    let b = graph.dense(x, 2, Init::default()).unwrap();
    for (name, value) in [("a", a), ("b", b)] {
        let loss = Loss::softmax_cross_entropy();
        graph.loss(name, &[value], LossTarget::Batch, loss).unwrap();
    }
    let sum = graph.add(a, b).unwrap();
    let build = |phase: Phase| {
        let network = graph.clone().build(sum, cpu(), 0).unwrap();
        Trainer::builder(network).phase(phase).build()
    };
    let phase = || Phase::new(Sgd::new(0.1)).loss("a").train("layers.0.");
    build(phase()).unwrap();
    let error = build(phase().train("layers.1.")).unwrap_err();
    assert!(plain(&error).contains("layers.1."), "{error}");
}

#[test]
fn no_error_prints_the_inside_of_a_setting() {
    let data = Dataset::from_floats(4, vec![0.5; 32], vec![0; 8], 2).unwrap();
    let mut errors = Vec::new();
    // The number of a criterion's inputs.
    let mut graph = Graph::new();
    let x = graph.input(3).unwrap();
    for criterion in [
        Criterion::SoftmaxCrossEntropy { smoothing: 0.1 },
        Criterion::SmoothL1 { beta: 1.0 },
        Criterion::Huber { delta: 1.0 },
    ] {
        let result = graph.loss("l", &[x, x], LossTarget::Batch, criterion);
        errors.push(result.unwrap_err());
    }
    // Averages before there are any.
    let mut trainer = builder().average(0.5).build().unwrap();
    errors.push(trainer.averaged().unwrap_err());
    errors.push(builder().build().unwrap().averaged().unwrap_err());
    // A plateau that is not there.
    let fit = Fit::epochs(1).plateau_metric(PlateauMetric::TrainingLoss);
    errors.push(trainer.fit_until(&data, fit).unwrap_err());
    errors.push(trainer.observe(1.0).unwrap_err());
    errors.iter().for_each(|error| drop(plain(error)));
}

/// Every setting that a checkpoint is refused for is named, with what it is in the file and what it is here.
#[test]
fn a_refused_checkpoint_names_each_setting_that_differs() {
    let data = Dataset::from_floats(4, vec![0.5; 32], vec![0; 8], 2).unwrap();
    let base = || builder().optimizer(Adam::new(0.1)).batch_size(4);
    let mut saved = base().build().unwrap();
    saved.steps(&data, 3).unwrap();
    let bytes = pollster::block_on(saved.to_bytes_async()).unwrap();
    let group = ParameterGroup::matching;
    let linear = Schedule::Linear {
        start: 0.5,
        end: 1.0,
        steps: 9,
    };
    let cases: [(TrainerBuilder, &[&str]); 14] = [
        (base().seed(7), &["seed: 0", "seed: 7"]),
        (base().batch_size(8), &["batch size: 4", "batch size: 8"]),
        (base().shuffle(false), &["shuffle: yes", "shuffle: no"]),
        (
            base().schedule(linear),
            &["schedule: constant", "schedule: linear"],
        ),
        (
            base().clip(Clip::Norm(0.5)),
            &["clipping: none", "clipping: norm 0.5"],
        ),
        (base().average(0.9), &["average: none", "average: 0.9"]),
        (
            base().accumulate(2),
            &["accumulated batches: 1", "accumulated batches: 2"],
        ),
        (
            base().optimizer(Adam::new(0.2)),
            &[
                "learning rate of the optimizer: 0.1",
                "learning rate of the optimizer: 0.2",
            ],
        ),
        (
            base().optimizer(Sgd::new(0.1)),
            &["optimizer: adam", "optimizer: sgd"],
        ),
        (
            base().reduce_on_plateau(ReduceOnPlateau::new()),
            &["plateau: none", "plateau: reduce on plateau"],
        ),
        (
            base().augment(Augmentation::new([2, 2]).shift(0.5)),
            &["augmentation: none", "augmentation: augmentation"],
        ),
        (
            base().group(group("layers.0.bias").rate_factor(0.5)),
            &[
                "rate factor of layers.0.bias: 1.0",
                "rate factor of layers.0.bias: 0.5",
            ],
        ),
        (
            base().group(group("layers.1.weight").frozen()),
            &[
                "training of layers.1.weight: yes",
                "training of layers.1.weight: no",
            ],
        ),
        // Several at once.
        (
            base()
                .seed(3)
                .batch_size(2)
                .loss(Loss::softmax_cross_entropy().label_smoothing(0.25)),
            &[
                "seed: 3",
                "batch size: 2",
                "smoothing of the criterion of the loss: 0.25",
            ],
        ),
    ];
    for (builder, indices) in cases {
        let mut trainer = builder.build().unwrap();
        let before = parameters(trainer.network_mut());
        let error = pollster::block_on(trainer.load_bytes_async("file", &bytes)).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error}");
        let text = error.to_string();
        for word in indices {
            assert!(text.contains(word), "{word}: {text}");
        }
        for dump in [" { ", " }", "Some(", "None", "[\""] {
            assert!(!text.contains(dump), "{text}");
        }
        assert_eq!(before, parameters(trainer.network_mut()));
        assert_eq!(trainer.step_count(), 0);
    }
}
