//! Labels of a batch, which a gather copies with the samples: none, one, or several per sample.

/// The shader's `copy_labels` for this many labels per sample.
pub(crate) fn source(labels: usize) -> &'static str {
    match labels {
        0 => include_str!("../../../shaders/gather/labels/none.wgsl"),
        1 => include_str!("../../../shaders/gather/labels/one.wgsl"),
        _ => include_str!("../../../shaders/gather/labels/several.wgsl"),
    }
}

/// Iterations of an invocation that copies the labels of a sample with `stride` others.
pub(crate) fn iterations(labels: usize, stride: usize) -> usize {
    match labels {
        0 | 1 => 0,
        _ => labels.div_ceil(stride.max(1)),
    }
}

/// Copies the labels of the batch: `sample` maps each row of the batch to its sample.
pub(crate) fn run(
    labels: &[u32],
    per_sample: usize,
    rows: usize,
    sample: impl Fn(usize) -> usize,
    batch: &mut [u32],
) {
    let batch = &mut batch[..rows * per_sample];
    for (row, batch) in batch.chunks_exact_mut(per_sample).enumerate() {
        batch.copy_from_slice(&labels[sample(row) * per_sample..][..per_sample]);
    }
}
