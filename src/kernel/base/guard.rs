//! The non-finite guard: its words in the state, what sets it, and the bounds that keep ordinary steps finite.
//!
//! Word 2 of the state is [`ALL_FINITE`], or says what is not finite: 0 is the loss, then come the tensors of
//! [`Plan::guards`](crate::plan::Plan), then the blocks of the parameter arena. The lowest wins. While it is set, what
//! obeys it changes nothing.
//!
//! An update writes its segment element by element, so it must not find an overflow while it writes. Two kinds of steps
//! see to that:
//!
//! - An *ordinary* step cannot overflow: its gradients are at most [`GRADIENT_BOUND`] (a larger one sets the guard, as
//!   NaN does: [`ORDINARY`]), what it changes is at most [`BOUND`], and the coefficients are in
//!   [ranges](crate::kernel::update) for which one update of such numbers is finite. The update tests what it writes
//!   against that bound, and sets word 3 of the state if it finds more. Then the loss of the next ordinary step sets
//!   the guard to [`CARE`].
//! - Where that fails, the host repeats the step as a *careful* one: gradients are tested for NaN and infinity alone,
//!   and a dry run of everything that could overflow sets the guard before anything is changed.
//!
//! A tensor call that changes a tensor has a state of its own, and runs twice ([`Pass`]). The first pass sets the guard
//! to a [`place`], the second writes unless it is set.

use super::Real;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Kernels that change something unless the guard is set.
pub(crate) const OBEY: &str = include_str!("../../../shaders/base/guard/obey.wgsl");
/// Dry runs, which set the guard before anything is changed.
pub(crate) const PROBE: &str = include_str!("../../../shaders/base/guard/probe.wgsl");
/// Behind [`PROBE`]: tensor calls, which test before they write.
pub(crate) const REFUSE: &str = include_str!("../../../shaders/base/guard/refuse.wgsl");

/// Floats in a block of the parameter arena, the unit of the ids of dry runs and of parameter groups. Tensors start at
/// multiples of it, so a block belongs to one tensor.
pub(crate) const BLOCK: usize = 64;

/// Word 2 of the state while every tensor is finite.
pub(crate) const ALL_FINITE: u32 = u32::MAX;

/// Word 2 of the state once an ordinary step found that it needs care.
pub(crate) const CARE: u32 = u32::MAX - 1;

/// A bit of the ids that kernels are given: whatever is above [`GRADIENT_BOUND`] sets the guard, not only NaN and
/// infinity.
pub(crate) const ORDINARY: u32 = 1 << 31;

/// Bits of the greatest magnitude of a gradient in an ordinary step, 2⁴⁰.
pub(crate) const GRADIENT_BOUND: u32 = (127 + 40) << 23;

/// Bits of the greatest magnitude of what an ordinary step changes, 2⁵⁰.
pub(crate) const BOUND: u32 = (127 + 50) << 23;

/// Bits of the greatest magnitude that a dry run lets pass. It is 2¹⁶ ULP below the greatest number, since the update
/// itself may be compiled to round in another way.
const LOST: u32 = 0x7f7f_ff00;

/// Word 2 of the state of an update that is refused because too many before it were: see `Choose` in src/kernel/step.
pub(crate) const REFUSED_BEFORE: u32 = u32::MAX - 1;

/// The two passes of a tensor call. Both are one shader, so both round alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Tests the result, and sets the guard if it is not finite.
    Test,
    /// Writes the result unless the guard is set.
    Write,
}

/// The guard's value for a float that is not finite: 16·⌊float/4⌋ + 4·role + float mod 4. So among several the first
/// four floats win, and among these the lowest role: 0 for weights and other values, 1 to 3 for the moments of an
/// update.
pub(crate) fn place(float: usize, role: usize) -> u32 {
    let (float, role) = (float as u64, role as u64);
    let place = 16 * (float / 4) + 4 * role + float % 4;
    place.min(u64::from(REFUSED_BEFORE - 1)) as u32
}

/// The float and the role that a [`place`] stands for.
pub(crate) fn placed(place: u32) -> (usize, usize) {
    let [four, role, lane] = [place / 16, place / 4 % 4, place % 4].map(|part| part as usize);
    (4 * four + lane, role)
}

/// The first of some values that is not finite.
pub(crate) fn first_lost<T: Real>(values: &[T]) -> Option<usize> {
    let is_lost = |value: &T| magnitude(*value) > 0x7f7f_ffff;
    // The greatest is found in vectors.
    (max_abs(values) > 0x7f7f_ffff).then(|| values.iter().position(is_lost).unwrap_or(0))
}

/// The bits of the magnitude of a number.
#[inline(always)]
pub(crate) fn magnitude<T: Real>(value: T) -> u32 {
    value.bits() & 0x7fff_ffff
}

/// The bits of the greatest magnitude; NaN is above infinity.
#[inline(always)]
pub(crate) fn max_abs<T: Real>(values: &[T]) -> u32 {
    values
        .iter()
        .fold(0, |most, &value| most.max(magnitude(value)))
}

/// Whether the values are out of bounds for a tensor with this id.
pub(crate) fn out_of_bounds<T: Real>(id: u32, values: &[T]) -> bool {
    let bound = match id & ORDINARY {
        0 => 0x7f7f_ffff,
        _ => GRADIENT_BOUND,
    };
    max_abs(values) > bound
}

/// What a dry run found, or the first pass of a tensor call.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Of the segment's first block; None: ids are [places](place).
    first_id: Option<u32>,
    /// The lowest id of a block that would not be finite.
    id: AtomicU32,
    care: AtomicBool,
}

impl Probe {
    pub(crate) fn new(first_id: Option<u32>) -> Self {
        Probe {
            first_id,
            id: AtomicU32::new(ALL_FINITE),
            care: AtomicBool::new(false),
        }
    }

    /// Tests values that would be written from this float of the segment on, as weights (role 0) or moments.
    pub(crate) fn test<T: Real>(&self, role: usize, start: usize, values: &[T]) {
        let Some(first_id) = self.first_id else {
            if let Some(lost) = first_lost(values) {
                self.id
                    .fetch_min(place(start + lost, role), Ordering::Relaxed);
            }
            return;
        };
        let most = max_abs(values);
        if most > BOUND {
            self.care.store(true, Ordering::Relaxed);
        }
        if most > LOST {
            let is_lost = |value: &T| magnitude(*value) > LOST;
            let place = values.iter().position(is_lost).unwrap_or(0);
            let block = (start + place) / BLOCK;
            self.id
                .fetch_min(first_id + block as u32, Ordering::Relaxed);
        }
    }

    /// Sets the words of the state.
    pub(crate) fn report(self, state: &mut [u32]) {
        state[2] = state[2].min(self.id.into_inner());
        state[3] |= u32::from(self.care.into_inner());
    }
}
