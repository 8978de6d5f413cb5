//! Parameter groups with learning rates and penalties of their own: every optimizer against the oracle at the group's
//! rate; exactness; schedules; phases; checkpoints.

use super::common::compare::{Tolerance, assert_each_close, assert_same_bits};
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::common::optimizers::{Penalties, RATE, Rule, descend, facts, tolerance};
use super::{data, gradients, network, samples};
use std::rc::Rc;
use wgrad::{
    Adam, AdamW, Adamax, Device, Error, Lion, NAdam, Optimizer, ParameterGroup, Phase,
    ReduceOnPlateau, Resume, RmsProp, Schedule, Sgd, Trainer, TrainerBuilder,
};

/// The values of the groups; no multiple of the optimizer's by a power of two.
const GROUP_RATE: f64 = 0.007;
const GROUP_DECAY: f64 = 0.3;
const GROUP_L1: f64 = 0.02;

fn builder(device: &Device, optimizer: impl Into<Optimizer>) -> TrainerBuilder {
    Trainer::builder(network(device))
        .optimizer(optimizer)
        .batch_size(32)
        .shuffle(false)
}

/// Two settings of every optimizer, without penalties: its rule, and whether its weight decay is decoupled.
fn optimizers() -> Vec<(Optimizer, Rc<dyn Rule>, bool)> {
    let mut settings = Vec::new();
    for facts in facts() {
        let cases: Vec<_> = facts.cases.chunks_exact(3).collect();
        for [plain, decayed, _] in [cases.first(), cases.last()].map(|cases| {
            let [plain, decayed, l1] = cases.unwrap() else {
                panic!("without a penalty, with weight decay, and with L1")
            };
            [plain, decayed, l1]
        }) {
            let decoupled = decayed.penalties.decoupled > 0.0;
            settings.push((plain.optimizer, plain.rule.clone(), decoupled));
        }
    }
    settings
}

/// The number of weights of each parameter of the network, in order: weights and biases of two layers.
const SIZES: [usize; 4] = [8 * 6, 8, 3 * 8, 3];

/// Rate and penalties (weight decay, L1) of each parameter with [`groups`], by an optimizer without penalties.
const WANTED: [[f64; 3]; 4] = [
    [GROUP_RATE, GROUP_DECAY, 0.0],
    [GROUP_RATE, 0.0, 0.0],
    [RATE * 0.6, 0.0, GROUP_L1],
    [RATE, 0.0, 0.0],
];

fn groups(builder: TrainerBuilder) -> TrainerBuilder {
    builder
        .group(
            ParameterGroup::matching("layers.0.")
                .learning_rate(GROUP_RATE)
                .weight_decay(GROUP_DECAY),
        )
        .group(ParameterGroup::vectors().no_weight_decay())
        .group(
            ParameterGroup::matching("layers.1.weight")
                .rate_factor(0.6)
                .l1(GROUP_L1),
        )
}

#[test]
fn every_optimizer_takes_the_steps_of_the_groups_values() {
    const STEPS: usize = 5;
    let data = data(32);
    let (x, labels) = (samples(&data), data.labels());
    // The factors of the first rate: a warm-up that the program halves after the second step.
    let schedule = Schedule::Linear {
        start: 0.2,
        end: 1.0,
        steps: 4,
    };
    let factors = [0.2, 0.4, 0.3, 0.4, 0.5];
    for device in [cpu(), gpu()] {
        for (optimizer, rule, decoupled) in optimizers() {
            let trainer = groups(builder(device, optimizer)).schedule(schedule.clone());
            let mut trainer = trainer.build().unwrap();
            let start = parameters(trainer.network_mut());
            let (mut taken, mut found) = (Vec::new(), Vec::new());
            for (step, factor) in factors.into_iter().enumerate() {
                taken.push(gradients(trainer.network_mut(), &x, labels));
                if step == 2 {
                    trainer.set_rate_factor(0.5).unwrap();
                }
                let report = trainer.step(&x, labels).unwrap();
                approx::assert_relative_eq!(report.learning_rate, RATE * factor);
                found.push(parameters(trainer.network_mut()));
            }
            let parameter = |i: usize| {
                let ends = SIZES.iter().scan(0, |end, size| {
                    *end += size;
                    Some(*end)
                });
                ends.take_while(|&end| end <= i).count()
            };
            let paths: Vec<Vec<f64>> = (0..start.len())
                .map(|i| {
                    let [rate, decay, l1] = WANTED[parameter(i)];
                    let (l2, decoupled) = if decoupled {
                        (0.0, decay)
                    } else {
                        (decay, 0.0)
                    };
                    let penalties = Penalties { l1, l2, decoupled };
                    let gradients: Vec<f64> = taken.iter().map(|g| g[i].into()).collect();
                    let rates = factors.map(|factor| rate * factor);
                    descend(&*rule, penalties, start[i].into(), &rates, &gradients)
                })
                .collect();
            for (step, found) in found.iter().enumerate() {
                let expected: Vec<f64> = paths.iter().map(|path| path[step]).collect();
                let name = format!("{optimizer:?} on {}, step {step}", device.report());
                // Two roundings of the rate more: within what a step is allowed.
                assert_each_close(&name, found, &expected, |i| {
                    tolerance(start[i].into(), &paths[i], step)
                });
            }
            assert_eq!(found.len(), STEPS);
        }
    }
}

