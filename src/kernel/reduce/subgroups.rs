//! Values of a workgroup joined within subgroups by butterflies of shuffles; only the subgroups' results go through the
//! workgroup's memory. With subgroups of 32 that takes two barriers.
//!
//! Not `subgroupAdd`: its order is the implementation's own.

use crate::kernel::Target;

pub(super) const SOURCE: &str = include_str!("../../../shaders/reduce/subgroups.wgsl");

/// The width of the subgroups into which a workgroup of this many invocations falls without remainder. On adapters that
/// run on a CPU there is none: rows take one invocation each there, and sums few workgroups.
pub(super) fn width(workgroup: usize, target: &Target) -> Option<u32> {
    let fits = |width: &u32| *width > 1 && (workgroup as u32).is_multiple_of(*width);
    target.subgroup.filter(fits).filter(|_| !target.software)
}
