//! The comparator that all other tests trust: it must see NaN, the sign of infinity, and one wrong element among many.

mod common;

use common::compare::{Tolerance, compare, compare_each};

const LOOSE: Tolerance = Tolerance {
    relative: 0.5,
    absolute: 10.0,
};

#[test]
fn wrong_results_fail() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let cases: [(&str, &[f32], &[f64]); 11] = [
        ("actual NaN", &[nan], &[0.0]),
        ("expected NaN", &[0.0], &[f64::NAN]),
        ("NaN for an infinity", &[nan], &[f64::INFINITY]),
        ("an infinity for NaN", &[inf], &[f64::NAN]),
        ("another sign of infinity", &[inf], &[f64::NEG_INFINITY]),
        ("infinite instead of finite", &[inf], &[1.0]),
        ("finite instead of infinite", &[f32::MAX], &[f64::INFINITY]),
        ("too short", &[1.0], &[1.0, 1.0]),
        ("too long", &[1.0, 1.0], &[1.0]),
        ("empty", &[], &[1.0]),
        ("not empty", &[1.0], &[]),
    ];
    for (name, actual, expected) in cases {
        assert!(
            compare(name, actual, expected, LOOSE).is_err(),
            "{name} passed"
        );
    }
    // Even an infinite tolerance excuses no infinity.
    assert!(
        compare(
            "infinite",
            &[inf],
            &[1.0],
            Tolerance::absolute(f64::INFINITY)
        )
        .is_err()
    );
}

#[test]
fn one_wrong_element_among_many_fails_and_is_named() {
    for wrong in [0, 1, 5_000, 99_999] {
        let mut actual = vec![1.0f32; 100_000];
        actual[wrong] = 1.001;
        let tolerance = Tolerance {
            relative: 1e-4,
            absolute: 1e-4,
        };
        let error = compare("ones", &actual, &vec![1.0; 100_000], tolerance).unwrap_err();
        assert!(error.contains("1 of 100000"), "{error}");
        assert!(
            error.contains(&format!("the worst at {wrong}: ")),
            "{error}"
        );
    }
}

#[test]
fn the_worst_element_is_named_and_nan_is_worse_than_any() {
    let expected = [1.0, 1.0, 1.0, 1.0];
    let error = compare(
        "numbers",
        &[1.0, 1.2, 1.5, 1.3],
        &expected,
        Tolerance::EXACT,
    )
    .unwrap_err();
    assert!(
        error.contains("3 of 4") && error.contains("the worst at 2: "),
        "{error}"
    );
    let error = compare(
        "NaN",
        &[9.0, f32::NAN, 9.0, 1.0],
        &expected,
        Tolerance::EXACT,
    )
    .unwrap_err();
    assert!(
        error.contains("3 of 4") && error.contains("the worst at 1: "),
        "{error}"
    );
}

#[test]
fn right_results_pass() {
    let inf = f64::INFINITY;
    let cases: [(&str, &[f32], &[f64]); 5] = [
        ("nothing", &[], &[]),
        (
            "infinities",
            &[f32::INFINITY, f32::NEG_INFINITY],
            &[inf, -inf],
        ),
        ("NaN", &[f32::NAN], &[f64::NAN]),
        ("zeros", &[0.0, -0.0], &[-0.0, 0.0]),
        ("equal", &[1.5, -2.0], &[1.5, -2.0]),
    ];
    for (name, actual, expected) in cases {
        assert_eq!(compare(name, actual, expected, Tolerance::EXACT), Ok(()));
    }
}

#[test]
fn both_parts_of_a_tolerance_count_and_end() {
    let tolerance = Tolerance {
        relative: 0.25,
        absolute: 0.5,
    };
    for (actual, expected, passes) in [
        (5.0, 4.0, true),
        (5.25, 4.0, false),
        (-3.0, -4.0, true),
        (-2.75, -4.0, false),
        (0.5, 0.0, true),
        (-0.75, 0.0, false),
    ] {
        let result = compare("pair", &[actual], &[expected], tolerance);
        assert_eq!(result.is_ok(), passes, "{actual} for {expected}");
    }
}

#[test]
fn each_element_has_its_own_tolerance() {
    let by_index = |i: usize| Tolerance::absolute(i as f64);
    assert!(compare_each("within", &[0.0, 1.0, 2.0], &[0.0; 3], by_index).is_ok());
    assert!(compare_each("beyond", &[0.0, 0.0, 3.0], &[0.0; 3], by_index).is_err());
}
