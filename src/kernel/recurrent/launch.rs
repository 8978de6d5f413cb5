//! Forms of the recurrent kernels, their constants, and their number of workgroups.

use super::sequence::Sequence;
use crate::kernel::activation::exponentials;
use crate::kernel::base::{Capabilities, matrix};

/// The functions of the gates.
const NONLINEAR: &str = include_str!("../../../shaders/recurrent/nonlinear.wgsl");
pub(super) const SEQUENCE: &str = include_str!("../../../shaders/recurrent/sequence.wgsl");
/// Exchange of samples between the lanes of a subgroup.
const SHARED_LANES: &str = include_str!("../../../shaders/recurrent/shared_lanes.wgsl");
/// Replaces [`SHARED_LANES`] if each invocation has one sample of its own.
const LONE_LANE: &str = include_str!("../../../shaders/recurrent/lone_lane.wgsl");

pub(super) const INITIAL: &str = include_str!("../../../shaders/recurrent/optional/initial.wgsl");
pub(super) const ZERO_INITIAL: &str =
    include_str!("../../../shaders/recurrent/optional/zero_initial.wgsl");
pub(super) const LENGTHS: &str = include_str!("../../../shaders/recurrent/optional/lengths.wgsl");
pub(super) const FULL_LENGTH: &str =
    include_str!("../../../shaders/recurrent/optional/full_length.wgsl");
pub(super) const LAST: &str = include_str!("../../../shaders/recurrent/optional/last.wgsl");
pub(super) const NO_LAST: &str = include_str!("../../../shaders/recurrent/optional/no_last.wgsl");
pub(super) const STATE: &str = include_str!("../../../shaders/recurrent/optional/state.wgsl");
pub(super) const NO_STATE: &str = include_str!("../../../shaders/recurrent/optional/no_state.wgsl");

/// Invocations of a workgroup on a GPU, of one step and of several.
const STEP_WORKGROUP: usize = 128;
const PERSISTENT_WORKGROUP: usize = 256;
/// Invocations that share the terms of four units.
const SLICES: usize = 8;
/// Invocations of a workgroup on a software adapter without subgroups of 8 or 4.
const LONE: usize = 8;

/// The start of a program: constants and pieces, and the number of workgroups.
pub(super) struct Launch {
    pub(super) constants: Vec<(&'static str, u32)>,
    pub(super) pieces: Vec<&'static str>,
    pub(super) workgroups: usize,
}

/// The form for an adapter. The entry points are those of GPUs and of software adapters.
pub(super) fn launch(
    sequence: &Sequence,
    persistent: bool,
    capabilities: &Capabilities,
    [sliced, direct]: [&'static str; 2],
) -> (Launch, &'static str) {
    let units = sequence.vectors().ld4();
    let mut pieces = vec![matrix::SOURCE, exponentials::SOURCE, NONLINEAR, SEQUENCE];
    let (workgroup, of_form, samples, workgroups, entry);
    if capabilities.software {
        let (lanes, exchange) = match capabilities.subgroup {
            Some(8) => (8, SHARED_LANES),
            Some(4) => (4, SHARED_LANES),
            _ => (1, LONE_LANE),
        };
        let least = if lanes == 1 { LONE } else { lanes };
        workgroup = if persistent {
            units.next_multiple_of(least)
        } else {
            least
        };
        pieces.push(exchange);
        samples = lanes;
        of_form = ("LANES", lanes as u32);
        workgroups = sequence.batch.div_ceil(samples) * units.div_ceil(workgroup);
        entry = direct;
    } else {
        workgroup = if persistent {
            PERSISTENT_WORKGROUP
        } else {
            STEP_WORKGROUP
        };
        let items = workgroup / SLICES;
        of_form = ("SLICES", SLICES as u32);
        samples = items / units.clamp(1, items);
        workgroups = if persistent {
            sequence.batch.div_ceil(samples)
        } else {
            (sequence.batch * units).div_ceil(items)
        };
        entry = sliced;
    }
    let cell = sequence.cell;
    let constants = vec![
        ("GATES", cell.gates() as u32),
        ("STATES", cell.states() as u32),
        ("SAVED", cell.saved() as u32),
        ("REVERSED", u32::from(sequence.reverse)),
        ("PERSISTENT", u32::from(persistent)),
        ("WORKGROUP", workgroup as u32),
        of_form,
        ("SAMPLES", samples as u32),
    ];
    let launch = Launch {
        constants,
        pieces,
        workgroups,
    };
    (launch, entry)
}

/// The piece for an operand that may be absent.
pub(super) fn either(is: bool, there: &'static str, absent: &'static str) -> &'static str {
    if is { there } else { absent }
}
