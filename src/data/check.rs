//! Checks of the values and labels of data sets and batches.

use crate::{Error, Result};

/// Checks that every label is below `classes` or is the ignored one.
pub(crate) fn check_labels(labels: &[u32], classes: usize, ignored: Option<u32>) -> Result<()> {
    let bad = |&label: &u32| label as usize >= classes && Some(label) != ignored;
    match labels.iter().position(bad) {
        Some(row) => Err(Error::Label {
            row,
            label: labels[row],
            classes,
        }),
        None => Ok(()),
    }
}

/// Checks that no value is NaN or infinite.
pub(crate) fn check_finite(values: &[f32], features: usize) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(i) => Err(Error::NonFiniteData {
            row: i / features.max(1),
            column: i % features.max(1),
            value: values[i],
        }),
        None => Ok(()),
    }
}
