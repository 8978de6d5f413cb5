//! The store out = value for gradients, which reports values out of bounds to the [guard](crate::kernel::base::guard).

use crate::kernel::base::Real;
use crate::kernel::base::guard::{self, ORDINARY, out_of_bounds};

/// out = value, without a test.
pub(crate) const PLAIN: &str = include_str!("../../../shaders/base/plain.wgsl");

/// The store with a test, after the guard's own tests.
pub(crate) const SOURCES: [&str; 2] = [
    guard::SOURCE,
    include_str!("../../../shaders/base/gradient.wgsl"),
];

/// Reports values out of bounds in a finished gradient to the guard.
pub(crate) fn guard<T: Real>(id: u32, gradient: &[T], state: &mut [u32]) {
    if out_of_bounds(id, gradient) {
        guard::set(state, id & !ORDINARY);
    }
}
