//! Criterion traits: the properties in which criteria differ, apart from their arithmetic.

use crate::{Error, Result};

/// Properties of one criterion. A criterion sets those that differ from [`Traits::ROW`].
pub(crate) struct Traits {
    /// Name for listings and errors.
    pub(crate) name: &'static str,
    /// WGSL source that defines `row_loss(row)`.
    pub(crate) sources: &'static [&'static str],
    /// Names in the shader of the inputs after x, at most two; all inputs have one shape.
    pub(crate) other_inputs: &'static [&'static str],
    pub(crate) target: Target,
    /// Whether the mean is over rows rather than elements: the criterion gives one number per row.
    pub(crate) is_by_row: bool,
    pub(crate) class_weights: ClassWeights,
    /// Whether a single column is a class too. Otherwise the labels of a single column are 0 and 1.
    pub(crate) is_by_class: bool,
    /// Whether the largest target value of a row is a label to guess.
    pub(crate) has_classes: bool,
    /// Target value in the columns other than the label's.
    pub(crate) off_target: f32,
    /// Input above which a single column guesses label 1: ½ if inputs are compared with targets 0 and 1; 0 if they are
    /// logits or logarithms, or are compared with ±1.
    pub(crate) threshold: f32,
    /// Whether the parameter smooths the targets, so that every column has a share.
    pub(crate) smooths: bool,
    /// Refuses parameters outside their range.
    pub(crate) check: fn(f32) -> Result<()>,
}

/// Target of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// None.
    Nothing,
    /// Labels only.
    Labels,
    /// Labels, or one value per row. No input is a guess of the label.
    OnePerRow,
    /// Labels, or values of the inputs' shape.
    Values,
}

/// Class weights of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClassWeights {
    /// None.
    Nothing,
    /// One per class. A mean over labels is divided by the sum of the labels' weights.
    OfRows,
    /// One per class. A mean is divided by the number of rows.
    OfColumns,
    /// Two: for labels 0 and 1 in every column.
    OfTargets,
}

impl Traits {
    /// The defaults: one input, targets of its shape, no parameter.
    pub(super) const ROW: Traits = Traits {
        name: "",
        sources: &[],
        other_inputs: &[],
        target: Target::Values,
        is_by_row: false,
        class_weights: ClassWeights::Nothing,
        is_by_class: false,
        has_classes: false,
        off_target: 0.0,
        threshold: 0.0,
        smooths: false,
        check: |_| Ok(()),
    };
}

/// Refuses a parameter that is not above 0.
pub(super) fn check_above_zero(what: &'static str, value: f32) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(Error::argument(what, "above 0 and finite", value))
    }
}
