// The state is h alone, or c is not read.
fn write_cell(sample: u32, row: u32, u4: u32, there: bool) {}