/// The weights after some steps.
fn weights_after(builder: TrainerBuilder, steps: u64) -> Vec<f32> {
    let mut trainer = builder.build().unwrap();
    trainer.steps(&data(64), steps).unwrap();
    parameters(trainer.network_mut())
}

#[test]
fn values_of_all_parameters_are_those_of_an_optimizer() {
    let all = || {
        ParameterGroup::matching("*")
            .learning_rate(GROUP_RATE)
            .weight_decay(GROUP_DECAY)
            .l1(GROUP_L1)
    };
    macro_rules! pairs {
        ($($optimizer:ident $with:expr),*) => {
            vec![$({
                let with = $with;
                let own = $optimizer::new(GROUP_RATE).weight_decay(GROUP_DECAY).l1(GROUP_L1);
                let pair: (Optimizer, Optimizer) = (with($optimizer::new(RATE)).into(), with(own).into());
                pair
            }),*]
        };
    }
    for device in [cpu(), gpu()] {
        // The step values are the rate and numbers without it: the same bits.
        for (other, own) in pairs!(Sgd |o: Sgd| o, Sgd |o: Sgd| o.momentum(0.9), RmsProp |o: RmsProp| o, Lion |o: Lion| o)
        {
            let found = weights_after(builder(device, other).group(all()), 5);
            let expected = weights_after(builder(device, own), 5);
            assert_same_bits(&format!("{other:?}"), &found, &expected);
        }
        // The rate is in several step values, each of which is rounded: 5 steps of at most 0.01, each within 4 ULP of
        // its length; and of the weights below 2, within half an ULP per step.
        for (other, own) in pairs!(AdamW |o: AdamW| o, Adamax |o: Adamax| o, NAdam |o: NAdam| o) {
            let found = weights_after(builder(device, other).group(all()), 5);
            let expected = weights_after(builder(device, own), 5);
            let near = Tolerance::absolute(5.0 * (0.01 * 4.0 + 1.0) * f64::from(f32::EPSILON));
            let expected: Vec<f64> = expected.iter().map(|&w| w.into()).collect();
            assert_each_close(&format!("{other:?}"), &found, &expected, |_| near);
        }
    }
}

#[test]
fn values_that_the_optimizer_has_change_nothing() {
    let optimizer = AdamW::new(0.01).weight_decay(0.1);
    let same = || {
        ParameterGroup::matching("layers.0.")
            .learning_rate(0.01)
            .weight_decay(0.1)
            .l1(0.0)
    };
    for device in [cpu(), gpu()] {
        let plain = weights_after(builder(device, optimizer), 4);
        let grouped = weights_after(builder(device, optimizer).group(same()), 4);
        assert_same_bits("the same values", &grouped, &plain);
        // A power of two times the optimizer's is an exact factor.
        let [by_value, by_factor] = [
            ParameterGroup::vectors().learning_rate(0.0025),
            ParameterGroup::vectors().rate_factor(0.25),
        ]
        .map(|group| {
            let cosine = Schedule::Cosine {
                steps: 9,
                floor: 0.1,
            };
            weights_after(builder(device, optimizer).group(group).schedule(cosine), 4)
        });
        assert_same_bits("a quarter", &by_value, &by_factor);
    }
}

#[test]
fn beside_an_optimizer_at_rate_0_only_the_groups_train() {
    for device in [cpu(), gpu()] {
        let before = parameters(&mut network(device));
        let head = ParameterGroup::matching("layers.1.").learning_rate(0.1);
        let frozen = builder(device, Adam::new(0.0)).group(head.clone());
        let expected = builder(device, Adam::new(0.1))
            .group(head)
            .group(ParameterGroup::matching("layers.0.").frozen());
        let after = weights_after(frozen, 3);
        assert_same_bits("frozen", &after[..56], &before[..56]);
        assert!(after[56..].iter().zip(&before[56..]).all(|(a, b)| a != b));
        // The rate is also in a step value that is rounded once more.
        let expected: Vec<f64> = weights_after(expected, 3)
            .iter()
            .map(|&w| w.into())
            .collect();
        assert_each_close("head", &after, &expected, |_| Tolerance::absolute(1e-6));
    }
    // All of them.
    let none = ParameterGroup::matching("*").learning_rate(0.0);
    let refused = builder(cpu(), Adam::new(0.1)).group(none).build();
    assert!(matches!(refused, Err(Error::Argument { .. })));
}

