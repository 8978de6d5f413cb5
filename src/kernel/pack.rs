//! How kernels that are all memory traffic on a software adapter see four floats in memory: one file a way,
//! `shaders/pack/x.wgsl` and `src/kernel/pack/x.rs`. The bits are the same.

pub(super) mod floats;
pub(super) mod words;

use super::Target;

/// The definitions of `Packed`, `pack` and `unpack`.
pub(super) fn source(target: &Target) -> &'static str {
    if target.words64 {
        words::SOURCE
    } else {
        floats::SOURCE
    }
}
