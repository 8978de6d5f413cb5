// Copies the label of a sample to its row of the batch: the first invocation of the row does.
fn copy_labels(row: u32, sample: u32, first: u32, stride: u32) {
    if first == 0u {
        batch_labels[row] = labels[sample];
    }
}
