//! Trainers whose checkpoints, written by version 0.1.0, are in `tests/vectors/checkpoints`.

use wgrad::{
    Activation, Adadelta, Adagrad, Adam, AdamW, Adamax, Augmentation, Better, Clip, Dataset,
    Device, Graph, Init, Layout, Lion, Loss, LossTarget, NAdam, Network, OneCycle, Optimizer,
    ParameterGroup, Phase, RAdam, ReduceOnPlateau, RmsProp, Schedule, Sequential, Sgd, Threshold,
    Trainer, TrainerBuilder,
};

const FEATURES: usize = 6;
const CLASSES: usize = 3;

/// Every recipe, with the steps before its checkpoint was saved. All end within an epoch of eight steps.
pub(crate) const RECIPES: &[(&str, u64)] = &[
    ("everything", 11),
    ("momentum", 13),
    ("phases", 5),
    ("adagrad", 3),
    ("adadelta", 3),
    ("adamax", 3),
    ("nadam", 3),
    ("radam", 3),
    ("lion", 3),
];

/// Steps from the checkpoint to the weights of the other file: within the epoch.
pub(crate) const STEPS_AFTER: u64 = 2;

/// 60 samples: eight batches of eight, the last one short. The label is that of the greatest of three features.
pub(crate) fn data() -> Dataset {
    let samples: Vec<f32> = (0..60 * FEATURES)
        .map(|i| ((i * 7919 + i / 5) % 23) as f32 / 11.0 - 1.0)
        .collect();
    let label = |sample: &[f32]| {
        let classes =
            (0..CLASSES as u32).max_by(|&a, &b| sample[a as usize].total_cmp(&sample[b as usize]));
        classes.unwrap()
    };
    let labels = samples.chunks(FEATURES).map(label).collect();
    Dataset::from_floats(FEATURES, samples, labels, CLASSES).unwrap()
}

pub(crate) fn recipe(name: &str, device: &Device) -> TrainerBuilder {
    let one_layer = |optimizer: Optimizer| {
        let layer = Sequential::new(FEATURES).dense(CLASSES);
        Trainer::builder(layer.build(device, 8).unwrap())
            .optimizer(optimizer)
            .loss(Loss::softmax_cross_entropy())
    };
    let builder = match name {
        "everything" => Trainer::builder(network(device))
            .loss(Loss::softmax_cross_entropy().label_smoothing(0.1))
            .optimizer(AdamW::new(0.02).amsgrad(true))
            .schedule(Schedule::Cosine {
                steps: 200,
                floor: 0.1,
            })
            .group(ParameterGroup::vectors().no_weight_decay())
            .clip(Clip::Norm(0.5))
            .accumulate(2)
            .average(0.9)
            .augment(Augmentation::new([2, 3]).shift(0.3)),
        // The loss that a trainer has if none is named.
        "momentum" => {
            let layers = Sequential::new(FEATURES).dense(5).tanh().dense(CLASSES);
            let plateau = ReduceOnPlateau::new()
                .patience(1)
                .better(Better::Lower)
                .threshold(Threshold::Absolute(0.01));
            Trainer::builder(layers.build(device, 8).unwrap())
                .optimizer(Sgd::new(0.1).momentum(0.9).nesterov(true))
                .schedule(OneCycle::new(40))
                .reduce_on_plateau(plateau)
                .clip(Clip::Value(0.5))
        }
        "phases" => Trainer::builder(players(device))
            .phase(
                Phase::new(RmsProp::new(0.01).momentum(0.5).centered(true))
                    .loss("real")
                    .loss("fake")
                    .train("d."),
            )
            .phase(Phase::new(Adam::new(0.01)).loss("fooled").train("g.")),
        "adagrad" => one_layer(
            Adagrad::new(0.1)
                .rate_decay(0.1)
                .initial_accumulator(0.5)
                .into(),
        ),
        "adadelta" => {
            one_layer(Adadelta::new(1.0).into()).schedule(Schedule::Exponential { factor: 0.9 })
        }
        "adamax" => one_layer(Adamax::new(0.01).into()).schedule(Schedule::Step {
            every: 2,
            factor: 0.5,
        }),
        "nadam" => one_layer(NAdam::new(0.01).decoupled(true).into()),
        "radam" => one_layer(RAdam::new(0.01).l1(1e-3).into()),
        "lion" => one_layer(Lion::new(0.01).weight_decay(0.1).into()),
        _ => panic!("no recipe {name}"),
    };
    builder.batch_size(8).seed(6)
}

/// Layers of every kind that has parameters or state.
pub(crate) fn network(device: &Device) -> Network {
    let layers = Sequential::new(FEATURES)
        .dense_without_bias(5)
        .batch_norm()
        .prelu()
        .dropout(0.2)
        .dense(8)
        .layer_norm()
        .swiglu();
    layers.dense(CLASSES).build(device, 5).unwrap()
}

/// `g.w` makes something of the samples, `d.w` judges it and the samples.
fn players(device: &Device) -> Network {
    let mut graph = Graph::new();
    let x = graph.input(FEATURES).unwrap();
    let shapes = [("g.w", [FEATURES, FEATURES]), ("d.w", [1, FEATURES])];
    let [g, d] =
        shapes.map(|(name, shape)| graph.parameter(name, shape, Init::XavierNormal).unwrap());
    let made = graph.matmul(x, g, Layout::NT).unwrap();
    let made = graph.activation(made, Activation::Tanh).unwrap();
    let real = graph.matmul(x, d, Layout::NT).unwrap();
    let fake = graph.matmul(made, d, Layout::NT).unwrap();
    for (name, judged, truth) in [
        ("real", real, 1.0),
        ("fake", fake, 0.0),
        ("fooled", fake, 1.0),
    ] {
        let loss = Loss::binary_cross_entropy_with_logits();
        graph
            .loss(name, &[judged], LossTarget::Constant(truth), loss)
            .unwrap();
    }
    graph.build(made, device, 4).unwrap()
}
