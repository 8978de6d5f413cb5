//! The optimizer update: one dispatch over the flat arena of all parameters, whatever their number.
//!
//! For every element: g ← gradient + λ₂w + λ₁·sign(w) (penalties), then the optimizer's rule gives the new w and its moments.
//! One file per rule, `shaders/update/x.wgsl` and `src/kernel/update/x.rs`; the loop around them is
//! `shaders/update/update.wgsl` and this file.
//!
//! The learning rate and what else changes by step come from the step table (see [`crate::plan`]); nothing is changed
//! while the non-finite guard is set. The last segment's update also moves the step counter on.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod lion;
mod momentum;
mod nadam;
mod optimizer;
mod radam;
mod ranges;
mod rms_prop;
mod sgd;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamax::Adamax;
pub use lion::Lion;
pub use nadam::NAdam;
pub use optimizer::Optimizer;
pub use radam::RAdam;
pub(crate) use ranges::check_not_negative;
pub use rms_prop::RmsProp;
pub use sgd::Sgd;

use super::program::WORKGROUP;
use super::program::uniform_block;
use super::{Args, Binding, Compute, Program, Real, Target};

const SOURCE: &str = include_str!("../../shaders/update/update.wgsl");

/// Word 2 of the state while every tensor is finite.
pub(crate) const ALL_FINITE: u32 = u32::MAX;

/// Most moments (running averages) that a rule keeps per parameter.
pub(crate) const MOST_MOMENTS: usize = 3;

/// Floats that one CPU task updates.
const TASK: usize = 1 << 13;

/// What changes from step to step, as the rule wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct StepValues<T> {
    /// Learning rate.
    pub(crate) rate: T,
    /// Three factors of the rule's own.
    pub(crate) first: T,
    pub(crate) second: T,
    pub(crate) third: T,
}

/// Words in an entry of the step table.
pub(crate) const ENTRY_WORDS: usize = 8;

/// The word of an entry that says where the step's batch begins.
pub(crate) const ENTRY_OFFSET: usize = 3;

impl StepValues<f32> {
    /// An entry of the step table, with where the step's batch begins.
    pub(crate) fn entry(self, offset: u32) -> [u32; ENTRY_WORDS] {
        let [rate, first, second, third] =
            [self.rate, self.first, self.second, self.third].map(f32::to_bits);
        [rate, first, second, offset, third, 0, 0, 0]
    }
}

/// Coefficients of the penalties on the weights, whose derivatives are added to the gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Penalty<T> {
    pub(crate) l2: T,
    pub(crate) l1: T,
}

impl<T: Real> Penalty<T> {
    fn gradient(self, g: T, w: T) -> T {
        g + self.l2 * w + self.l1 * w.sign()
    }
}

/// One segment of the parameter arena. Arguments: weights, gradients, [moments], step table, state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Update {
    pub(crate) optimizer: Optimizer,
    /// Floats in the segment, a multiple of 64.
    pub(crate) floats: usize,
    /// Entries of the step table.
    pub(crate) table_steps: usize,
    /// Whether this call moves the step counter on.
    pub(crate) advance: bool,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// `vec4` elements in the segment.
        count: u32,
        table_steps: u32,
        advance: u32,
        weight_decay: f32,
        l1: f32,
        _pad: [u32; 3],
        hyper: [f32; 8],
    }
}

impl Compute for Update {
    fn label(&self) -> String {
        format!("{} update [{}]", self.optimizer.name(), self.floats)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = vec![Binding::write(1), Binding::read(2)];
        if self.optimizer.moments() > 0 {
            bindings.push(Binding::write(3));
        }
        bindings.extend([Binding::read_words(4), Binding::write_words(5)]);
        bindings
    }

    fn program(&self, _target: &Target) -> Program {
        let params = Params {
            count: (self.floats / 4) as u32,
            table_steps: self.table_steps as u32,
            advance: u32::from(self.advance),
            weight_decay: self.optimizer.l2(),
            l1: self.optimizer.l1(),
            _pad: [0; 3],
            hyper: self.optimizer.hyper(),
        };
        let mut constants = self.optimizer.constants();
        constants.push(("WORKGROUP", WORKGROUP as u32));
        Program::new(
            &constants,
            &[self.optimizer.source(), SOURCE],
            &params,
            (self.floats / 4).div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        (self.floats * self.optimizer.flops()) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (weights, gradients) = (args.write(), args.read());
        let kept = self.optimizer.moments();
        let moments = if kept > 0 { args.write() } else { &mut [] };
        let (table, state) = (args.read_words(), args.write_words());
        if state[2] != ALL_FINITE {
            return;
        }
        let entry = state[1].wrapping_sub(1) as usize % self.table_steps * ENTRY_WORDS;
        let value = |word: u32| T::of(f32::from_bits(word).into());
        let values = StepValues {
            rate: value(table[entry]),
            first: value(table[entry + 1]),
            second: value(table[entry + 2]),
            third: value(table[entry + 4]),
        };
        if self.advance {
            state[0] = state[1];
        }
        let mut rest = moments;
        let mut slices: [&mut [T]; MOST_MOMENTS] = Default::default();
        for slice in slices.iter_mut().take(kept) {
            let (head, tail) = rest.split_at_mut(self.floats);
            (*slice, rest) = (head, tail);
        }
        let part = Part {
            weights: &mut weights[..self.floats],
            gradients: &gradients[..self.floats],
            moments: slices,
        };
        part.split(&|part| self.optimizer.update(part, values));
    }
}

/// A stretch of the arena with its gradients and moments; moments that the rule does not keep are empty.
pub(crate) struct Part<'a, T> {
    pub(crate) weights: &'a mut [T],
    pub(crate) gradients: &'a [T],
    pub(crate) moments: [&'a mut [T]; MOST_MOMENTS],
}

impl<T: Real> Part<'_, T> {
    /// Halves the stretch until one task is small enough, and runs the tasks in parallel.
    fn split(self, run: &(impl Fn(Part<'_, T>) + Sync)) {
        let length = self.weights.len();
        if length <= TASK {
            return run(self);
        }
        let middle = length / 2;
        let (w0, w1) = self.weights.split_at_mut(middle);
        let (g0, g1) = self.gradients.split_at(middle);
        let [a, b, c] = self.moments.map(|m| m.split_at_mut(middle.min(m.len())));
        rayon::join(
            || {
                Part {
                    weights: w0,
                    gradients: g0,
                    moments: [a.0, b.0, c.0],
                }
                .split(run)
            },
            || {
                Part {
                    weights: w1,
                    gradients: g1,
                    moments: [a.1, b.1, c.1],
                }
                .split(run)
            },
        );
    }
}
