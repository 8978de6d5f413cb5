//! Clipping by the norm of all gradients: g ← g·min(1, m/(‖g‖ + ε)).
//!
//! [`Sum`](crate::kernel::Sum) has left partial sums of squares one dispatch before. Every workgroup adds them up by itself,
//! in the same order.

/// Joined over the workgroup's invocations.
pub(super) const SOURCE: &str = include_str!("../../../../shaders/update/clip/norm.wgsl");
