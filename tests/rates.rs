//! Learning rates: cases of schedules without PyTorch vectors, ranges of settings, and the factors in a trainer's
//! checkpoints.

mod common;

use approx::abs_diff_eq;
use common::compare::assert_same_bits;
use common::data::Random;
use common::devices::{cpu, gpu};
use common::networks::parameters;
use wgrad::{
    Anneal, Better, Dataset, Device, Error, NAdam, OneCycle, ReduceOnPlateau, Schedule, Sequential,
    Sgd, Threshold, Trainer, TrainerBuilder,
};

fn rates(schedule: &Schedule, steps: u64) -> Vec<f64> {
    (0..steps).map(|t| schedule.rate(1.0, t)).collect()
}

#[track_caller]
fn assert_rates(schedule: &Schedule, expected: &[f64]) {
    let found = rates(schedule, expected.len() as u64);
    for (found_one, expected_one) in found.iter().zip(expected) {
        assert!(
            abs_diff_eq!(found_one, expected_one, epsilon = 1e-12),
            "{schedule:?}: {found:?}, expected {expected:?}"
        );
    }
}

#[test]
fn schedules_give_the_rates_worked_out_by_hand() {
    let linear = Schedule::Linear {
        start: 0.5,
        end: 1.0,
        steps: 2,
    };
    assert_rates(&linear, &[0.5, 0.75, 1.0, 1.0, 1.0]);
    // Waves of 1 and 2 steps; the rate restarts where it would reach 0.
    let restarts = Schedule::CosineRestarts {
        steps: 1,
        growth: 2,
        floor: 0.0,
    };
    let half_wave = (1.0 + (std::f64::consts::PI / 4.0).cos()) / 2.0;
    assert_rates(&restarts, &[1.0, 1.0, 0.5, 1.0, half_wave, 0.5]);
    let twice = Schedule::MultiStep {
        milestones: vec![3, 1, 3],
        factor: 0.5,
    };
    assert_rates(&twice, &[1.0, 0.5, 0.5, 0.125, 0.125]);
    // Each part counts its own steps; one of none is left out, the last goes on.
    let sequence = Schedule::sequence([
        (linear.clone(), 3),
        (Schedule::Constant, 0),
        (linear, 1),
        (Schedule::Exponential { factor: 0.5 }, 1),
    ]);
    assert_rates(&sequence, &[0.5, 0.75, 1.0, 0.5, 1.0, 0.5, 0.25]);
    let nested = Schedule::sequence([(Schedule::Constant, 1), (sequence, 0)]);
    assert_rates(&nested, &[1.0, 0.5, 0.75, 1.0, 0.5, 1.0, 0.5]);
}

#[test]
fn cycles_give_the_rates_worked_out_by_hand() {
    let cycle = OneCycle::new(7)
        .start_divisor(2.0)
        .end_divisor(4.0)
        .anneal(Anneal::Linear);
    // Up to the peak at 3·1 − 1 = 2, down to ⅛ at 6, where it stays.
    let two = cycle.rise(3.0 / 7.0).into();
    let down = |n: f64| 1.0 - 0.875 * n / 4.0;
    assert_rates(
        &two,
        &[
            0.5,
            0.75,
            1.0,
            down(1.0),
            down(2.0),
            down(3.0),
            0.125,
            0.125,
        ],
    );
    // Back to ½ at 4 first.
    let three = cycle.rise(3.0 / 7.0).three_phases(true).into();
    assert_rates(&three, &[0.5, 0.75, 1.0, 0.75, 0.5, 0.3125, 0.125, 0.125]);
    // A rise of one step is at its end, and a cycle of one step too.
    let steep: Schedule = cycle.rise(1.0 / 7.0).into();
    assert_eq!(steep.rate(1.0, 0), 1.0);
    let one: Schedule = OneCycle::new(1).into();
    assert_eq!(one.rate(1.0, 0), 1.0 / 25.0 / 1e4);
}

