// This gather copies no labels.
fn copy_labels(row: u32, sample: u32, first: u32, stride: u32) {}
