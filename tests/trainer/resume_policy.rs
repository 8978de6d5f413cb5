//! Resuming from a checkpoint with other settings, and the state of a fit's rules in checkpoints.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::{CLASSES, FEATURES, data};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use wgrad::{
    Adam, AdamW, Augmentation, Clip, Device, EarlyStopping, Error, Fit, History, Loss,
    ParameterGroup, Phase, ReduceOnPlateau, Resume, RmsProp, Schedule, Sequential, Sgd, Stopped,
    Trainer, TrainerBuilder,
};

fn builder(device: &Device) -> TrainerBuilder {
    let layers = Sequential::new(FEATURES).dense(8).batch_norm().tanh();
    let network = layers.dense(CLASSES).build(device, 7).unwrap();
    Trainer::builder(network).batch_size(8)
}

fn adam(device: &Device) -> TrainerBuilder {
    builder(device).optimizer(Adam::new(0.1))
}

fn bytes(trainer: &mut Trainer) -> Vec<u8> {
    pollster::block_on(trainer.to_bytes_async()).unwrap()
}

fn load(trainer: &mut Trainer, bytes: &[u8], resume: Resume) -> Result<(), Error> {
    pollster::block_on(trainer.load_bytes_with_async("file", bytes, resume))
}

/// All tensors of a checkpoint by name.
fn tensors(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let tensors = tensors.iter();
    tensors
        .map(|(name, view)| (name.to_string(), view.data().to_vec()))
        .collect()
}

/// Another rate or schedule from some step on is what one schedule would have done; everything else goes on to the bit.
#[test]
fn another_rate_or_schedule_keeps_moments_and_counts() {
    let data = data(40);
    for device in [cpu(), gpu()] {
        let falls = || Schedule::MultiStep {
            milestones: vec![7],
            factor: 0.5,
        };
        let mut whole = adam(device).schedule(falls()).build().unwrap();
        whole.steps(&data, 13).unwrap();
        let expected = parameters(whole.network_mut());

        let mut first = adam(device).build().unwrap();
        first.steps(&data, 7).unwrap();
        let saved = bytes(&mut first);
        for other in [
            adam(device).schedule(falls()),
            builder(device).optimizer(Adam::new(0.05)),
            // Limits that no gradient reaches.
            builder(device)
                .optimizer(Adam::new(0.05))
                .clip(Clip::Value(1e9)),
            builder(device)
                .optimizer(Adam::new(0.05))
                .steps_per_submit(3)
                .average(0.5),
        ] {
            let mut second = other.build().unwrap();
            let before = parameters(second.network_mut());
            let error = load(&mut second, &saved, Resume::Exact).unwrap_err();
            assert!(error.to_string().contains("Resume::KeepMoments"), "{error}");
            assert_eq!(second.step_count(), 0);
            assert_same_bits("refused", &parameters(second.network_mut()), &before);
            load(&mut second, &saved, Resume::KeepMoments).unwrap();
            assert_eq!((second.step_count(), second.epoch_number()), (7, 1));
            second.steps(&data, 6).unwrap();
            assert_same_bits("resumed", &parameters(second.network_mut()), &expected);
        }
    }
}

/// What a policy allows leaves every tensor of the file as it is.
#[test]
fn tensors_are_kept_whatever_else_differs() {
    let data = data(40);
    for device in [cpu(), gpu()] {
        let base = || adam(device).average(0.5);
        let mut first = base().build().unwrap();
        first.steps(&data, 7).unwrap();
        let saved = bytes(&mut first);
        let expected = tensors(&saved);
        assert!(expected.contains_key("moments.1.layers.0.weight"));
        let others: [(&str, TrainerBuilder); 12] = [
            ("nothing", base()),
            ("seed", base().seed(3)),
            ("order", base().shuffle(false)),
            ("decay", base().average(0.25)),
            (
                "rule",
                builder(device)
                    .optimizer(AdamW::new(0.1).l1(0.1))
                    .average(0.5),
            ),
            ("batch", base().batch_size(16)),
            ("clip", base().clip(Clip::Norm(0.5))),
            ("plateau", base().reduce_on_plateau(ReduceOnPlateau::new())),
            (
                "augment",
                base().augment(Augmentation::new([2, 3]).shift(0.5)),
            ),
            (
                "loss",
                base().loss(Loss::softmax_cross_entropy().label_smoothing(0.1)),
            ),
            (
                "group",
                base().group(ParameterGroup::matching("layers.0.").rate_factor(0.5)),
            ),
            (
                "frozen",
                base().group(ParameterGroup::matching("layers.0.").frozen()),
            ),
        ];
        for (name, other) in others {
            let mut second = other.build().unwrap();
            if name != "nothing" {
                let refused = load(&mut second, &saved, Resume::Exact);
                assert!(matches!(refused, Err(Error::Format { .. })), "{name}");
            }
            load(&mut second, &saved, Resume::KeepMoments).unwrap();
            assert_eq!(second.step_count(), 7, "{name}");
            assert_eq!(tensors(&bytes(&mut second)), expected, "{name}");
            second.steps(&data, 9).unwrap();
            // And what it saves is its own.
            let again = bytes(&mut second);
            load(&mut second, &again, Resume::Exact).unwrap();
        }
        // Without an average there is none to keep; with a new one it begins with the weights.
        let mut without = adam(device).build().unwrap();
        load(&mut without, &saved, Resume::KeepMoments).unwrap();
        assert!(without.averaged().is_err());
        let plain = bytes(&mut without);
        let mut with = base().build().unwrap();
        load(&mut with, &plain, Resume::KeepMoments).unwrap();
        let averaged = parameters(&mut with.averaged().unwrap());
        assert_same_bits("begun", &averaged, &parameters(with.network_mut()));
    }
}

