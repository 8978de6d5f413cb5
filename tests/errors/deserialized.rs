//! Settings through serde: what is written is read as it was, and what is out of range is refused where it is used.

use super::zeros;
use crate::common::devices::cpu;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json, to_value};
use std::fmt::Debug;
use std::time::Duration;
use wgrad::optim::{AdamW, Anneal, Better, Clip, Factors, OneCycle, Optimizer, Threshold};
use wgrad::optim::{ParameterGroup, ReduceOnPlateau, Schedule, Sgd};
use wgrad::train::{EarlyStopping, Metric, Phase, PlateauMetric, Resume, StopRule};
use wgrad::{
    Activation, Attention, Augmentation, Criterion, Dataset, Device, Distribution, Error, Fan,
    GpuOptions, Graph, Init, Layout, LoadOptions, Loss, Padding, Pool, Reduction, Sequential,
    Shape, Trainer, TransformerLayer, Tuning,
};

/// Writes a setting as text, reads it back, and returns what was read.
fn round_trip<T: Serialize + DeserializeOwned>(setting: &T) -> T {
    let text = serde_json::to_string(setting).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(settings: &[T]) {
    assert!(!settings.is_empty());
    for setting in settings {
        assert_eq!(round_trip(setting), *setting);
    }
}

#[test]
fn every_setting_is_read_as_it_was_written() {
    same(&Activation::ALL);
    same(&Criterion::ALL);
    same(&Criterion::ALL.map(|c| Loss::from(c).scaled(0.5).reduction(Reduction::Sum)));
    same(&Optimizer::ALL);
    same(&Layout::ALL);
    same(&[Reduction::Mean, Reduction::Sum, Reduction::BatchMean]);
    same(&[
        Loss::softmax_cross_entropy()
            .class_weights([1.0, 0.25])
            .ignore_index(1),
        // Refused when it is used, before and after.
        Loss::mean_squared_error().label_smoothing(0.1),
    ]);
    same(&[AdamW::new(1e-3).weight_decay(0.1)]);
    same(&[Clip::Norm(1.0), Clip::Value(0.5)]);
    same(&[Factors::new().rate(0.1)]);
    let one_cycle = OneCycle::new(100).anneal(Anneal::Linear);
    let warm_up = Schedule::Linear {
        start: 0.1,
        end: 1.0,
        steps: 10,
    };
    let (every, factor, power, floor, steps) = (3, 0.5, 2.0, 0.125, 9);
    let milestones = vec![3, 5];
    let schedules = [
        Schedule::Constant,
        Schedule::Step { every, factor },
        Schedule::MultiStep { milestones, factor },
        Schedule::Exponential { factor },
        warm_up.clone(),
        Schedule::Polynomial { steps, power },
        Schedule::Cosine { steps, floor },
        Schedule::OneCycle(one_cycle),
        Schedule::sequence([(warm_up, 10), (Schedule::OneCycle(one_cycle), 90)]),
    ];
    same(&schedules);
    same(&[
        ParameterGroup::vectors().no_weight_decay(),
        ParameterGroup::matching("layers.0.").frozen(),
        ParameterGroup::matching("*")
            .l1_factor(0.5)
            .running_statistics(),
        ParameterGroup::matching("*")
            .learning_rate(1e-4)
            .weight_decay(0.1)
            .l1(0.5),
    ]);
    let plateau = ReduceOnPlateau::new().better(Better::Higher);
    same(&[plateau, plateau.threshold(Threshold::Absolute(0.5))]);
    let (gain, mean, std, low, high) = (2.0, 1.0, 0.5, -1.0, 1.5);
    let scaled = |fan, distribution| Init::Scaled {
        gain,
        fan,
        distribution,
    };
    same(&[
        Init::Zeros,
        Init::Constant(0.25),
        Init::Uniform { low, high },
        Init::Normal { mean, std },
        Init::TruncatedNormal { mean, std },
        Init::XavierNormal,
        Init::XavierUniform,
        Init::KaimingNormal,
        Init::KaimingUniform,
        Init::LecunNormal,
        Init::LecunUniform,
        scaled(Fan::In, Distribution::Normal),
        scaled(Fan::Out, Distribution::Uniform),
        scaled(Fan::Mean, Distribution::Normal),
        Init::Orthogonal { gain },
    ]);
    let layers = Sequential::new(4).dense(6).init(Init::KaimingNormal).relu();
    let layers = layers.dropout(0.25).dense_without_bias(4).batch_norm();
    same(&[layers.glu().dense(3).log_softmax()]);
    same(&[Sequential::new([4, 4, 2])
        .dense(3)
        .reshape([16, 3])
        .flatten()]);
    let pool = Pool::new([3, 2])
        .stride(1)
        .padding([[1, 0], [0, 1]])
        .dilation(2);
    let pool = pool.ceil_mode(true).count_include_pad(false);
    same(&[pool, Pool::new(2)]);
    let attention = Attention::new(3)
        .causal(true)
        .past(2)
        .scale(0.5)
        .dropout(0.25);
    same(&[attention, Attention::new(1)]);
    let transformer = TransformerLayer::new(2)
        .activation(Activation::Gelu)
        .feed_forward(5)
        .dropout(0.1)
        .norm_first(true)
        .causal(true)
        .epsilon(1e-6);
    same(&[transformer, TransformerLayer::new(1)]);
    let tokens = Sequential::new(4).embedding(9, 6).learned_positions();
    let tokens = tokens
        .sinusoidal_positions()
        .transformer_encoder(transformer);
    same(&[
        tokens.multi_head_attention(attention),
        Sequential::new(4).padded_embedding(9, 6, 2),
    ]);
    same(&[Padding::Valid, Padding::Same, Padding::from([1, 2])]);
    let images = Sequential::new([2, 16, 16]).permute([1, 2, 0]).zero_pad(1);
    let images = images.max_pool(2).average_pool(pool).upsample([1, 2]);
    let images = images.group_norm(2).rms_norm();
    same(&[
        images.clone().global_max_pool(),
        images.global_average_pool(),
    ]);
    same(&[Shape::from(7), Shape::from([2, 3, 4])]);
    same(&[Augmentation::new([7, 5])
        .shift(1.0)
        .rotate(10.0)
        .elastic(1.0, 3)]);
    same(&[EarlyStopping::new(3)
        .metric(Metric::Accuracy)
        .min_delta(0.5)]);
    same(&[StopRule::new(1e-4).every(10).checks(2)]);
    same(&[
        PlateauMetric::TrainingLoss,
        PlateauMetric::TrainingAccuracy,
        PlateauMetric::ValidationLoss,
        PlateauMetric::ValidationAccuracy,
        PlateauMetric::Manual,
    ]);
    same(&[Resume::Exact, Resume::KeepMoments]);
    same(&[LoadOptions::new().allow_unexpected(true)]);
    same(&[Phase::new(Sgd::new(0.1))
        .loss("real")
        .train("discriminator.")]);
}

#[test]
fn options_of_a_gpu_are_read_as_they_were_written() {
    let text = "wgrad tuning 1\nadapter Some GPU\nNT 64 10 512 4x4x256\n";
    let options = GpuOptions::default()
        .allow_software(true)
        .name("llvmpipe")
        .memory_limit(1 << 20)
        .pipeline_cache("some/folder")
        .timeout(Duration::from_millis(1500))
        .tuning(Tuning::parse("a tuning", text).unwrap());
    let read = round_trip(&options);
    assert_eq!(format!("{read:?}"), format!("{options:?}"));
    // Those that are not named are as by default.
    let read: GpuOptions = from_value(json!({"allow_software": true})).unwrap();
    let expected = GpuOptions::default().allow_software(true);
    assert_eq!(format!("{read:?}"), format!("{expected:?}"));
    // A tuning that is none, hooks for tests, and misspelt names are refused.
    for wrong in [
        json!({"tuning": "nonsense"}),
        json!({"sentinels": true}),
        json!({"allow_sofware": true}),
    ] {
        assert!(from_value::<GpuOptions>(wrong.clone()).is_err(), "{wrong}");
    }
    let immediate = json!({"allow_software": true, "timeout": {"secs": 0, "nanos": 0}});
    let refused = Device::gpu(from_value(immediate).unwrap());
    assert!(
        matches!(refused, Err(Error::Argument { .. })),
        "{refused:?}"
    );
}

/// A setting with one field, found by its path, replaced.
fn with<T: Serialize + DeserializeOwned>(setting: &T, path: &str, value: Value) -> T {
    let mut text = to_value(setting).unwrap();
    *text
        .pointer_mut(path)
        .unwrap_or_else(|| panic!("no {path}")) = value;
    from_value(text).unwrap()
}

#[track_caller]
fn refused<T>(result: wgrad::Result<T>) {
    let result = result.map(drop);
    assert!(matches!(result, Err(Error::Argument { .. })), "{result:?}");
}

#[test]
fn what_is_out_of_range_is_refused_where_it_is_used() {
    let layers = || Sequential::new(2).dense(2);
    let build = || Trainer::builder(layers().build(cpu(), 1).unwrap());
    for optimizer in Optimizer::ALL {
        let path = format!("/{}/learning_rate", variant(&optimizer));
        for rate in [-1.0, 1e300] {
            let optimizer = with(&optimizer, &path, json!(rate));
            refused(build().optimizer(optimizer).build());
        }
    }
    let adam = with(&AdamW::new(0.1), "/beta1", json!(1.0));
    refused(build().optimizer(adam).build());
    let schedule = Schedule::Cosine {
        steps: 10,
        floor: 0.5,
    };
    refused(
        build()
            .schedule(with(&schedule, "/Cosine/steps", json!(0)))
            .build(),
    );
    refused(
        build()
            .clip(with(&Clip::Norm(1.0), "/Norm", json!(-1.0)))
            .build(),
    );
    let group = ParameterGroup::vectors().rate_factor(0.5);
    let negative = with(&group, "/learning_rate/Factor", json!(-0.5));
    refused(build().group(negative).build());
    let negative = with(&group, "/learning_rate", json!({"Value": -0.5}));
    refused(build().group(negative).build());
    let weighted = Loss::softmax_cross_entropy().class_weights([1.0, 2.0]);
    refused(
        build()
            .loss(with(&weighted, "/class_weights/0", json!(-1.0)))
            .build(),
    );
    refused(
        build()
            .loss(with(&Loss::default(), "/factor", json!(1e30)))
            .build(),
    );
    let huber = Loss::from(Criterion::Huber { delta: 1.0 });
    refused(
        build()
            .loss(with(&huber, "/criterion/Huber/delta", json!(0.0)))
            .build(),
    );
    let x = zeros(cpu(), 1, 4);
    let leaky = with(
        &Activation::LeakyRelu { slope: 0.1 },
        "/LeakyRelu/slope",
        json!(-1.0),
    );
    refused(x.activate(leaky));
    let init = Init::Normal {
        mean: 0.0,
        std: 1.0,
    };
    let init = with(&init, "/Normal/std", json!(-1.0));
    refused(layers().init(init).build(cpu(), 1));
    let dropout = with(&layers().dropout(0.5), "/layers/1/Dropout", json!(1.5));
    refused(dropout.build(cpu(), 1));
    let mut graph = Graph::new();
    let input = graph.input(2).unwrap();
    refused(graph.activation(input, leaky));
    let augmentation = with(&Augmentation::new([1, 2]).shift(1.0), "/shift", json!(-1.0));
    refused(build().augment(augmentation).build());
    let data = Dataset::from_floats(2, vec![0.0; 4], vec![0, 1], 2).unwrap();
    let mut trainer = build().build().unwrap();
    let stop = with(&StopRule::new(0.5), "/every", json!(0));
    refused(trainer.fit_until(&data, wgrad::Fit::epochs(1).stop_rule(stop)));
}

/// The name of an optimizer's variant.
fn variant(optimizer: &Optimizer) -> String {
    let text = to_value(optimizer).unwrap();
    text.as_object().unwrap().keys().next().unwrap().clone()
}

#[test]
fn what_is_not_a_setting_is_refused_when_it_is_read() {
    assert!(from_value::<Activation>(json!("Rleu")).is_err());
    assert!(from_value::<Loss>(json!({"criterion": "Hinge"})).is_err());
    let mut adam = to_value(AdamW::new(0.1)).unwrap();
    adam["momentum"] = json!(0.9);
    assert!(from_value::<AdamW>(adam).is_err());
    // AdamW's weight decay is decoupled, whatever a file says.
    let mut adam = to_value(AdamW::new(0.1)).unwrap();
    adam["decoupled"] = json!(false);
    let error = from_value::<AdamW>(adam).unwrap_err().to_string();
    assert!(error.contains("decoupled"), "{error}");
    // Shapes that no constructor makes.
    for shape in [
        json!({"dims": [{"Fixed": 2}], "rows": 2}),
        json!({"dims": [{"Fixed": 2}, "Batch"], "rows": 1}),
        json!({"dims": ["Batch", {"Fixed": 2}], "rows": 0}),
    ] {
        assert!(from_value::<Shape>(shape.clone()).is_err(), "{shape}");
    }
    // JSON has no number for what is not finite.
    let mut sgd = to_value(Sgd::new(0.1)).unwrap();
    sgd["learning_rate"] = Value::Null;
    assert!(from_value::<Sgd>(sgd).is_err());
}
