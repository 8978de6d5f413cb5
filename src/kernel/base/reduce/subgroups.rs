//! Reduction within subgroups by butterfly shuffles; only the subgroups' results go through workgroup memory. With
//! subgroups of 32 this takes two barriers.
//!
//! `subgroupAdd` is not used, since its order is implementation-defined.

use crate::kernel::base::Capabilities;

pub(super) const SOURCE: &str = include_str!("../../../../shaders/base/reduce/subgroups.wgsl");

/// The subgroup width, if it divides a workgroup of this many invocations.
pub(super) fn width(workgroup: usize, capabilities: &Capabilities) -> Option<u32> {
    let fits = |width: &u32| *width > 1 && (workgroup as u32).is_multiple_of(*width);
    capabilities.subgroup.filter(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subgroups_are_used_where_a_workgroup_falls_into_whole_ones() {
        let with = |subgroup| Capabilities {
            software: false,
            bounded: false,
            subgroup,
            loads64: false,
            tuning: None,
        };
        for workgroup in [64, 256] {
            for whole in [4, 8, 16, 32, 64] {
                assert_eq!(width(workgroup, &with(Some(whole))), Some(whole));
            }
            for other in [None, Some(0), Some(1), Some(48), Some(512)] {
                assert_eq!(width(workgroup, &with(other)), None);
            }
        }
        assert_eq!(width(64, &with(Some(128))), None);
    }
}