#[test]
fn moments_that_do_not_fit_are_refused_by_every_policy() {
    let data = data(40);
    let other_network = || {
        let layers = Sequential::new(FEATURES).dense(8).batch_norm().relu();
        let network = layers.dense(CLASSES).build(cpu(), 7).unwrap();
        Trainer::builder(network).batch_size(8)
    };
    let sgd = |momentum| Sgd::new(0.1).momentum(momentum);
    let phase = || Phase::new(sgd(0.9));
    for (first, second, word) in [
        (
            builder(cpu()).optimizer(Adam::new(0.1)),
            builder(cpu()).optimizer(sgd(0.9)),
            "optimizer",
        ),
        (
            builder(cpu()).optimizer(Adam::new(0.1)),
            builder(cpu()).optimizer(Adam::new(0.1).amsgrad(true)),
            "amsgrad",
        ),
        (
            builder(cpu()).optimizer(sgd(0.0)),
            builder(cpu()).optimizer(sgd(0.9)),
            "momentum",
        ),
        // Equally many moments, but other ones.
        (
            builder(cpu()).optimizer(RmsProp::new(0.1).centered(true)),
            builder(cpu()).optimizer(RmsProp::new(0.1).momentum(0.9)),
            "centered",
        ),
        (
            builder(cpu()).optimizer(Adam::new(0.1)),
            other_network().optimizer(Adam::new(0.1)),
            "operation",
        ),
        (
            builder(cpu()).phase(phase()),
            builder(cpu())
                .phase(phase().train("layers.0."))
                .phase(phase().train("layers.1.")),
            "phases",
        ),
        (
            builder(cpu())
                .phase(phase().train("layers.0."))
                .phase(phase().train("layers.1.")),
            builder(cpu())
                .phase(phase().train("layers.1."))
                .phase(phase().train("layers.0.")),
            "layers.0.weight",
        ),
    ] {
        let mut first = first.build().unwrap();
        first.steps(&data, 4).unwrap();
        let saved = bytes(&mut first);
        let mut second = second.build().unwrap();
        let before = tensors(&bytes(&mut second));
        for resume in [Resume::Exact, Resume::KeepMoments] {
            let error = load(&mut second, &saved, resume).unwrap_err();
            assert!(matches!(error, Error::Format { .. }), "{error}");
            assert!(error.to_string().contains(word), "{word}: {error}");
            assert_eq!(tensors(&bytes(&mut second)), before, "{word}");
        }
    }
    // Other coefficients of momentum keep it.
    let mut first = builder(cpu()).optimizer(sgd(0.9)).build().unwrap();
    first.steps(&data, 4).unwrap();
    let saved = bytes(&mut first);
    let mut second = builder(cpu()).optimizer(sgd(0.5)).build().unwrap();
    load(&mut second, &saved, Resume::KeepMoments).unwrap();
}

/// A parameter that was frozen before begins with fresh moments.
#[test]
fn thawed_parameters_begin_with_fresh_moments() {
    let data = data(40);
    for device in [cpu(), gpu()] {
        let frozen = || {
            let group = ParameterGroup::matching("layers.0.").frozen();
            builder(device)
                .optimizer(wgrad::Adagrad::new(0.1).initial_accumulator(0.5))
                .group(group)
        };
        let all = || builder(device).optimizer(wgrad::Adagrad::new(0.1).initial_accumulator(0.5));
        let mut first = frozen().build().unwrap();
        first.steps(&data, 4).unwrap();
        let saved = bytes(&mut first);
        let mut second = all().build().unwrap();
        load(&mut second, &saved, Resume::KeepMoments).unwrap();
        let (before, after) = (tensors(&saved), tensors(&bytes(&mut second)));
        let kept = "moments.0.layers.2.weight";
        assert_eq!(before[kept], after[kept]);
        let fresh = &after["moments.0.layers.0.weight"];
        assert!(fresh.chunks(4).all(|value| value == 0.5f32.to_le_bytes()));
        second.steps(&data, 4).unwrap();
    }
}

