//! The non-finite guard: its words in the state, its ids, and the bounds that keep ordinary steps finite.
//!
//! Word 2 of the state is [`ALL_FINITE`], or the id of the tensor that is not finite: 0 is the loss, then follow the
//! tensors of [`Plan::guards`](crate::plan::Plan), then the blocks of the parameter arena. The lowest id wins. While
//! the guard is set, the kernels that obey it change nothing.
//!
//! An update writes its segment element by element, so it must not find an overflow while it writes. Two kinds of steps
//! ensure this:
//!
//! - An *ordinary* step cannot overflow: its gradients are at most [`GRADIENT_BOUND`] (a larger one sets the guard, as
//!   NaN does: [`ORDINARY`]), the values that it changes are at most [`BOUND`], and the coefficients are in
//!   [ranges](crate::kernel::update) for which one update of such numbers is finite. The update tests the values that
//!   it writes against [`BOUND`], and sets word 3 of the state if one exceeds it. The loss of the next ordinary step
//!   then sets the guard to [`CARE`].
//! - If an ordinary step sets the guard, the host repeats it as a *careful* one: gradients are tested only for NaN and
//!   infinity, and a dry run of everything that could overflow sets the guard before anything is changed.
//!
//! A tensor call that changes a tensor has its own state, and runs twice ([`Pass`]). The first pass sets the guard to a
//! [`place`] if the result is not finite. The second pass writes unless the guard is set.

use super::Real;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// State declaration for kernels that change something unless the guard is set.
pub(crate) const OBEY: &str = include_str!("../../../shaders/base/guard/obey.wgsl");
/// State declaration for dry runs, which set the guard before anything is changed.
pub(crate) const PROBE: &str = include_str!("../../../shaders/base/guard/probe.wgsl");
/// Piece after [`PROBE`] for tensor calls, which test before they write.
pub(crate) const REFUSE: &str = include_str!("../../../shaders/base/guard/refuse.wgsl");

/// Floats in a block of the parameter arena, the unit of the ids of dry runs and of parameter groups. Tensors start at
/// multiples of it, so a block belongs to one tensor.
pub(crate) const BLOCK: usize = 64;

/// Word 2 of the state while every tensor is finite.
pub(crate) const ALL_FINITE: u32 = u32::MAX;

/// Word 2 of the state once an ordinary step has found that it needs care.
pub(crate) const CARE: u32 = u32::MAX - 1;

/// Bit of the ids that are passed to kernels. If it is set, magnitudes above [`GRADIENT_BOUND`] set the guard, not only
/// NaN and infinity.
pub(crate) const ORDINARY: u32 = 1 << 31;

/// Bits of the largest magnitude of a gradient in an ordinary step, 2⁴⁰.
pub(crate) const GRADIENT_BOUND: u32 = (127 + 40) << 23;

/// Bits of the largest magnitude of values that an ordinary step changes, 2⁵⁰.
pub(crate) const BOUND: u32 = (127 + 50) << 23;

/// Bits of the largest magnitude that a dry run accepts, 255 ULP below the largest finite number, since the update
/// itself may be compiled to round differently.
const LOST: u32 = 0x7f7f_ff00;

/// Word 2 of the state of an update that is refused because too many earlier updates were: see `Choose` in
/// src/kernel/step.
pub(crate) const REFUSED_BEFORE: u32 = u32::MAX - 1;

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
    let is_lost = |value: &T| magnitude(*value) > 0x7f7f_ffff;
    // The maximum is computed in vectors.
    (max_abs(values) > 0x7f7f_ffff).then(|| values.iter().position(is_lost).unwrap_or(0))
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
        0 => 0x7f7f_ffff,
        _ => GRADIENT_BOUND,
    };
    max_abs(values) > bound
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
        state[2] = state[2].min(self.id.into_inner());
        state[3] |= u32::from(self.care.into_inner());
    }
}
