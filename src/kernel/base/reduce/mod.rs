//! Workgroup reductions: sums and maxima over a workgroup, in a fixed order.
//!
//! The order is a tree over the invocations, neighbours first. Subgroups compute the lower levels of the same tree that
//! workgroup memory otherwise computes in full, so the bits are equal.
//!
//! A kernel with reductions has a `run(workgroup, index)` instead of an entry point, and defines `Value`.

mod subgroups;

use super::Capabilities;

/// `workgroup_sum` and `workgroup_max`.
pub(crate) const SOURCE: &str = include_str!("../../../../shaders/base/reduce/reduce.wgsl");

/// `reduce` in workgroup memory: one barrier per level, eight levels for 256 invocations.
const TREE: &str = include_str!("../../../../shaders/base/reduce/tree.wgsl");

/// The entry point of a kernel with reductions that needs no subgroups.
const ENTRY: &str = include_str!("../../../../shaders/base/entry.wgsl");

/// Values that are numbers.
pub(crate) const FLOATS: &str = "alias Value = f32;";

/// Values that are four numbers each.
pub(crate) const VECTORS: &str = "alias Value = vec4<f32>;";

/// The constants and pieces at the start of a kernel with reductions.
pub(crate) struct Reduce {
    pub(crate) constants: Vec<(&'static str, u32)>,
    /// The entry point, and `reduce`.
    pub(crate) pieces: Vec<&'static str>,
}

impl Reduce {
    /// The reduction for workgroups of this many invocations, a power of two.
    pub(crate) fn new(workgroup: usize, capabilities: &Capabilities) -> Self {
        let mut reduce = Self::none(workgroup);
        match subgroups::width(workgroup, capabilities) {
            Some(width) => {
                reduce.constants.push(("SUBGROUP", width));
                reduce.pieces = vec![subgroups::SOURCE];
            }
            None => reduce.pieces.push(TREE),
        }
        reduce
    }

    /// The entry point only, for a variant without reductions.
    pub(crate) fn none(workgroup: usize) -> Self {
        Reduce {
            constants: vec![("WORKGROUP", workgroup as u32)],
            pieces: vec![ENTRY],
        }
    }
}
