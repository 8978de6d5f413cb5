//! Targets from labels: one-hot rows.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/labels.wgsl");

/// The column whose target is 1; one beyond the columns if none is. A single column of a binary criterion is hot for
/// label 1, not for label 0.
pub(crate) fn hot_column(label: u32, criterion: super::Criterion, cols: usize) -> u32 {
    if criterion.is_binary(cols) {
        1 - label.min(1)
    } else {
        label
    }
}
