//! The non-finite guard: its words in the state, its ids, and the bounds that keep ordinary steps finite.
//!
//! The word [`FIRST_NON_FINITE`] of the state is [`ALL_FINITE`], or the id of the tensor that is not finite: 0 is the loss, then follow the
//! tensors of [`Plan::guards`](crate::plan::Plan), then the blocks of the parameter arena. The lowest id wins. While
//! the guard is set, the kernels that obey it change nothing.
//!
//! An update writes its segment element by element, so it must not find an overflow while it writes. Two kinds of steps
//! ensure this:
//!
//! - An *ordinary* step cannot overflow: its gradients are at most [`GRADIENT_BOUND`] (a larger one sets the guard, as
//!   NaN does: [`ORDINARY`]), the values that it changes are at most [`BOUND`], and the coefficients are in
//!   [ranges](crate::kernel::update) for which one update of such numbers is finite. The update tests the values that
//!   it writes against [`BOUND`], and sets the word [`CARE`] if one exceeds it. The loss of the next ordinary step
//!   then sets the guard to [`NEEDS_CARE`].
//! - If an ordinary step sets the guard, the host repeats it as a *careful* one: gradients are tested only for NaN and
//!   infinity, and a dry run of everything that could overflow sets the guard before anything is changed.
//!
//! A tensor call that changes a tensor has its own state, and runs twice ([`Pass`]). The first pass sets the guard to a
//! [`place`] if the result is not finite. The second pass writes unless the guard is set.

use super::Real;
pub(crate) use super::bounds::{
    ALL_FINITE, BLOCK, BOUND, GRADIENT_BOUND, LOSS_ID, NEEDS_CARE, ORDINARY, REFUSED_BEFORE,
};
use super::bounds::{LOST, MAX_FINITE};
use super::state::{CARE, FIRST_NON_FINITE};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Tests of values against the bounds.
pub(crate) const SOURCE: &str = include_str!("../../../shaders/base/guard/guard.wgsl");
/// For kernels that change something unless the guard is set, with the element [`State`](super::Element::State).
pub(crate) const OBEY: &str = include_str!("../../../shaders/base/guard/obey.wgsl");
/// For dry runs, which set the guard before anything is changed, with the element
/// [`StateWithAtomicGuard`](super::Element::StateWithAtomicGuard).
pub(crate) const PROBE: &str = include_str!("../../../shaders/base/guard/probe.wgsl");
/// Piece after [`PROBE`] for tensor calls, which test before they write.
pub(crate) const REFUSE: &str = include_str!("../../../shaders/base/guard/refuse.wgsl");

/// The two passes of a tensor call. Both run the same shader, so both round equally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Tests the result, and sets the guard if it is not finite.
    Test,
    /// Writes the result unless the guard is set.
    Write,
}

/// The guard's value for a float that is not finite: 16·⌊float/4⌋ + 4·role + float mod 4. So the first `vec4` wins, and
/// within it the lowest role: 0 for weights and other values, 1 to 3 for the moments of an update.
pub(crate) fn place(float: usize, role: usize) -> u32 {
    let (float, role) = (float as u64, role as u64);
    let place = 16 * (float / 4) + 4 * role + float % 4;
    place.min(u64::from(REFUSED_BEFORE - 1)) as u32
}

/// The float and the role that a [`place`] encodes.
pub(crate) fn placed(place: u32) -> (usize, usize) {
    let [four, role, lane] = [place / 16, place / 4 % 4, place % 4].map(|part| part as usize);
    (4 * four + lane, role)
}

/// Index of the first value that is not finite.
pub(crate) fn first_lost<T: Real>(values: &[T]) -> Option<usize> {
    let is_lost = |value: &T| magnitude(*value) > MAX_FINITE;
    // The maximum is computed in vectors.
    (max_abs(values) > MAX_FINITE).then(|| values.iter().position(is_lost).unwrap_or(0))
}

/// Bits of the magnitude of a number.
#[inline(always)]
pub(crate) fn magnitude<T: Real>(value: T) -> u32 {
    value.bits() & 0x7fff_ffff
}

/// Bits of the largest magnitude; NaN is above infinity.
#[inline(always)]
pub(crate) fn max_abs<T: Real>(values: &[T]) -> u32 {
    values
        .iter()
        .fold(0, |most, &value| most.max(magnitude(value)))
}

/// Whether the values are out of bounds for a tensor with this id.
pub(crate) fn out_of_bounds<T: Real>(id: u32, values: &[T]) -> bool {
    let bound = match id & ORDINARY {
        0 => MAX_FINITE,
        _ => GRADIENT_BOUND,
    };
    max_abs(values) > bound
}

/// Sets the guard to an id, unless a lower id has set it.
pub(crate) fn set(state: &mut [u32], id: u32) {
    state[FIRST_NON_FINITE] = state[FIRST_NON_FINITE].min(id);
}

/// Whether the guard is set.
pub(crate) fn is_set(state: &[u32]) -> bool {
    state[FIRST_NON_FINITE] != ALL_FINITE
}

/// The result of a dry run, or of the first pass of a tensor call.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Id of the segment's first block. `None`: ids are [places](place).
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

    /// Tests values that would be written to the segment from float `start` on, as weights (role 0) or moments.
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
        set(state, self.id.into_inner());
        state[CARE] |= u32::from(self.care.into_inner());
    }
}
