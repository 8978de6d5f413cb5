//! Fits of several epochs, and the rules that end them.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::{CLASSES, FEATURES, data, network};
use wgrad::{
    Adam, Dataset, Device, EarlyStopping, Error, Fit, Metric, Schedule, Sequential, Sgd, StopRule,
    Stopped, Trainer,
};

fn trainer(device: &Device, rate: f64) -> Trainer {
    let builder = Trainer::builder(network(device)).optimizer(Adam::new(rate));
    builder.batch_size(16).build().unwrap()
}

#[test]
fn early_stopping_keeps_the_best_weights() {
    let (train, validation) = (data(40), data(100));
    for device in [cpu(), gpu()] {
        for metric in [Metric::Loss, Metric::Accuracy] {
            // So large a rate that the validation score gets worse again.
            let mut fitted = trainer(device, 0.05);
            let rule = EarlyStopping::new(4).metric(metric);
            let fit = Fit::epochs(300)
                .validation(&validation)
                .early_stopping(rule);
            let history = fitted.fit_until(&train, fit).unwrap();
            let best = history.best.unwrap();
            assert_eq!(history.stopped, Stopped::EarlyStopping);
            assert_eq!(history.epochs.len(), best + 1 + 4);
            assert_eq!(history.evaluations.len(), history.epochs.len());
            let score = |i: usize| match metric {
                Metric::Accuracy => history.evaluations[i].accuracy.unwrap(),
                _ => -history.evaluations[i].loss,
            };
            assert!((0..history.epochs.len()).all(|i| score(i) <= score(best)));
            assert!((0..best).all(|i| score(i) < score(best)));

            let mut until_best = trainer(device, 0.05);
            until_best.fit(&train, best as u32 + 1).unwrap();
            let expected = parameters(until_best.network_mut());
            assert_same_bits("the best", &parameters(fitted.network_mut()), &expected);
        }
    }
}

#[test]
fn the_best_weights_are_kept_after_an_error_too() {
    let validation = data(100);
    for device in [cpu(), gpu()] {
        // The rate leaps in the fourth epoch, so that products of weights overflow then.
        let build = || {
            let layers = Sequential::new(FEATURES).dense(8).relu().dense(CLASSES);
            Trainer::builder(layers.build(device, 7).unwrap())
                .optimizer(Sgd::new(1e-3))
                .schedule(Schedule::Step {
                    every: 9,
                    factor: 1e38,
                })
                .batch_size(16)
                .build()
                .unwrap()
        };
        let mut fitted = build();
        let fit = Fit::epochs(5)
            .validation(&validation)
            .early_stopping(EarlyStopping::new(20));
        let error = fitted.fit_until(&data(40), fit).unwrap_err();
        assert!(matches!(error, Error::NonFinite { .. }), "{error}");
        let mut until_best = build();
        until_best.fit(&data(40), 3).unwrap();
        let expected = parameters(until_best.network_mut());
        assert_same_bits("the best", &parameters(fitted.network_mut()), &expected);
    }
}

#[test]
fn an_epoch_that_was_begun_can_be_ended() {
    for device in [cpu(), gpu()] {
        let mut trainer = trainer(device, 0.01);
        trainer.steps(&data(40), 2).unwrap();
        let refused = trainer.epoch(&data(100));
        assert!(matches!(refused, Err(Error::Shape { .. })));
        trainer.end_epoch();
        assert_eq!(trainer.epoch_number(), 1);
        assert_eq!(trainer.epoch(&data(100)).unwrap().steps, 7);
        // There is none under way now.
        trainer.end_epoch();
        assert_eq!(trainer.epoch_number(), 2);
    }
}

#[test]
fn the_default_loss_is_refused_for_one_output() {
    let layers = Sequential::new(2).dense(1);
    let mut trainer = Trainer::builder(layers.build(cpu(), 0).unwrap())
        .build()
        .unwrap();
    let data = Dataset::regression(2, vec![0.0; 4], 1, vec![1.0; 2]).unwrap();
    let refused = trainer.epoch(&data);
    assert!(matches!(refused, Err(Error::Shape { .. })));
}

#[test]
fn the_stop_rule_ends_training_when_updates_are_small() {
    let data = data(64);
    for device in [cpu(), gpu()] {
        // The rate falls by a hundredth every eight steps, so updates do too.
        let run = |checks| {
            let mut trainer = Trainer::builder(network(device))
                .optimizer(Sgd::new(0.1))
                .schedule(Schedule::Step {
                    every: 8,
                    factor: 0.01,
                })
                .batch_size(16)
                .build()
                .unwrap();
            let rule = StopRule::new(1e-5).every(3).checks(checks);
            let history = trainer
                .fit_until(&data, Fit::epochs(40).stop_rule(rule))
                .unwrap();
            (history, trainer)
        };
        let (history, trainer) = run(2);
        assert_eq!(history.stopped, Stopped::StopRule);
        // Large in steps 1 to 8, small from step 17 on at the latest: two checks in a row, at multiples of 3.
        let steps = trainer.step_count();
        assert!(steps % 3 == 0 && (12..=21).contains(&steps), "{steps}");
        let counted: u64 = history.epochs.iter().map(|epoch| epoch.steps).sum();
        assert_eq!(counted, steps);
        // Checking changes no step.
        let mut plain = Trainer::builder(network(device))
            .optimizer(Sgd::new(0.1))
            .schedule(Schedule::Step {
                every: 8,
                factor: 0.01,
            })
            .batch_size(16)
            .build()
            .unwrap();
        plain.steps(&data, steps).unwrap();
        let mut trainer = trainer;
        let found = parameters(trainer.network_mut());
        assert_same_bits("weights", &found, &parameters(plain.network_mut()));
        assert_eq!(run(1000).0.stopped, Stopped::Epochs);
    }
}

#[test]
fn the_stop_rule_looks_at_updates_only() {
    // A tolerance that no update meets: were the steps between updates looked at, their change of 0 would meet it.
    let data = data(64);
    let mut trainer = Trainer::builder(network(cpu()))
        .batch_size(16)
        .accumulate(3)
        .build()
        .unwrap();
    let rule = StopRule::new(0.0).every(1).checks(1);
    let history = trainer
        .fit_until(&data, Fit::epochs(3).stop_rule(rule))
        .unwrap();
    assert_eq!(
        (history.stopped, trainer.step_count()),
        (Stopped::Epochs, 12)
    );
}

#[test]
fn rules_out_of_range_are_refused() {
    let data = data(10);
    let stopping = |rule| Fit::epochs(1).validation(&data).early_stopping(rule);
    for fit in [
        Fit::epochs(1).early_stopping(EarlyStopping::new(3)),
        stopping(EarlyStopping::new(0)),
        stopping(EarlyStopping::new(1).min_delta(-1.0)),
        Fit::epochs(1).stop_rule(StopRule::new(f64::NAN)),
        Fit::epochs(1).stop_rule(StopRule::new(0.1).every(0)),
        Fit::epochs(1).stop_rule(StopRule::new(0.1).checks(0)),
    ] {
        let result = trainer(cpu(), 0.1).fit_until(&data, fit.clone());
        assert!(matches!(result, Err(Error::Argument { .. })), "{fit:?}");
    }
}
