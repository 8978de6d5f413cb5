//! Tests of parameter groups.

use super::*;
use crate::kernel::MatrixShape;

const NAMES: [(&str, bool); 5] = [
    ("layers.0.weight", false),
    ("layers.0.bias", true),
    ("layers.1.weight", false),
    ("layers.1.bias", true),
    ("layers.10.gain", true),
];

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
        ] {
            let result = factors(&[group], NAMES.into_iter());
            assert!(matches!(result, Err(Error::Argument { .. })), "{wrong}");
        }
    }
    // A GPU may flush it to 0, which freezes the parameter.
    assert!(factors(&[all().rate_factor(1e-40)], NAMES.into_iter()).is_err());
}

#[test]
fn a_group_that_changes_nothing_is_refused() {
    use crate::{AdamW, Sgd};
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