#[test]
fn a_plateau_counts_patience_and_cooldown() {
    let observe = |plateau: ReduceOnPlateau, metrics: &[f64]| -> Vec<f64> {
        let mut plateau = plateau.build().unwrap();
        metrics.iter().map(|&m| plateau.observe(m)).collect()
    };
    let base = ReduceOnPlateau::new().factor(0.5).patience(1);
    let flat = [1.0; 8];
    assert_eq!(
        observe(base, &flat),
        [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    );
    // The two after a fall do not count.
    assert_eq!(
        observe(base.cooldown(2), &flat),
        [1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]
    );
    assert_eq!(
        observe(base.floor(0.4), &flat),
        [1.0, 1.0, 0.5, 0.5, 0.4, 0.4, 0.4, 0.4]
    );
    assert_eq!(observe(base.min_fall(0.3), &flat)[7], 0.5);
    // Better, but by too little; and a NaN is no better.
    let slow = [1.0, 0.95, 0.92, 0.5];
    let relative = base.threshold(Threshold::Relative(0.1));
    assert_eq!(observe(relative, &slow), [1.0, 1.0, 0.5, 0.5]);
    assert_eq!(observe(base, &slow), [1.0; 4]);
    assert_eq!(observe(base, &[1.0, f64::NAN, f64::NAN]), [1.0, 1.0, 0.5]);
    let higher = base
        .better(Better::Higher)
        .threshold(Threshold::Absolute(0.5));
    assert_eq!(
        observe(higher, &[1.0, 2.0, 3.0, 3.5, 3.4]),
        [1.0, 1.0, 1.0, 1.0, 0.5]
    );
}

/// "Better" is below best − threshold·|best|, or above best + threshold·|best|: also where metrics are negative.
#[test]
fn a_relative_threshold_is_of_the_size_of_the_best() {
    let observe = |plateau: ReduceOnPlateau, metrics: &[f64]| -> Vec<f64> {
        let mut plateau = plateau.build().unwrap();
        metrics.iter().map(|&m| plateau.observe(m)).collect()
    };
    let halves = [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125];
    let base = ReduceOnPlateau::new().factor(0.5).patience(1);
    for better in [Better::Lower, Better::Higher] {
        for threshold in [
            Threshold::Relative(1e-4),
            Threshold::Relative(0.0),
            Threshold::Relative(0.9),
            Threshold::Absolute(0.0),
            Threshold::Absolute(1e-3),
        ] {
            let plateau = base.better(better).threshold(threshold);
            for flat in [-1.0, -1e-300, -1e300, 0.0, 1e-300, 1.0, f64::MIN, f64::MAX] {
                let found = observe(plateau, &[flat; 8]);
                assert_eq!(found, halves, "{better:?} {threshold:?} {flat}");
            }
        }
    }
    // A tenth of the best is too little, more is enough; the sign of the metric turns nothing round.
    let tenth = base.threshold(Threshold::Relative(0.1)).patience(0);
    for (better, best, near, far) in [
        (Better::Lower, -1.0, -1.09, -1.11),
        (Better::Lower, 1.0, 0.91, 0.89),
        (Better::Higher, -1.0, -0.91, -0.89),
        (Better::Higher, 1.0, 1.09, 1.11),
        (Better::Lower, 0.0, 1e-9, -1e-9),
        (Better::Higher, 0.0, -1e-9, 1e-9),
    ] {
        let plateau = tenth.better(better);
        assert_eq!(
            observe(plateau, &[best, near]),
            [1.0, 0.5],
            "{better:?} {best}"
        );
        assert_eq!(
            observe(plateau, &[best, far]),
            [1.0, 1.0],
            "{better:?} {best}"
        );
    }
    // What is not finite is never better, and never the best.
    for better in [Better::Lower, Better::Higher] {
        for strange in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let plateau = base.better(better);
            let found = observe(plateau, &[strange, strange, -3.0, -3.0, strange]);
            assert_eq!(found, [1.0, 0.5, 0.5, 0.5, 0.25], "{better:?} {strange}");
            let mut plateau = plateau.build().unwrap();
            plateau.observe(-3.0);
            plateau.observe(strange);
            assert_eq!(plateau.best(), Some(-3.0));
        }
    }
}

const FEATURES: usize = 6;
const CLASSES: usize = 3;

fn data() -> Dataset {
    let mut random = Random::new(5);
    let samples = random.normals(50 * FEATURES);
    Dataset::from_floats(FEATURES, samples, random.words(50, CLASSES), CLASSES).unwrap()
}

fn trainer(device: &Device) -> TrainerBuilder {
    let network = Sequential::new(FEATURES)
        .dense(9)
        .tanh()
        .dense(CLASSES)
        .build(device, 2)
        .unwrap();
    let warm_up = Schedule::Linear {
        start: 0.1,
        end: 1.0,
        steps: 4,
    };
    Trainer::builder(network)
        .optimizer(NAdam::new(0.05))
        .schedule(Schedule::sequence([
            (warm_up, 4),
            (OneCycle::new(20).into(), 20),
        ]))
        .reduce_on_plateau(ReduceOnPlateau::new().factor(0.5).patience(1))
        .batch_size(10)
}

