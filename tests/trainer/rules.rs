//! Rules of a fit: the metric of a plateau, and early stopping over several calls.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::{FEATURES, data, network};
use wgrad::{
    Adam, Better, Dataset, Device, EarlyStopping, Error, Fit, Loss, Metric, PlateauMetric,
    ReduceOnPlateau, Sequential, Sgd, StopRule, Stopped, Trainer, TrainerBuilder,
};

fn plateau() -> ReduceOnPlateau {
    ReduceOnPlateau::new().factor(0.5).patience(1)
}

fn builder(device: &Device, rate: f64) -> TrainerBuilder {
    let builder = Trainer::builder(network(device)).optimizer(Adam::new(rate));
    builder.batch_size(16)
}

/// So small a rate that no metric changes: the factor falls with every second epoch.
#[test]
fn a_fit_observes_its_plateau() {
    let (train, validation) = (data(40), data(24));
    const RATE: f64 = 1e-12;
    for device in [cpu(), gpu()] {
        for better in [Better::Lower, Better::Higher] {
            let build = || {
                let plateau = plateau().better(better);
                builder(device, RATE)
                    .reduce_on_plateau(plateau)
                    .build()
                    .unwrap()
            };
            let mut whole = build();
            whole.fit(&train, 8).unwrap();
            assert_eq!(whole.learning_rate(0), RATE / 8.0, "{better:?}");
            for fit in [
                Fit::epochs(8),
                Fit::epochs(8).validation(&validation),
                Fit::epochs(8)
                    .validation(&validation)
                    .plateau_metric(match better {
                        Better::Higher => PlateauMetric::TrainingAccuracy,
                        _ => PlateauMetric::TrainingLoss,
                    }),
            ] {
                let mut trainer = build();
                trainer.fit_until(&train, fit).unwrap();
                assert_eq!(trainer.learning_rate(0), RATE / 8.0, "{better:?}");
            }
            let mut trainer = build();
            let nothing = Fit::epochs(8).plateau_metric(PlateauMetric::Manual);
            trainer.fit_until(&train, nothing).unwrap();
            assert_eq!(trainer.learning_rate(0), RATE);
            // Single epochs are observed by hand.
            trainer.epoch(&train).unwrap();
            assert_eq!(trainer.learning_rate(0), RATE);
        }
    }
}

#[test]
fn a_plateau_observes_the_validation_set_if_there_is_one() {
    let (train, validation) = (data(40), data(100));
    for device in [cpu(), gpu()] {
        let build = || {
            builder(device, 0.05)
                .reduce_on_plateau(plateau())
                .build()
                .unwrap()
        };
        let run = |observe: &dyn Fn(&mut Trainer) -> f64| {
            let mut trainer = build();
            for _ in 0..30 {
                let metric = observe(&mut trainer);
                trainer.observe(metric).unwrap();
            }
            (trainer.learning_rate(0), parameters(trainer.network_mut()))
        };
        let by_validation = run(&|trainer| {
            trainer.epoch(&train).unwrap();
            trainer.evaluate(&validation).unwrap().loss
        });
        let by_training = run(&|trainer| trainer.epoch(&train).unwrap().loss);
        assert_ne!(by_validation.0, by_training.0);
        let mut trainer = build();
        let fit = Fit::epochs(30).validation(&validation);
        trainer.fit_until(&train, fit).unwrap();
        assert_eq!(trainer.learning_rate(0), by_validation.0);
        assert_same_bits(
            "weights",
            &parameters(trainer.network_mut()),
            &by_validation.1,
        );
        let mut trainer = build();
        trainer.fit_until(&train, Fit::epochs(30)).unwrap();
        assert_eq!(trainer.learning_rate(0), by_training.0);
        // An epoch that was begun before counts as a whole.
        let mut trainer = build();
        trainer.steps(&train, 2).unwrap();
        trainer.fit(&train, 30).unwrap();
        assert_eq!(trainer.learning_rate(0), by_training.0);
        assert_same_bits(
            "weights",
            &parameters(trainer.network_mut()),
            &by_training.1,
        );
    }
}

#[test]
fn what_a_plateau_cannot_observe_is_refused() {
    let data = data(16);
    let fit = || Fit::epochs(1);
    let refused = |better: Option<Better>, fit: Fit<'_>| {
        let builder = builder(cpu(), 0.1);
        let mut trainer = match better {
            Some(better) => builder.reduce_on_plateau(plateau().better(better)),
            None => builder,
        }
        .build()
        .unwrap();
        let result = trainer.fit_until(&data, fit);
        assert!(matches!(result, Err(Error::Argument { .. })), "{result:?}");
        assert_eq!(trainer.step_count(), 0);
    };
    let lower = Some(Better::Lower);
    refused(None, fit().plateau_metric(PlateauMetric::TrainingLoss));
    refused(lower, fit().plateau_metric(PlateauMetric::ValidationLoss));
    refused(lower, fit().plateau_metric(PlateauMetric::TrainingAccuracy));
    let validated = fit().validation(&data);
    let loss = PlateauMetric::ValidationLoss;
    refused(Some(Better::Higher), validated.plateau_metric(loss));

    // There is no accuracy to go by.
    let values = Dataset::regression(2, vec![0.5; 8], 1, vec![1.0; 4]).unwrap();
    let layers = Sequential::new(2).dense(1);
    let mut trainer = Trainer::builder(layers.build(cpu(), 0).unwrap())
        .loss(Loss::mean_squared_error())
        .reduce_on_plateau(plateau().better(Better::Higher))
        .build()
        .unwrap();
    let result = trainer.fit(&values, 1);
    assert!(matches!(result, Err(Error::Argument { .. })), "{result:?}");
}

