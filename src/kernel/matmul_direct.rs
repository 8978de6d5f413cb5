//! The matrix product for adapters that run on a CPU: everything in registers, no workgroup memory, no barrier.
//!
//! Where the adapter has subgroups, the lanes of one share a tile of C and hand each other their part of A.

use super::matmul::{Matmul, Variant};
use super::{Target, broadcast};

const SOURCE: &str = include_str!("../../shaders/matmul_direct.wgsl");

/// Without subgroups: invocations in a workgroup. Software adapters pack eight along x.
const WORKGROUP: usize = 8;

pub(crate) fn variant(call: &Matmul, target: &Target) -> Variant {
    // The tile of C is 4·lanes·quads rows by 4·lanes columns: 32×32, 16×16 or 8×4. Larger ones run as fast and take
    // several times as long to compile.
    let (lanes, quads, workgroup, broadcast) = match target.subgroup {
        Some(8) => (8, 1, 8, broadcast::SOURCE),
        Some(4) => (4, 1, 4, broadcast::SOURCE),
        _ => (1, 2, WORKGROUP, broadcast::NONE),
    };
    let tiles = call.m.div_ceil(4 * lanes * quads) * call.n.div_ceil(4 * lanes);
    Variant {
        constants: vec![
            ("LANES", lanes as u32),
            ("QUADS", quads as u32),
            ("WORKGROUP", workgroup as u32),
        ],
        sources: vec![broadcast, SOURCE],
        workgroups: (tiles * lanes).div_ceil(workgroup),
    }
}
