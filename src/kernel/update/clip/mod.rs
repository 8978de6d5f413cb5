//! Clipping of gradients within the update.
//!
//! Each shader piece defines `clip_factor` and `clipped`. For clipping by norm, the kernel reads partial sums of
//! squares that [`Squares`](crate::kernel::reduction::Squares) has written in the previous dispatch. Every workgroup
//! adds them up itself, in the same order.

mod norm_factor;
mod value;

use super::span::Span;
use crate::kernel::base::program::WORKGROUP;
use crate::kernel::base::ranges::check_positive;
use crate::kernel::base::reduce::{self, Reduce};
use crate::kernel::base::{Args, Capabilities, Real};
use crate::kernel::reduction::squares::PAIR;
pub(super) use norm_factor::EPSILON;

/// No clipping.
const NONE: &str = include_str!("../../../../shaders/update/clip/none.wgsl");
/// Clipping by norm: the workgroup's invocations share the partial sums.
const NORM: &str = include_str!("../../../../shaders/update/clip/norm.wgsl");
/// Clipping by norm on adapters that run on a CPU, where barriers are slow: every invocation adds up all partial sums
/// in registers, and updates more elements to compensate.
const NORM_DIRECT: &str = include_str!("../../../../shaders/update/clip/norm_direct.wgsl");

/// Maximum number of partial sums that every invocation adds up itself.
const MAX_DIRECT: usize = 1 << 10;

/// Gradient clipping, applied before the penalties are added.
///
/// The two kinds cannot be combined: clipping by value changes the norm, so the result would depend on their order.
///
/// ```
/// use wgrad::Clip;
/// assert_ne!(Clip::Norm(1.0), Clip::Value(1.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Clip {
    /// Element by element: g ← clamp(g, −c, c), with NaN kept (PyTorch's `clip_grad_value_`).
    Value(f64),
    /// All gradients together: g ← g·min(1, m/(‖g‖ + 1e-6)), ‖g‖ the Euclidean norm over the gradients of all
    /// parameters (Pascanu et al. 2013; PyTorch's `clip_grad_norm_`). The squares are scaled by powers of two, so the
    /// norm is correct for gradients of any magnitude.
    Norm(f64),
}

impl Clip {
    /// Refuses limits outside their range.
    pub(crate) fn check(&self) -> crate::Result<()> {
        match *self {
            Clip::Value(limit) => check_positive("the value to clip at", limit),
            Clip::Norm(limit) => check_positive("the norm to clip at", limit),
        }
    }
}

/// [`Clip`] with the location of the norm's partial sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ClipWith {
    Nothing,
    Value(f32),
    Norm {
        limit: f32,
        /// Number of partial sums of squares in a place of the ring.
        parts: usize,
        /// Number of places of the ring.
        ring_steps: usize,
    },
}

impl ClipWith {
    /// The kernel's clipping, for a ring of `ring_steps` places of `parts` partial sums.
    pub(crate) fn new(clip: Option<Clip>, parts: usize, ring_steps: usize) -> Self {
        match clip {
            None => ClipWith::Nothing,
            Some(Clip::Value(limit)) => ClipWith::Value(limit as f32),
            Some(Clip::Norm(limit)) => ClipWith::Norm {
                limit: limit as f32,
                parts,
                ring_steps,
            },
        }
    }

    pub(super) fn label(&self) -> String {
        match self {
            ClipWith::Nothing => String::new(),
            ClipWith::Value(limit) => format!(" clipped at {limit}"),
            ClipWith::Norm { limit, .. } => format!(" clipped at norm {limit}"),
        }
    }

    pub(super) fn limit(&self) -> f32 {
        match *self {
            ClipWith::Nothing => 0.0,
            ClipWith::Value(limit) | ClipWith::Norm { limit, .. } => limit,
        }
    }

