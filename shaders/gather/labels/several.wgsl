// Copies the labels of a sample, LABELS of them, to its row of the batch. `stride` invocations share them; this one
// copies every stride-th from `first` on.
fn copy_labels(row: u32, sample: u32, first: u32, stride: u32) {
    for (var k = first; k < LABELS; k += stride) {
        batch_labels[row * LABELS + k] = labels[sample * LABELS + k];
    }
}