#[test]
fn a_plateau_scales_the_rates_of_groups_too() {
    let data = data(32);
    let (x, labels) = (samples(&data), data.labels());
    for device in [cpu(), gpu()] {
        let plateau = ReduceOnPlateau::new().factor(0.5).patience(0);
        let group = ParameterGroup::matching("*").learning_rate(0.3);
        let trainer = builder(device, Sgd::new(0.1)).group(group);
        let mut trainer = trainer.reduce_on_plateau(plateau).build().unwrap();
        trainer.observe(1.0).unwrap();
        assert_eq!(trainer.observe(1.0).unwrap(), 0.5);
        let before = parameters(trainer.network_mut());
        let g = gradients(trainer.network_mut(), &x, labels);
        trainer.step(&x, labels).unwrap();
        let after = parameters(trainer.network_mut());
        let expected: Vec<f64> = before
            .iter()
            .zip(&g)
            .map(|(&w, &g)| f64::from(w) - 0.15 * f64::from(g))
            .collect();
        assert_each_close("half", &after, &expected, |i| {
            let size = f64::from(before[i].abs() + g[i].abs());
            Tolerance::absolute(size * f64::from(f32::EPSILON))
        });
    }
}

#[test]
fn a_group_has_its_rate_in_every_phase() {
    let data = data(32);
    let (x, labels) = (samples(&data), data.labels());
    let group = ParameterGroup::matching("*.weight").learning_rate(0.3);
    let trainer = Trainer::builder(network(cpu())).batch_size(32).group(group);
    let mut trainer = trainer
        .phase(Phase::new(Sgd::new(0.1)).train("layers.0."))
        .phase(Phase::new(Sgd::new(0.2)).train("layers.1."))
        .build()
        .unwrap();
    for rates in [[0.3, 0.1, 0.0, 0.0], [0.0, 0.0, 0.3, 0.2]] {
        let before = parameters(trainer.network_mut());
        let g = gradients(trainer.network_mut(), &x, labels);
        trainer.step(&x, labels).unwrap();
        let after = parameters(trainer.network_mut());
        let rates = SIZES
            .iter()
            .zip(rates)
            .flat_map(|(&size, rate)| vec![rate; size]);
        let places = before.iter().zip(&g).zip(rates);
        let expected: Vec<f64> = places
            .map(|((&w, &g), rate)| f64::from(w) - rate * f64::from(g))
            .collect();
        assert_each_close("a phase", &after, &expected, |i| {
            let size = f64::from(before[i].abs() + g[i].abs());
            Tolerance::absolute(size * f64::from(f32::EPSILON))
        });
    }
}

#[test]
fn groups_with_values_are_part_of_checkpoints() {
    let data = data(40);
    let build = |rate: f64| {
        let group = ParameterGroup::matching("layers.0.weight").learning_rate(rate);
        let decay = ParameterGroup::matching("*.weight").weight_decay(0.3);
        let builder = builder(cpu(), Adam::new(0.01)).batch_size(8);
        builder.group(group).group(decay).build().unwrap()
    };
    let mut whole = build(0.003);
    whole.steps(&data, 9).unwrap();
    let mut first = build(0.003);
    first.steps(&data, 4).unwrap();
    let saved = pollster::block_on(first.to_bytes_async()).unwrap();
    let mut second = build(0.003);
    pollster::block_on(second.load_bytes_async("file", &saved)).unwrap();
    second.steps(&data, 5).unwrap();
    let [expected, found] = [whole, second].map(|mut t| parameters(t.network_mut()));
    assert_same_bits("resumed", &found, &expected);

    // Every difference has a name: another value, a factor in its place, none.
    let plain = || builder(cpu(), Adam::new(0.01)).batch_size(8);
    for (mut other, differences) in [
        (
            build(0.004),
            &[
                "saved with learning rate of layers.0.weight: 0.003, expected learning rate of layers.0.weight: 0.004",
            ][..],
        ),
        (
            plain().build().unwrap(),
            &[
                "saved with learning rate of layers.0.weight: 0.003, expected learning rate of layers.0.weight: none",
                "saved with weight decay of layers.1.weight: 0.3, expected weight decay of layers.1.weight: none",
            ],
        ),
        (
            plain()
                .group(ParameterGroup::matching("layers.0.weight").rate_factor(0.3))
                .build()
                .unwrap(),
            &[
                "saved with rate factor of layers.0.weight: 1.0, expected rate factor of layers.0.weight: 0.3",
                "saved with learning rate of layers.0.weight: 0.003, expected learning rate of layers.0.weight: none",
            ],
        ),
    ] {
        let refused = pollster::block_on(other.load_bytes_async("file", &saved)).unwrap_err();
        assert!(matches!(refused, Error::Format { .. }), "{refused:?}");
        for difference in differences {
            assert!(refused.to_string().contains(difference), "{refused}");
        }
        let kept = other.load_bytes_with_async("file", &saved, Resume::KeepMoments);
        pollster::block_on(kept).unwrap();
        assert_eq!(other.step_count(), 4);
    }
    // And in the other direction.
    let saved = pollster::block_on(plain().build().unwrap().to_bytes_async()).unwrap();
    let refused = pollster::block_on(build(0.003).load_bytes_async("file", &saved)).unwrap_err();
    let difference = "saved with learning rate of layers.0.weight: none, expected learning rate of layers.0.weight: 0.003";
    assert!(refused.to_string().contains(difference), "{refused}");
}
