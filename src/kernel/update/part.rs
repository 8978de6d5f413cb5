//! Stretches of the arena, as the CPU twins take them.

use super::MOST_MOMENTS;
use super::grouped::BLOCK;
use crate::kernel::Real;
use crate::kernel::elementwise::PARALLEL_FLOATS;
use crate::parallel;

/// Floats that one CPU task updates.
const TASK: usize = 1 << 14;

/// A stretch of the arena with its gradients and moments; moments that the rule does not keep are empty.
pub(crate) struct Part<'a, T> {
    /// Where in the segment it begins, in floats.
    pub(super) start: usize,
    pub(super) weights: &'a mut [T],
    pub(super) gradients: &'a [T],
    pub(super) moments: [&'a mut [T]; MOST_MOMENTS],
}

impl<'a, T: Real> Part<'a, T> {
    /// A whole segment of this many floats. Its moments lie one behind the other.
    pub(super) fn new(
        weights: &'a mut [T],
        gradients: &'a [T],
        moments: &'a mut [T],
        floats: usize,
    ) -> Self {
        let mut slices: [&mut [T]; MOST_MOMENTS] = Default::default();
        if floats > 0 {
            for (slice, moment) in slices.iter_mut().zip(moments.chunks_exact_mut(floats)) {
                *slice = moment;
            }
        }
        Part {
            start: 0,
            weights: &mut weights[..floats],
            gradients: &gradients[..floats],
            moments: slices,
        }
    }

    /// The same stretch, for a shorter time.
    pub(super) fn reborrow(&mut self) -> Part<'_, T> {
        Part {
            start: self.start,
            weights: self.weights,
            gradients: self.gradients,
            moments: self.moments.each_mut().map(|moment| &mut **moment),
        }
    }

    /// The first floats, and the rest.
    pub(super) fn split_at(self, middle: usize) -> (Self, Self) {
        let (w0, w1) = self.weights.split_at_mut(middle);
        let (g0, g1) = self.gradients.split_at(middle);
        let [a, b, c] = self.moments.map(|m| m.split_at_mut(middle.min(m.len())));
        let (first, rest) = ([a.0, b.0, c.0], [a.1, b.1, c.1]);
        let part = |start, weights, gradients, moments| Part {
            start,
            weights,
            gradients,
            moments,
        };
        (
            part(self.start, w0, g0, first),
            part(self.start + middle, w1, g1, rest),
        )
    }

    /// Runs the stretch in parallel tasks where it is large.
    pub(super) fn share(self, run: &(impl Fn(Part<'_, T>) + Sync)) {
        if self.weights.len() < PARALLEL_FLOATS {
            run(self);
        } else {
            self.split(run);
        }
    }

    /// Halves the stretch, at a block, until one task is small enough.
    fn split(self, run: &(impl Fn(Part<'_, T>) + Sync)) {
        let length = self.weights.len();
        if length <= TASK {
            return run(self);
        }
        let (first, rest) = self.split_at(length / 2 / BLOCK * BLOCK);
        parallel::join(|| first.split(run), || rest.split(run));
    }
}
