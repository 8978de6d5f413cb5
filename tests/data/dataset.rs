//! Data sets: refused values, labels and lengths. Each error names the position.

use super::{refused_label, set};
use approx::assert_abs_diff_eq;
use wgrad::{Dataset, Error};

#[test]
fn labels_out_of_range_are_refused_with_their_row() {
    refused_label(set(&[3, 2, 3], &[9, 9, 10]), (2, 10, 10));
    refused_label(set(&[3, 2, 3], &[9, 255, 10]), (1, 255, 10));
    refused_label(
        Dataset::from_bytes(1, vec![0; 3], vec![0, 2, 3], 2),
        (1, 2, 2),
    );
    refused_label(
        Dataset::from_floats(1, vec![0.0; 2], vec![0, u32::MAX - 1], 2),
        (1, u32::MAX - 1, 2),
    );
    // The label of samples that have none.
    Dataset::from_floats(1, vec![0.0; 2], vec![0, Dataset::NO_LABEL], 2).unwrap();
    refused_label(Dataset::from_bytes(1, vec![0], vec![0], 0), (0, 0, 0));
}

#[test]
fn values_that_are_not_finite_are_refused_with_their_place() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for place in 0..6 {
            let mut values = vec![f32::MAX; 6];
            values[place] = bad;
            // Only the first is named.
            values[5] = if place < 5 { f32::NAN } else { bad };
            let error = Dataset::from_floats(3, values, vec![0, 1], 2).unwrap_err();
            let Error::NonFiniteData { row, column, value } = error else {
                panic!("expected Error::NonFiniteData, found {error:?}");
            };
            assert_eq!((row, column), (place / 3, place % 3));
            assert_eq!(value.to_bits(), bad.to_bits());
            let wanted = format!("the data contain {bad} at row {row}, column {column}");
            assert!(error.to_string().starts_with(&wanted), "{error}");
        }
    }
}

#[test]
fn lengths_must_fit() {
    // Features, values, labels.
    for (features, values, labels) in [
        (3, 6, 0), // no sample
        (3, 0, 0),
        (0, 0, 2), // samples of nothing
        (3, 5, 2),
        (3, 7, 2),
        (3, 6, 3),
        (usize::MAX, 6, 2), // 2·(2⁶⁴ − 1) wraps
        (1 << 63, 0, 2),    // 2·2⁶³ wraps to the right length
    ] {
        let bytes = Dataset::from_bytes(features, vec![0; values], vec![0; labels], 1);
        let floats = Dataset::from_floats(features, vec![0.0; values], vec![0; labels], 1);
        for result in [bytes, floats] {
            let error = result.unwrap_err();
            let Error::Shape {
                operation,
                expected,
                found,
            } = &error
            else {
                panic!("expected Error::Shape, found {error:?}");
            };
            assert_eq!(*operation, "Dataset");
            let wanted = format!(
                "at least one sample, and {features} values, at least 1, for each of {labels} samples"
            );
            assert_eq!(*expected, wanted);
            assert_eq!(*found, format!("{values} values"));
            assert_eq!(
                error.to_string(),
                format!("Dataset: expected {wanted}, found {values} values")
            );
        }
    }
}

#[test]
fn floats_are_not_scaled_by_default() {
    let data = Dataset::from_floats(2, vec![0.5, -1.0, f32::MAX, 0.0], vec![1, 0], 2).unwrap();
    assert_eq!(data.sample(0).unwrap(), [0.5, -1.0]);
    assert_eq!(data.sample(1).unwrap(), [f32::MAX, 0.0]);
    let error = data.sample(2).unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the index of a sample must be below 2, found 2"
    );
}

#[test]
fn values_far_from_zero_keep_their_digits_when_they_are_standardised() {
    let values = || vec![999_997.0, 1_000_001.0, 1_000_003.0, 1e6];
    let data = || Dataset::from_floats(1, values(), vec![0; 4], 1).unwrap();
    let expected = [-1.0, 1.0 / 3.0, 1.0, 0.0];
    for standardised in [
        data().standardized(1e6, 3.0).unwrap(),
        data().scaled(1.0 / 3.0, -1e6 / 3.0).unwrap(),
    ] {
        for (i, &expected) in expected.iter().enumerate() {
            let found = standardised.sample(i).unwrap()[0];
            assert_abs_diff_eq!(found, expected, epsilon = f32::EPSILON);
        }
    }
    let bytes = Dataset::from_bytes(2, vec![10, 30], vec![0], 1).unwrap();
    let bytes = bytes.standardized(20.0, 10.0).unwrap();
    assert_eq!(bytes.sample(0).unwrap(), [-1.0, 1.0]);
    for (mean, std) in [
        (f32::NAN, 1.0),
        (f32::INFINITY, 1.0),
        (0.0, 0.0),
        (0.0, -1.0),
        (0.0, f32::NAN),
        (0.0, f32::INFINITY),
        (0.0, 1e-40),
    ] {
        let refused = data().standardized(mean, std);
        assert!(
            matches!(refused, Err(Error::Argument { .. })),
            "{mean} {std}"
        );
    }
}
