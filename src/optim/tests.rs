//! Tests of parameter groups: patterns, and the coefficients of each parameter.

use super::coefficients::{Applied, block_factors, coefficients, written};
use super::group::{ParameterGroup, check_groups, matches};
use super::setting::{Coefficients, Setting};
use crate::kernel::base::guard::BLOCK;
use crate::kernel::{Factors, MatrixShape};
use crate::plan::Arena;
use crate::{AdamW, Error, Optimizer, Result, Sgd};

const NAMES: [(&str, bool); 5] = [
    ("layers.0.weight", false),
    ("layers.0.bias", true),
    ("layers.1.weight", false),
    ("layers.1.bias", true),
    ("layers.10.gain", true),
];

fn factors(
    groups: &[ParameterGroup],
    parameters: impl Iterator<Item = (&'static str, bool)> + Clone,
) -> Result<Vec<Factors>> {
    let coefficients = coefficients(groups, &Sgd::new(0.1).into(), parameters)?;
    let plain = vec![Factors::default(); coefficients.len()];
    Ok(written(&coefficients).0.unwrap_or(plain))
}

fn rates(groups: &[ParameterGroup]) -> Vec<f64> {
    let factors = factors(groups, NAMES.into_iter()).unwrap();
    factors.iter().map(|f| f.rate).collect()
}

#[test]
fn patterns_match_whole_names_prefixes_and_stars() {
    for (pattern, held) in [
        ("layers.1.bias", &[3][..]),
        ("layers.1.", &[2, 3]),
        ("layers.1*", &[2, 3, 4]),
        ("*.bias", &[1, 3]),
        ("*", &[0, 1, 2, 3, 4]),
        ("layers.*.weight", &[0, 2]),
        ("*a*s.1*g*", &[2, 4]),
        ("*10.*", &[4]),
        ("**weight", &[0, 2]),
    ] {
        let mut expected = [1.0; 5];
        held.iter().for_each(|&i| expected[i] = 0.5);
        let group = ParameterGroup::matching(pattern).rate_factor(0.5);
        assert_eq!(rates(&[group]), expected, "{pattern}");
    }
}

#[test]
fn a_star_takes_no_character_twice() {
    assert!(!matches("ab*ba", "aba"));
    assert!(matches("ab*ba", "abba"));
    assert!(!matches("*ab*ab", "ab"));
    assert!(matches("a*", "a"));
    assert!(!matches("", "a"));
}

#[test]
fn a_group_that_holds_nothing_is_refused_by_its_pattern() {
    for pattern in ["layers.2.", "layers", "bias", "LAYERS.0.bias", ""] {
        let groups = [ParameterGroup::matching(pattern).frozen()];
        let error = factors(&groups, NAMES.into_iter()).unwrap_err();
        let Error::Argument { found, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(found, pattern);
    }
    let groups = [ParameterGroup::vectors().frozen()];
    let matrices = [("a", false)].into_iter();
    assert!(factors(&groups, matrices).is_err());
}

#[test]
fn later_groups_set_what_they_name_and_leave_the_rest() {
    let groups = [
        ParameterGroup::vectors()
            .no_weight_decay()
            .rate_factor(2.0)
            .l1_factor(3.0),
        ParameterGroup::matching("layers.0.").rate_factor(0.1),
        ParameterGroup::matching("layers.1.bias")
            .weight_decay_factor(0.5)
            .frozen(),
    ];
    let found = factors(&groups, NAMES.into_iter()).unwrap();
    let of = |rate, decay, l1| Factors {
        rate,
        l2: decay,
        l1,
        decoupled: decay,
    };
    assert_eq!(
        found,
        [
            of(0.1, 1.0, 1.0),
            of(0.1, 0.0, 3.0),
            of(1.0, 1.0, 1.0),
            of(0.0, 0.5, 3.0),
            of(2.0, 0.0, 3.0),
        ]
    );
}

#[test]
fn factors_outside_their_ranges_are_refused() {
    let all = || ParameterGroup::matching("*");
    for wrong in [f64::NAN, f64::INFINITY, -0.1, 1e39] {
        for group in [
            all().rate_factor(wrong),
            all().weight_decay_factor(wrong),
            all().l1_factor(wrong),
            all().learning_rate(wrong),
            all().weight_decay(wrong),
            all().l1(wrong),
        ] {
            let result = factors(&[group], NAMES.into_iter());
            assert!(matches!(result, Err(Error::Argument { .. })), "{wrong}");
        }
    }
    // A GPU may flush it to 0, which freezes the parameter.
    assert!(factors(&[all().rate_factor(1e-40)], NAMES.into_iter()).is_err());
    assert!(factors(&[all().learning_rate(1e-40)], NAMES.into_iter()).is_err());
}

#[test]
fn a_group_that_changes_nothing_is_refused() {
    let all = || ParameterGroup::matching("*");
    let plain: Optimizer = Sgd::new(0.1).into();
    let decays: Optimizer = AdamW::new(0.1).into();
    let lasso: Optimizer = Sgd::new(0.1).l1(0.1).into();
    for (group, optimizers, refused) in [
        (all(), &[decays][..], true),
        (all().weight_decay_factor(0.5), &[plain], true),
        (all().weight_decay_factor(0.5), &[plain, decays], false),
        (all().l1_factor(2.0), &[decays], true),
        (all().l1_factor(2.0), &[lasso], false),
        (all().weight_decay(0.5), &[plain], false),
        (all().l1(2.0), &[plain], false),
        // Their effect holds without a penalty too.
        (all().no_weight_decay(), &[plain], false),
        (all().l1_factor(1.0), &[plain], false),
        (all().frozen(), &[plain], false),
    ] {
        let result = check_groups(std::slice::from_ref(&group), optimizers);
        assert_eq!(result.is_err(), refused, "{group:?}");
    }
}

#[test]
fn blocks_have_the_factors_of_their_parameter() {
    let shapes = [(1, 64), (3, 65), (1, 1)];
    let parameters = shapes
        .iter()
        .map(|&(rows, cols)| (String::new(), MatrixShape::new(rows, cols)));
    // Two segments: of 64 and 256 floats, and of 64.
    let arena = Arena::new(parameters, 320 * 12).unwrap();
    assert_eq!(arena.segments, [320, 64]);
    let rate = |rate| Factors {
        rate,
        ..Factors::default()
    };
    let tables = block_factors(&[rate(2.0), rate(3.0), rate(4.0)], &arena);
    let rates: Vec<Vec<f32>> = tables
        .iter()
        .map(|table| table.iter().copied().step_by(4).collect())
        .collect();
    assert_eq!(rates, [vec![2.0, 3.0, 3.0, 3.0, 3.0], vec![4.0]]);
    for (table, floats) in tables.iter().zip(&arena.segments) {
        assert_eq!(table.len(), floats / BLOCK * 4);
    }
}

/// Rate, L2, L1 and decoupled weight decay that the device applies to each parameter.
fn applied(optimizer: impl Into<Optimizer>, groups: &[ParameterGroup]) -> Vec<[f32; 4]> {
    let optimizer = optimizer.into();
    let coefficients = coefficients(groups, &optimizer, NAMES.into_iter()).unwrap();
    let Applied { optimizer, factors } =
        Applied::new(optimizer, &coefficients, &[true; 5]).unwrap();
    let rate = optimizer.learning_rate() as f32;
    let penalty = optimizer.penalty();
    let factors = factors.unwrap_or(vec![Factors::default(); 5]);
    let products = factors.iter().map(|factors| {
        let [by_rate, by_l2, by_l1, by_decoupled] = factors.entry();
        [
            rate * by_rate,
            penalty.l2 * by_l2,
            penalty.l1 * by_l1,
            penalty.decoupled * by_decoupled,
        ]
    });
    products.collect()
}

#[test]
fn values_reach_the_device_exactly_whatever_the_optimizers_coefficients_are() {
    let groups = [
        ParameterGroup::matching("layers.0.")
            .learning_rate(0.003)
            .weight_decay(0.07),
        ParameterGroup::matching("layers.1.weight")
            .weight_decay(0.02)
            .l1(0.3),
        ParameterGroup::matching("layers.0.bias").weight_decay(0.0),
        ParameterGroup::matching("layers.1.bias").learning_rate(0.0),
        ParameterGroup::matching("layers.10.gain").rate_factor(0.5),
    ];
    assert_eq!(
        applied(Sgd::new(0.1), &groups),
        [
            [0.003, 0.07, 0.0, 0.0],
            [0.003, 0.0, 0.0, 0.0],
            [0.1, 0.02, 0.3, 0.0],
            [0.0, 0.0, 0.0, 0.0],
            [0.05, 0.0, 0.0, 0.0],
        ]
    );
    assert_eq!(
        applied(AdamW::new(0.1).weight_decay(0.01).l1(0.2), &groups),
        [
            [0.003, 0.0, 0.2, 0.07],
            [0.003, 0.0, 0.2, 0.0],
            [0.1, 0.0, 0.3, 0.02],
            [0.0, 0.0, 0.2, 0.01],
            [0.05, 0.0, 0.2, 0.01],
        ]
    );
    // An optimizer's rate of 0 freezes the others.
    let rates: Vec<f32> = applied(Sgd::new(0.0), &groups)
        .iter()
        .map(|c| c[0])
        .collect();
    assert_eq!(rates, [0.003, 0.003, 0.0, 0.0, 0.0]);
}

#[test]
fn the_last_setting_of_a_coefficient_counts_as_a_value_or_as_a_factor() {
    let all = || ParameterGroup::matching("*");
    for (groups, rate) in [
        (vec![all().learning_rate(0.3).rate_factor(0.7)], 0.1 * 0.7),
        (vec![all().rate_factor(0.7).learning_rate(0.3)], 0.3),
        (
            vec![all().learning_rate(0.3), all().rate_factor(0.7)],
            0.1 * 0.7,
        ),
        (
            vec![
                all().learning_rate(0.3),
                ParameterGroup::vectors().weight_decay(0.5),
            ],
            0.3,
        ),
    ] {
        let found = applied(Sgd::new(0.1), &groups);
        // As a factor the product of two rounded numbers is rounded again.
        approx::assert_relative_eq!(found[1][0], rate as f32, max_relative = 2e-7);
    }
}

#[test]
fn a_value_that_is_a_power_of_two_times_the_optimizers_is_a_factor() {
    let setting = |own, value| {
        let groups = [ParameterGroup::matching("*").learning_rate(value)];
        let optimizer = Optimizer::from(Sgd::new(own));
        coefficients(&groups, &optimizer, NAMES.into_iter()).unwrap()[0].rate
    };
    for (own, value, expected) in [
        (0.1, 0.1, Setting::Factor(1.0)),
        (0.1, 0.025, Setting::Factor(0.25)),
        (0.1, 0.8, Setting::Factor(8.0)),
        (0.1, 0.0, Coefficients::FROZEN),
        (0.1, 0.3, Setting::Value(0.3)),
        // The next number.
        (0.1, 0.1f64.next_up(), Setting::Value(0.1f64.next_up())),
        (0.0, 0.5, Setting::Value(0.5)),
        (1e-30, 1e30, Setting::Value(1e30)),
    ] {
        assert_eq!(setting(own, value), expected, "{value} beside {own}");
    }
    // Nothing is left of groups that set what the optimizer has.
    let optimizer = AdamW::new(0.003).weight_decay(0.1).l1(0.2);
    let same = [ParameterGroup::matching("*")
        .learning_rate(0.003)
        .weight_decay(0.1)
        .l1(0.2)];
    let coefficients = coefficients(&same, &optimizer.into(), NAMES.into_iter()).unwrap();
    assert_eq!(written(&coefficients), (None, Vec::new()));
    let applied = Applied::new(optimizer.into(), &coefficients, &[true; 5]).unwrap();
    assert_eq!(applied.optimizer, optimizer.into());
    assert!(applied.factors.is_none());
}

#[test]
fn products_out_of_range_are_refused_for_parameters_that_are_trained() {
    let groups = [
        ParameterGroup::matching("layers.0.weight").learning_rate(0.3),
        ParameterGroup::matching("layers.0.bias").rate_factor(1e-30),
    ];
    let optimizer = Optimizer::from(Sgd::new(1e-20));
    let coefficients = coefficients(&groups, &optimizer, NAMES.into_iter()).unwrap();
    let build = |trained: [bool; 5]| Applied::new(optimizer, &coefficients, &trained);
    assert!(build([true; 5]).is_err());
    assert!(build([true, false, true, true, true]).is_ok());
}
