//! Variants of the convolution shaders: which kernel, its sizes, its number of workgroups.

use super::call::{ConvolutionWeight, Convolve};
use crate::kernel::base::product::LONG_K;
use crate::kernel::base::{Capabilities, MatrixShape};

const SHARED_WEIGHTS: &str = include_str!("../../../shaders/convolution/shared_weights.wgsl");
const LOADED_WEIGHTS: &str = include_str!("../../../shaders/convolution/loaded_weights.wgsl");
const SHARED_GRID: &str = include_str!("../../../shaders/convolution/shared_grid.wgsl");
const LOADED_GRID: &str = include_str!("../../../shaders/convolution/loaded_grid.wgsl");
const GATHER: &str = include_str!("../../../shaders/convolution/gather.wgsl");
const SINGLE_FLOATS: &str = include_str!("../../../shaders/convolution/single_floats.wgsl");
const FOURS: &str = include_str!("../../../shaders/convolution/fours.wgsl");
const IMAGE_FLOATS: &str = include_str!("../../../shaders/convolution/image_floats.wgsl");
const IMAGE_FOURS: &str = include_str!("../../../shaders/convolution/image_fours.wgsl");
const GROUPED: &str = include_str!("../../../shaders/convolution/grouped.wgsl");
const WEIGHT: &str = include_str!("../../../shaders/convolution/weight.wgsl");

/// The operands of a gather.
const OPERANDS: &str = include_str!("../../../shaders/convolution/source.wgsl");

