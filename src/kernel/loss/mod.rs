//! Losses: the loss of every row of a batch, the sums of these, and the gradient of the sum, in one pass.
//!
//! Let ℓᵢ be the loss of row i under the [`Criterion`], and wᵢ its weight: 1, or the label's class weight, or 0 for an
//! ignored row. The gradient is factor · d(Σᵢ ℓᵢ), divided by Σᵢ wᵢ if `divide` is set. ℓᵢ already includes class
//! weights.
//!
//! Each workgroup writes one entry of four floats to the metric ring: (Σ ℓᵢ, Σ wᵢ, correct rows, counted rows), without
//! the factor. If the ℓᵢ are finite and their sum overflows, the entry holds a 64th of the sum, and 128 more counted
//! rows. Rows are counted, as correct or not, if the batch has labels or target values of classes. A non-finite input
//! or target, or a row whose loss is not finite, sets the guard; an ignored row never does.
//!
//! One of a step's losses is the clock of training: it sets the word `NEXT_STEP` of the state, B = A + 1 (see [`crate::plan`]).
//!
//! A criterion has two files: `shaders/loss/x.wgsl` and `src/kernel/loss/criterion/x.rs`. Both compute the loss of one
//! row and its gradients (`row_loss`, `run`). A criterion that is a sum over elements has `loss(x, t)` and `dloss(x,
//! t)`, and `by_element` sums them. `shaders/loss/loss.wgsl` is the loop around every criterion.

mod argmax;
mod batch;
mod by_element;
mod call;
mod criterion;
mod pieces;
mod row;
pub(crate) mod row_weights;
mod settings;
mod totals;
mod traits;

pub use criterion::Criterion;
pub use settings::{Loss, Reduction};

pub(crate) use call::{Against, Output, RowLoss};
pub(crate) use row_weights::RowWeights;
pub(crate) use totals::{ENTRY, Totals};

use crate::kernel::base::guard::{self, NEEDS_CARE};
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::state::{CARE, FIRST_NON_FINITE, NEXT_STEP, STEP};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, row_reduce,
};
use batch::{Batch, Part};
use call::PARTS;

uniform_block! {
    /// The uniform block of every loss.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        /// Factor of the gradient.
        factor: f32,
        /// The criterion's parameter: smoothing, β, δ or margin.
        parameter: f32,
        /// The target, if it is one number.
        constant: f32,
        /// The ignored label.
        ignore: u32,
        /// Number of places of the metric ring.
        ring_steps: u32,
        /// Entries from one place to the next.
        ring_stride: u32,
        /// The first entry of this loss within a place.
        ring_offset: u32,
        /// Number of entries of this loss.
        ring_sums: u32,
        /// 1 in an ordinary step, else 0.
        ordinary: u32,
        /// In accumulating steps: the first word of the state with a scale of this loss.
        scales: u32,
        /// In accumulating steps: words from one step's scale to the next.
        scale_stride: u32,
        _pad1: u32,
        _pad2: u32,
    }
}

pub(crate) use crate::kernel::base::guard::LOSS_ID;