    /// Number of partial sums in a place of the ring, and number of places.
    pub(super) fn ring(&self) -> [usize; 2] {
        match *self {
            ClipWith::Norm {
                parts, ring_steps, ..
            } => [parts, ring_steps],
            _ => [0; 2],
        }
    }

    /// Whether every invocation adds up all partial sums: on an adapter that runs on a CPU, if they are few enough.
    fn is_direct(&self, capabilities: &Capabilities) -> bool {
        capabilities.software && self.ring()[0] <= MAX_DIRECT
    }

    /// Maximum iterations of an invocation over all its loops.
    pub(super) fn iterations(&self, capabilities: &Capabilities) -> usize {
        let parts = self.ring()[0];
        let of_parts = match self.is_direct(capabilities) {
            true => parts,
            false => parts.div_ceil(WORKGROUP) + WORKGROUP.ilog2() as usize,
        };
        2 * of_parts + self.elements(capabilities)
    }

    /// The constants and pieces at the start of the shader.
    pub(super) fn reduce(&self, capabilities: &Capabilities) -> Reduce {
        match self {
            ClipWith::Norm { .. } if !self.is_direct(capabilities) => {
                Reduce::new(WORKGROUP, capabilities)
            }
            _ => Reduce::none(WORKGROUP),
        }
    }

    /// The shader's pieces.
    pub(super) fn sources(&self, capabilities: &Capabilities) -> Vec<&'static str> {
        match self {
            ClipWith::Nothing => vec![NONE],
            ClipWith::Value(_) => vec![value::SOURCE],
            ClipWith::Norm { .. } if self.is_direct(capabilities) => {
                vec![NORM_DIRECT, norm_factor::SOURCE]
            }
            ClipWith::Norm { .. } => {
                vec![reduce::FLOATS, reduce::SOURCE, NORM, norm_factor::SOURCE]
            }
        }
    }

    /// Number of chunks of parameters that an invocation updates: more if each workgroup first computes a norm.
    pub(super) fn elements(&self, capabilities: &Capabilities) -> usize {
        match self {
            ClipWith::Norm { .. } if capabilities.software => 8,
            ClipWith::Norm { .. } => 4,
            _ => 1,
        }
    }

    /// The clipping of the step's gradients on the CPU.
    pub(super) fn values<T: Real>(&self, step: u32, args: &mut Args<'_, '_, T>) -> Clipping<T> {
        match *self {
            ClipWith::Nothing => Clipping::Nothing,
            ClipWith::Value(limit) => Clipping::Value(T::of(limit.into())),
            ClipWith::Norm {
                limit,
                parts,
                ring_steps,
            } => {
                let place = PAIR * (step as usize % ring_steps * parts);
                let pairs = &args.read()[place..][..PAIR * parts];
                Clipping::Scale(norm_factor::factor(T::of(limit.into()), pairs))
            }
        }
    }
}

/// The clipping of a step's gradients on the CPU.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clipping<T> {
    Nothing,
    Value(T),
    Scale([T; 2]),
}

/// Number of gradients that are clipped at a time.
const CHUNK: usize = 1 << 10;

impl<T: Real> Clipping<T> {
    /// Clips the span's gradients and calls `update` with them.
    pub(super) fn run(self, mut span: Span<'_, T>, update: &impl Fn(Span<'_, T>)) {
        let clip = |g: T| match self {
            Clipping::Nothing => g,
            Clipping::Value(limit) => value::clip(g, limit),
            Clipping::Scale([scale, factor]) => factor * (scale * g),
        };
        if let Clipping::Nothing = self {
            return update(span);
        }
        let mut clipped = [T::ZERO; CHUNK];
        while !span.weights.is_empty() {
            let length = span.weights.len().min(CHUNK);
            let (first, rest) = span.split_at(length);
            for (to, &g) in clipped.iter_mut().zip(first.gradients) {
                *to = clip(g);
            }
            update(Span {
                gradients: &clipped[..length],
                ..first
            });
            span = rest;
        }
    }
}