pub(super) struct Launch {
    pub(super) constants: Vec<(&'static str, u32)>,
    pub(super) sources: Vec<&'static str>,
    pub(super) workgroups: usize,
    /// Upper bound on the loop iterations of one invocation.
    pub(super) iterations: usize,
}

/// Invocations that share a tile, and of a workgroup.
fn lanes(capabilities: &Capabilities) -> (usize, usize) {
    match capabilities.subgroup {
        Some(8) if capabilities.software => (8, 8),
        Some(4) if capabilities.software => (4, 4),
        _ if capabilities.software => (1, 8),
        _ => (1, 64),
    }
}

/// Maximum number of blocks of a tile: as many as fit in the registers of a GPU. An adapter that runs on a CPU has no
/// registers to save.
fn max_blocks(capabilities: &Capabilities) -> usize {
    if capabilities.software { 4 } else { 1 }
}

/// A flag of the shaders: its declaration as false, and as true.
macro_rules! flag {
    ($name:ident) => {
        const $name: [&str; 2] = [
            concat!("const ", stringify!($name), " = false;"),
            concat!("const ", stringify!($name), " = true;"),
        ];
    };
}

flag!(TRANSPOSED);
flag!(STRIDED);
flag!(BLOCKED);
flag!(RAGGED);
flag!(PADDED);
flag!(SCATTERED);

/// Channels that are loaded at a time, and whether they divide the channels of a group.
fn unroll(channels: usize) -> (usize, bool) {
    match channels {
        channels if channels.is_multiple_of(4) => (4, false),
        channels if channels.is_multiple_of(2) => (2, false),
        channels if channels > 8 => (4, true),
        _ => (1, false),
    }
}

/// The forward or transposed convolution.
pub(super) fn gather(call: &Convolve, capabilities: &Capabilities) -> Launch {
    let geometry = &call.geometry;
    let MatrixShape { rows, cols } = call.out();
    let (from, to) = call.group();
    let taps = geometry.place.taps();
    let strided = geometry.place.axes().iter().any(|axis| axis.stride > 1);
    let blocked = taps * from > LONG_K;
    let flags = [
        TRANSPOSED[usize::from(call.transposed)],
        STRIDED[usize::from(strided)],
        BLOCKED[usize::from(blocked)],
    ];
    let kernel_h = geometry.place.height.kernel;
    if geometry.groups > 1 && !to.is_multiple_of(4) {
        let workgroup = 64;
        return Launch {
            constants: vec![("WORKGROUP", workgroup as u32)],
            sources: [&flags[..], &[OPERANDS, SINGLE_FLOATS, GROUPED]].concat(),
            workgroups: (rows.div_ceil(4) * cols.div_ceil(4)).div_ceil(workgroup),
            iterations: taps * (from + 1) + kernel_h + 5,
        };
    }
    let (lanes, workgroup) = lanes(capabilities);
    // Tiles of up to 16 columns, all of one group.
    let quads = to.div_ceil(4);
    let wanted = match quads {
        1 => 1,
        2 => 2,
        _ if geometry.groups == 1 || quads.is_multiple_of(4) => 4,
        _ if quads.is_multiple_of(2) => 2,
        _ => 1,
    };
    let blocks = wanted.min(max_blocks(capabilities));
    // At least a column for each lane that shares a tile.
    let shared = lanes > 1 && 4 * blocks >= lanes;
    let (lanes, weights) = if shared {
        (lanes, SHARED_WEIGHTS)
    } else {
        (1, LOADED_WEIGHTS)
    };
    let (loads, (unroll, ragged)) = if call.reads_fours() {
        (FOURS, (4, !from.is_multiple_of(4)))
    } else {
        (SINGLE_FLOATS, unroll(from))
    };
    let chunk = if blocked { 128 } else { 1 << 30 };
    let tiles = rows.div_ceil(4 * lanes) * cols.div_ceil(4 * blocks);
    let chunks = from.div_ceil(chunk);
    Launch {
        constants: vec![
            ("LANES", lanes as u32),
            ("BLOCKS", blocks as u32),
            ("WORKGROUP", workgroup as u32),
            ("UNROLL", unroll as u32),
            ("CHUNK", chunk as u32),
        ],
        sources: [
            &flags[..],
            &[
                RAGGED[usize::from(ragged)],
                OPERANDS,
                loads,
                weights,
                GATHER,
            ],
        ]
        .concat(),
        workgroups: (tiles * lanes).div_ceil(workgroup),
        iterations: taps * (from.div_ceil(unroll) + chunks + 1) + kernel_h + blocks + 5,
    }
}

/// The parts of the weight gradient.
pub(super) fn weight(call: &ConvolutionWeight, capabilities: &Capabilities) -> Launch {
    let geometry = &call.geometry;
    let part = call.part();
    let outputs = geometry.group_outputs();
    let (lanes, workgroup) = lanes(capabilities);
    let scattered = geometry.groups > 1 && !outputs.is_multiple_of(4);
    let quads = outputs.div_ceil(4);
    let slice = call.slice();
    let blocked = slice > LONG_K;
    let wanted = match quads {
        _ if scattered => 1,
        1 => 1,
        2 => 2,
        _ if geometry.groups == 1 || quads.is_multiple_of(4) => 4,
        _ if quads.is_multiple_of(2) => 2,
        _ => 1,
    };
    let blocks = wanted.min(max_blocks(capabilities));
    let shared = lanes > 1 && 4 * blocks >= lanes;
    let (lanes, grid) = if shared {
        (lanes, SHARED_GRID)
    } else {
        (1, LOADED_GRID)
    };
    let padded = geometry.place.axes().iter().any(|axis| {
        let span = (axis.output - 1) * axis.stride + axis.dilation * (axis.kernel - 1) + 1;
        axis.before > 0 || span > axis.input
    });
    let tiles = part.rows.div_ceil(4 * blocks) * part.cols.div_ceil(4 * lanes) * call.parts();
    Launch {
        constants: vec![
            ("LANES", lanes as u32),
            ("BLOCKS", blocks as u32),
            ("WORKGROUP", workgroup as u32),
        ],
        sources: vec![
            BLOCKED[usize::from(blocked)],
            PADDED[usize::from(padded)],
            SCATTERED[usize::from(scattered)],
            grid,
            if call.reads_fours() {
                IMAGE_FOURS
            } else {
                IMAGE_FLOATS
            },
            WEIGHT,
        ],
        workgroups: (tiles * lanes).div_ceil(workgroup),
        iterations: slice + slice.div_ceil(128) + 5 * blocks + 5,
    }
}