impl Compute for RowLoss {
    fn label(&self) -> String {
        let output = match self.output {
            Output::Reduced => "",
            Output::Gradients => " and gradient",
            Output::Rows => " of rows",
        };
        format!("{}{output} {}", self.criterion.name(), self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        let count = self.criterion.inputs();
        let mut bindings = vec![Binding::input(1, "x", Element::Vec4).with_components()];
        bindings.extend(
            (2..)
                .zip(self.criterion.other_inputs())
                .map(|(number, name)| Binding::input(number, name, Element::Vec4)),
        );
        match self.against {
            Against::Labels => bindings.push(Binding::input(4, "labels", Element::Word)),
            Against::Values => bindings.push(Binding::input(4, "targets", Element::Vec4)),
            Against::Constant(_) | Against::Nothing => {}
        }
        if self.class_weights {
            bindings.push(Binding::input(5, "class_weights", Element::Vec4).with_components());
        }
        match self.output {
            Output::Reduced => {}
            Output::Gradients => {
                let gradients = [
                    Binding::output(6, "dx", Element::Vec4),
                    Binding::output(7, "second_dx", Element::Vec4),
                    Binding::output(8, "third_dx", Element::Vec4),
                ];
                bindings.extend(&gradients[..count]);
            }
            Output::Rows => bindings.push(Binding::output(6, "losses", Element::Float)),
        }
        // The partial sums of the row weights are read, if there are any.
        bindings.push(Binding::updated(9, "ring", Element::Vec4).with_components());
        bindings.push(Binding::updated(10, "state", Element::AtomicWord));
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let (reduce, workgroups) = row_reduce::geometry(self.shape, capabilities);
        let params = Params {
            rows: self.shape.rows as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            factor: self.factor,
            parameter: self.criterion.parameter(),
            constant: self.constant(),
            ignore: self.ignore.unwrap_or(0),
            ring_steps: self.ring_steps as u32,
            ring_stride: self.ring_stride as u32,
            ring_offset: self.ring_offset as u32,
            ring_sums: self.ring_sums as u32,
            ordinary: u32::from(self.ordinary),
            scales: self.scaled.map_or(0, |(scales, term)| scales.word(0, term)) as u32,
            scale_stride: self.scaled.map_or(0, |(scales, _)| scales.stride()) as u32,
            _pad1: 0,
            _pad2: 0,
        };
        let flags = self.flags(capabilities);
        let mut pieces = vec![flags.as_str()];
        pieces.extend(reduce.pieces);
        pieces.extend(self.pieces());
        Program::assemble(
            Shader {
                constants: &reduce.constants,
                bindings: &self.bindings(),
                pieces: &pieces,
            },
            &params,
            workgroups,
        )
        .with_iterations(self.iterations(capabilities))
    }

    fn flops(&self) -> u64 {
        6 * self.criterion.inputs() as u64 * self.shape.elements()
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let MatrixShape { rows, cols } = self.shape;
        let count = self.criterion.inputs();
        let mut inputs: [&[T]; 3] = [&[]; 3];
        inputs[..count].fill_with(|| args.read());
        let (mut labels, mut values): (&[u32], &[T]) = (&[], &[]);
        match self.against {
            Against::Labels => labels = args.read_words(),
            Against::Values => values = args.read(),
            Against::Constant(_) | Against::Nothing => {}
        }
        let class_weights = if self.class_weights {
            &args.read()[..self.criterion.weight_count(cols)]
        } else {
            &[]
        };
        let mut gradients: [&mut [T]; 3] = Default::default();
        let mut losses: &mut [T] = &mut [];
        match self.output {
            Output::Reduced => {}
            Output::Gradients => gradients[..count].fill_with(|| args.write()),
            Output::Rows => losses = args.write(),
        }
        let (ring, state) = (args.write(), args.write_words());

        let step = state[STEP] as usize % self.ring_steps;
        let place = ENTRY * (step * self.ring_stride + self.ring_offset);
        let (entries, after) = ring[place..].split_at_mut(ENTRY * self.ring_sums);
        entries.fill(T::ZERO);
        losses.fill(T::ZERO);
        let factor = match self.scaled {
            None if self.reads_denominator() => {
                let parts = after.chunks_exact(ENTRY).take(PARTS);
                self.factor_over(parts.map(|part| part[0].to_f64()).sum())
            }
            None if self.divides() => {
                let weight = |&label: &u32| self.row_weight(Some(label), class_weights).to_f64();
                self.factor_over(labels[..rows].iter().map(weight).sum())
            }
            None => T::of(self.factor.into()),
            Some((scales, term)) => {
                let scale = f32::from_bits(state[scales.word(state[STEP], term)]);
                T::of(self.factor.into()) * T::of(scale.into())
            }
        };
        let batch = Batch {
            call: self,
            inputs,
            labels,
            values,
            class_weights,
            weighs_targets: self.criterion.weighs_targets(),
            factor,
        };
        let is_finite = batch.run(Part {
            rows: 0..rows,
            entries,
            gradients,
            losses,
        });
        if !is_finite {
            state[FIRST_NON_FINITE] = LOSS_ID;
        }
        if self.clock {
            state[NEXT_STEP] = state[STEP].wrapping_add(1);
            if self.ordinary && state[CARE] != 0 {
                guard::set(state, NEEDS_CARE);
            }
        }
    }
}