#[test]
fn factors_multiply_the_schedules_rate_and_survive_a_checkpoint_to_the_bit() {
    let data = data();
    let file = std::env::temp_dir().join(format!("wgrad-rates-{}.safetensors", std::process::id()));
    for device in [cpu(), gpu()] {
        let epochs = |trainer: &mut Trainer, count: u32| {
            for _ in 0..count {
                trainer.epoch(&data).unwrap();
                // Never better, so the factor falls with every second epoch.
                trainer.observe(1.0).unwrap();
            }
        };
        let mut whole = trainer(device).build().unwrap();
        assert_eq!(whole.learning_rate(0), 0.05 * 0.1);
        whole.set_rate_factor(0.7).unwrap();
        epochs(&mut whole, 4);
        assert_eq!(whole.observe(1.0).unwrap(), 0.25);
        epochs(&mut whole, 3);

        let mut first = trainer(device).build().unwrap();
        first.set_rate_factor(0.7).unwrap();
        epochs(&mut first, 4);
        first.save(&file).unwrap();
        let mut second = trainer(device).build().unwrap();
        second.load(&file).unwrap();
        assert_eq!(second.rate_factor(), 0.7);
        assert_eq!(second.learning_rate(30), first.learning_rate(30));
        assert_eq!(second.observe(1.0).unwrap(), 0.25);
        epochs(&mut second, 3);
        assert_same_bits(
            "resumed",
            &parameters(second.network_mut()),
            &parameters(whole.network_mut()),
        );
        assert_eq!(second.learning_rate(30), whole.learning_rate(30));

        // Without the factor the weights are others.
        let mut plain = trainer(device).build().unwrap();
        epochs(&mut plain, 7);
        assert!(parameters(plain.network_mut()) != parameters(whole.network_mut()));
    }
    // Another plateau is another run.
    let other = trainer(cpu()).reduce_on_plateau(ReduceOnPlateau::new());
    let error = other.build().unwrap().load(&file).unwrap_err();
    assert!(matches!(error, Error::Format { .. }), "{error}");
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn settings_outside_their_ranges_are_refused() {
    let mut bad: Vec<Schedule> = vec![
        Schedule::Step {
            every: 0,
            factor: 0.5,
        },
        Schedule::Linear {
            start: 0.0,
            end: 1.0,
            steps: 0,
        },
        Schedule::Polynomial {
            steps: 0,
            power: 1.0,
        },
        Schedule::CosineRestarts {
            steps: 0,
            growth: 1,
            floor: 0.0,
        },
        Schedule::CosineRestarts {
            steps: 1,
            growth: 0,
            floor: 0.0,
        },
        Schedule::CosineRestarts {
            steps: 1,
            growth: 1,
            floor: 1.5,
        },
        OneCycle::new(0).into(),
        OneCycle::new(9).rise(1.1).into(),
        OneCycle::new(9).rise(0.6).three_phases(true).into(),
        OneCycle::new(9).start_divisor(0.5).into(),
        OneCycle::new(9).end_divisor(f64::INFINITY).into(),
        Schedule::sequence([]),
    ];
    let mut plateaus = Vec::new();
    for wrong in [f64::NAN, f64::INFINITY, -0.1] {
        bad.extend([
            Schedule::Step {
                every: 1,
                factor: wrong,
            },
            Schedule::MultiStep {
                milestones: vec![],
                factor: wrong,
            },
            Schedule::Exponential { factor: wrong },
            Schedule::Linear {
                start: wrong,
                end: 1.0,
                steps: 1,
            },
            Schedule::Linear {
                start: 0.0,
                end: wrong,
                steps: 1,
            },
            Schedule::Polynomial {
                steps: 1,
                power: wrong,
            },
            OneCycle::new(9).rise(wrong).into(),
        ]);
        plateaus.extend([
            ReduceOnPlateau::new().factor(wrong),
            ReduceOnPlateau::new().floor(wrong),
            ReduceOnPlateau::new().min_fall(wrong),
            ReduceOnPlateau::new().threshold(Threshold::Absolute(wrong)),
            ReduceOnPlateau::new().threshold(Threshold::Relative(wrong)),
        ]);
    }
    plateaus.push(ReduceOnPlateau::new().factor(1.0));
    let nested = Schedule::sequence([(Schedule::Constant, 1), (bad[0].clone(), 1)]);
    bad.push(nested);
    for schedule in bad {
        // Whoever asks without the check is answered, too.
        schedule.rate(1.0, 3);
        let error = trainer(cpu()).schedule(schedule.clone()).build().err();
        assert!(
            matches!(error, Some(Error::Argument { .. })),
            "{schedule:?}: {error:?}"
        );
    }
    for plateau in plateaus {
        let error = trainer(cpu()).reduce_on_plateau(plateau).build().err();
        assert!(
            matches!(error, Some(Error::Argument { .. })),
            "{plateau:?}: {error:?}"
        );
    }
    let mut trainer = trainer(cpu()).build().unwrap();
    for factor in [f64::NAN, f64::INFINITY, -1.0] {
        let error = trainer.set_rate_factor(factor).err();
        assert!(matches!(error, Some(Error::Argument { .. })), "{error:?}");
    }
    let network = Sequential::new(2).dense(2).build(cpu(), 0).unwrap();
    let mut without = Trainer::builder(network)
        .optimizer(Sgd::new(0.1))
        .build()
        .unwrap();
    assert!(matches!(without.observe(1.0), Err(Error::Argument { .. })));
}