/// Every sample once in an epoch whose batch size changes half-way.
#[test]
fn an_epoch_goes_on_with_another_batch_size_or_accumulation() {
    let data = data(40);
    for device in [cpu(), gpu()] {
        let mut first = adam(device).batch_size(4).build().unwrap();
        first.steps(&data, 13).unwrap();
        let saved = bytes(&mut first);
        // 12 of 40 samples are done.
        let mut second = adam(device).batch_size(6).build().unwrap();
        load(&mut second, &saved, Resume::KeepMoments).unwrap();
        let rest = second.epoch(&data).unwrap();
        assert_eq!((rest.epoch, rest.samples, rest.steps), (1, 28, 5));
        let next = second.epoch(&data).unwrap();
        assert_eq!((next.epoch, next.samples), (2, 40));
        // In another order the epoch under way is over.
        let mut other = adam(device).batch_size(4).seed(3).build().unwrap();
        load(&mut other, &saved, Resume::KeepMoments).unwrap();
        let next = other.epoch(&data).unwrap();
        assert_eq!((next.epoch, next.samples), (2, 40));

        // Accumulation: between two updates only, and the number of updates stays.
        let accumulating = |count| {
            adam(device)
                .batch_size(4)
                .accumulate(count)
                .build()
                .unwrap()
        };
        let mut three = accumulating(3);
        three.steps(&data, 4).unwrap();
        let mid = bytes(&mut three);
        let refused = load(&mut accumulating(2), &mid, Resume::KeepMoments);
        assert!(matches!(refused, Err(Error::Format { .. })), "{refused:?}");
        three.steps(&data, 2).unwrap();
        let between = bytes(&mut three);
        for (count, steps) in [(1, 2), (2, 6)] {
            let mut other = accumulating(count);
            load(&mut other, &between, Resume::KeepMoments).unwrap();
            assert_eq!(other.step_count(), steps);
            other.epoch(&data).unwrap();
        }
    }
}

/// Early stopping over calls, saved and loaded into another trainer between them.
#[test]
fn early_stopping_is_part_of_checkpoints() {
    let (train, validation) = (data(40), data(100));
    let rule = EarlyStopping::new(4);
    let fit = |epochs| {
        Fit::epochs(epochs)
            .validation(&validation)
            .early_stopping(rule)
    };
    for device in [cpu(), gpu()] {
        let build = || {
            let plateau = ReduceOnPlateau::new().patience(1).factor(0.5);
            adam(device).reduce_on_plateau(plateau).build().unwrap()
        };
        let mut whole = build();
        let history = whole.fit_until(&train, fit(300)).unwrap();
        assert_eq!(history.stopped, Stopped::EarlyStopping);
        let mut trainer = build();
        let mut epochs = 0;
        let last: History = loop {
            let history = trainer.fit_until(&train, fit(1)).unwrap();
            epochs += history.epochs.len();
            let saved = bytes(&mut trainer);
            trainer = build();
            load(&mut trainer, &saved, Resume::Exact).unwrap();
            // Equal states are equal bytes.
            assert!(bytes(&mut trainer) == saved);
            if history.stopped == Stopped::EarlyStopping {
                break history;
            }
            assert!(epochs < 300);
        };
        assert_eq!(epochs, history.epochs.len());
        assert_eq!(last.best_epoch, history.best_epoch);
        let found = parameters(trainer.network_mut());
        assert_same_bits("weights", &found, &parameters(whole.network_mut()));
        assert_eq!(trainer.learning_rate(0), whole.learning_rate(0));
    }
}

/// A fit that ended in the middle goes on from its file as if nothing had happened.
#[test]
fn an_interrupted_fit_goes_on_from_its_checkpoint() {
    let (train, validation) = (data(40), data(100));
    let name = format!("wgrad-fit-{}.safetensors", std::process::id());
    let path = std::env::temp_dir().join(name);
    let fit = |epochs| {
        let fit = Fit::epochs(epochs).validation(&validation);
        fit.early_stopping(EarlyStopping::new(3))
    };
    for device in [cpu(), gpu()] {
        let build = |schedule| adam(device).schedule(schedule).build().unwrap();
        let mut whole = build(Schedule::Constant);
        let history = whole.fit_until(&train, fit(100)).unwrap();
        assert!(history.epochs.len() > 4, "{}", history.epochs.len());
        // The rate leaps in the fifth epoch, of five steps each.
        let leap = Schedule::MultiStep {
            milestones: vec![21],
            factor: 1e38,
        };
        let mut interrupted = build(leap);
        let error = interrupted
            .fit_until(&train, fit(100).checkpoint(&path))
            .unwrap_err();
        assert!(matches!(error, Error::NonFinite { .. }), "{error}");
        let mut resumed = build(Schedule::Constant);
        resumed.load_with(&path, Resume::KeepMoments).unwrap();
        assert_eq!(resumed.epoch_number(), 4);
        let rest = resumed
            .fit_until(&train, fit(96).checkpoint(&path))
            .unwrap();
        assert_eq!(rest.stopped, Stopped::EarlyStopping);
        assert_eq!(rest.epochs.len() + 4, history.epochs.len());
        assert_eq!(rest.best_epoch, history.best_epoch);
        let expected = parameters(whole.network_mut());
        assert_same_bits("weights", &parameters(resumed.network_mut()), &expected);
        // The file is of the end, with the best weights.
        let mut loaded = build(Schedule::Constant);
        loaded.load(&path).unwrap();
        assert_same_bits("file", &parameters(loaded.network_mut()), &expected);
        std::fs::remove_file(&path).unwrap();
    }
}
