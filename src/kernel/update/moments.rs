//! Where a rule's moments are.

pub(super) const SOURCE: &str = include_str!("../../../shaders/update/moments.wgsl");
/// What stands in for the file where a rule keeps none.
pub(super) const NONE: &str = "\
fn moment(number: u32, i: u32) -> Chunk { return Chunk(); }
fn store_moment(number: u32, i: u32, value: Chunk) {}
";
