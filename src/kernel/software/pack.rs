//! Packed floats: the memory type of four floats in memory-bound kernels. Each shader piece defines `Packed`, `pack`
//! and `unpack`. The bits are the same in both.

use crate::kernel::base::Capabilities;

/// `Packed` is a `vec4<f32>`.
const FLOATS: &str = include_str!("../../../shaders/software/pack/floats.wgsl");
/// `Packed` is two 64-bit words. An adapter that runs on a CPU runs a loop over its lanes for every component that it
/// loads or stores, so half as many components take little more than half the time.
pub(crate) const LOADS64: &str = include_str!("../../../shaders/software/pack/loads64.wgsl");

/// Piece after [`LOADS64`]: an invocation's chunk of eight parameters in 64-bit words, instead of four floats on other
/// adapters.
pub(crate) const EIGHTS: &str = include_str!("../../../shaders/software/eights.wgsl");

/// The piece for an adapter.
pub(crate) fn source(capabilities: &Capabilities) -> &'static str {
    if capabilities.loads64 {
        LOADS64
    } else {
        FLOATS
    }
}