/// Fits until early stopping, in calls of so many epochs; `between` what happens between two. The numbers of epochs
/// and of the best epoch, and the weights.
fn fit_in_calls(
    trainer: &mut Trainer,
    train: &Dataset,
    validation: &Dataset,
    epochs: u32,
    between: &mut dyn FnMut(&mut Trainer),
) -> (usize, u32, Vec<f32>) {
    let mut count = 0;
    loop {
        let rule = EarlyStopping::new(4)
            .metric(Metric::Accuracy)
            .min_delta(1e-3);
        let fit = Fit::epochs(epochs).validation(validation);
        let history = trainer.fit_until(train, fit.early_stopping(rule)).unwrap();
        count += history.epochs.len();
        assert!(count < 300);
        if history.stopped == Stopped::EarlyStopping {
            let best = history.best_epoch.unwrap();
            return (count, best, parameters(trainer.network_mut()));
        }
        between(trainer);
    }
}

#[test]
fn early_stopping_goes_on_over_calls() {
    let (train, validation) = (data(40), data(100));
    for device in [cpu(), gpu()] {
        let mut whole = builder(device, 0.05).build().unwrap();
        let expected = fit_in_calls(&mut whole, &train, &validation, 300, &mut |_| {});
        for epochs in [1, 3] {
            let mut cut = builder(device, 0.05).build().unwrap();
            let mut calls = 0;
            // Looking at the best weights between two calls changes nothing.
            let mut look = |trainer: &mut Trainer| {
                calls += 1;
                trainer.evaluate(&validation).unwrap();
            };
            let found = fit_in_calls(&mut cut, &train, &validation, epochs, &mut look);
            assert_eq!((found.0, found.1), (expected.0, expected.1));
            assert_same_bits("weights", &found.2, &expected.2);
            assert!(calls > 1);
        }
    }
}

#[test]
fn early_stopping_begins_anew_where_the_weights_are_others() {
    let (train, validation) = (data(40), data(100));
    let rule = EarlyStopping::new(3);
    let fit = |epochs| {
        Fit::epochs(epochs)
            .validation(&validation)
            .early_stopping(rule)
    };
    let fitted = || {
        let mut trainer = builder(cpu(), 0.05).build().unwrap();
        trainer.fit_until(&train, fit(2)).unwrap();
        trainer
    };
    // A step of the user's own, other weights, another rule: the weights that are there are gone on from.
    type Change = fn(&mut Trainer);
    let changes: [Change; 2] = [
        |trainer| {
            trainer.step(&[0.5; FEATURES], &[1u32]).unwrap();
        },
        |trainer| {
            let zeros = [0.0; 8 * FEATURES];
            trainer
                .network_mut()
                .set_parameter("layers.0.weight", &zeros)
                .unwrap();
        },
    ];
    for change in changes {
        let mut trainer = fitted();
        change(&mut trainer);
        let mut plain = fitted();
        change(&mut plain);
        trainer.fit_until(&train, fit(1)).unwrap();
        plain.epoch(&train).unwrap();
        let found = parameters(trainer.network_mut());
        assert_same_bits("weights", &found, &parameters(plain.network_mut()));
    }
    let mut trainer = fitted();
    let other = fit(1).early_stopping(EarlyStopping::new(30));
    let history = trainer.fit_until(&train, other).unwrap();
    assert_eq!(history.best, Some(0));
    assert_eq!(history.best_epoch, Some(2));
}

/// The stop rule counts its checks on from call to call.
#[test]
fn the_stop_rule_goes_on_over_calls() {
    let data = data(64);
    let build = || {
        let builder = Trainer::builder(network(cpu())).optimizer(Sgd::new(1e-9));
        builder.batch_size(16).build().unwrap()
    };
    let fit = |epochs| Fit::epochs(epochs).stop_rule(StopRule::new(1e-3).every(4).checks(5));
    let mut whole = build();
    let history = whole.fit_until(&data, fit(20)).unwrap();
    assert_eq!(
        (history.stopped, history.epochs.len()),
        (Stopped::StopRule, 5)
    );
    let mut cut = build();
    for epoch in 1..=5 {
        let stopped = cut.fit_until(&data, fit(1)).unwrap().stopped;
        assert_eq!(stopped == Stopped::StopRule, epoch == 5);
    }
    // It has ended: the next call counts anew.
    assert_eq!(
        cut.fit_until(&data, fit(1)).unwrap().stopped,
        Stopped::Epochs
    );
}
