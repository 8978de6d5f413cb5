//! Losses: the loss of every row of a batch, their sums, and the gradient of the sum, in one pass.
//!
//! With ℓᵢ the loss of row i as the [`Criterion`] has it, and wᵢ its weight (1, or the label's class weight, or 0 for an
//! ignored row), the gradient is factor · d(Σᵢ ℓᵢ), divided by Σᵢ wᵢ where `divide`. Class weights are within ℓᵢ already.
//!
//! The metric ring gets an entry of four floats per workgroup: (Σ ℓᵢ, Σ wᵢ, correct rows, counted rows). The factor is not
//! in it. Where the ℓᵢ are finite and their sum overflows, the entry has a 64th of the sum, and 128 more counted
//! rows. Rows are counted, and found correct or not, where the batch has labels, or target values of classes. A
//! non-finite input or target, or a row whose loss is not finite, sets the guard; an ignored row never does.
//!
//! One of a step's losses is the clock of training: it advances word 1 of the state (see [`crate::plan`]).
//!
//! A criterion has two files: `shaders/loss/x.wgsl` and `src/kernel/loss/criterion/x.rs`. Both compute the loss of one row
//! and its gradients (`row_loss`, `run`). A criterion that is a sum over elements has `loss(x, t)` and `dloss(x, t)`, and
//! `by_element` sums them. `shaders/loss/loss.wgsl` is the loop around every criterion.

mod by_element;
mod criterion;
mod first_greatest;
mod pieces;
mod row;
pub(crate) mod row_weights;
mod settings;
mod totals;
mod traits;

pub use criterion::Criterion;
pub use settings::{Loss, Reduction};

pub(crate) use row_weights::RowWeights;
pub(crate) use totals::{ENTRY, Totals};

use crate::kernel::base::guard::CARE;
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::row_reduce::WORKGROUP;
use crate::kernel::base::{Args, Binding, Compute, MatrixShape, Program, Real, Target, row_reduce};
use crate::kernel::step::Scales;
use row::{Goal, Row};
use totals::EntrySums;

/// What the inputs are compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Against {
    /// A label a row.
    Labels,
    /// A matrix of targets of the inputs' shape; for a cosine [rows, 1].
    Values,
    /// One number for all elements.
    Constant(f32),
    /// The criterion has no target.
    Nothing,
}

/// What a call writes beside the metric ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Nothing.
    Reduced,
    /// The gradient of every input.
    Gradients,
    /// The rows' losses, with their weights, without the factor: [1, rows].
    Rows,
}

/// Arguments: the inputs; labels or targets, where there are any; class weights [1, cols], where there are any; the
/// gradients or the rows' losses, where wanted; metric ring, state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LossCall {
    pub(crate) criterion: Criterion,
    /// Of each input.
    pub(crate) shape: MatrixShape,
    pub(crate) against: Against,
    pub(crate) class_weights: bool,
    /// Whether rows with target values are found correct or not, by the greatest target, where the criterion has classes.
    pub(crate) counts_values: bool,
    /// The label whose rows count for nothing.
    pub(crate) ignore: Option<u32>,
    /// Of the gradient: the loss's factor over what is fixed of its denominator.
    pub(crate) factor: f32,
    /// Whether the gradient is divided by the sum of the rows' weights too. Where that is 0, so is the gradient.
    pub(crate) divide: bool,
    /// In place of that: which of a step's scales, behind the state, the gradient is multiplied by. As many steps have
    /// scales as the metric ring has places.
    pub(crate) scaled: Option<(Scales, usize)>,
    pub(crate) output: Output,
    /// Whether this call writes B = A + 1: one of a step's losses does.
    pub(crate) clock: bool,
    /// Whether the step is an ordinary one: then the loss that moves the clock on sets the guard to
    /// [`CARE`], if an update before it said that care is needed.
    pub(crate) ordinary: bool,
    /// Places of the metric ring: the step counter modulo this.
    pub(crate) ring_steps: usize,
    /// Entries (of four floats) from one place to the next.
    pub(crate) ring_stride: usize,
    /// The first entry of this loss within a place.
    pub(crate) ring_offset: usize,
    /// Its entries: at least [`row_reduce::sums`]. Those after the last workgroup's are zeroed. The partial sums of the
    /// rows' weights follow them, where a call before this one computes those ([`LossCall::reads_denominator`]).
    pub(crate) ring_sums: usize,
}

uniform_block! {
    /// The uniform block of every loss.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        factor: f32,
        parameter: f32,
        constant: f32,
        ignore: u32,
        ring_steps: u32,
        ring_stride: u32,
        ring_offset: u32,
        ring_sums: u32,
        ordinary: u32,
        scales: u32,
        scale_stride: u32,
        _pad1: u32,
        _pad2: u32,
    }
}

/// Guard id of the loss: before every parameter.
pub(crate) const LOSS_ID: u32 = 0;

impl Compute for LossCall {
    fn label(&self) -> String {
        let output = match self.output {
            Output::Reduced => "",
            Output::Gradients => " and gradient",
            Output::Rows => " of rows",
        };
        format!("{}{output} {}", self.criterion.name(), self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        let inputs = self.criterion.inputs() as u32;
        let mut bindings: Vec<Binding> = (1..=inputs).map(Binding::read).collect();
        match self.against {
            Against::Labels => bindings.push(Binding::read_words(4)),
            Against::Values => bindings.push(Binding::read(4)),
            Against::Constant(_) | Against::Nothing => {}
        }
        if self.class_weights {
            bindings.push(Binding::read(5));
        }
        match self.output {
            Output::Reduced => {}
            Output::Gradients => bindings.extend((6..6 + inputs).map(Binding::write)),
            Output::Rows => bindings.push(Binding::write(6)),
        }
        bindings.extend([Binding::write(9), Binding::write_words(10)]);
        bindings
    }

    fn program(&self, target: &Target) -> Program {
        let (reduce, workgroups) = row_reduce::geometry(self.shape, target);
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
        let flags = self.flags(target);
        let mut pieces = vec![flags.as_str()];
        pieces.extend(reduce.pieces);
        pieces.extend(self.pieces());
        Program::new(&reduce.constants, &pieces, &params, workgroups)
            .with_iterations(self.iterations(target))
    }

    fn flops(&self) -> u64 {
        6 * (self.criterion.inputs() * self.shape.rows * self.shape.cols) as u64
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

        let step = state[0] as usize % self.ring_steps;
        let place = ENTRY * (step * self.ring_stride + self.ring_offset);
        let (entries, after) = ring[place..].split_at_mut(ENTRY * self.ring_sums);
        entries.fill(T::ZERO);
        losses.fill(T::ZERO);
        let factor = match self.scaled {
            None if self.reads_denominator() => {
                let parts = after.chunks_exact(ENTRY).take(row_weights::PARTS);
                self.factor_over(parts.map(|part| part[0].to_f64()).sum())
            }
            None if self.divides() => {
                let weight = |&label: &u32| self.row_weight(Some(label), class_weights).to_f64();
                self.factor_over(labels[..rows].iter().map(weight).sum())
            }
            None => T::of(self.factor.into()),
            Some((scales, term)) => {
                let scale = f32::from_bits(state[scales.word(state[0], term)]);
                T::of(self.factor.into()) * T::of(scale.into())
            }
        };
        let (class_weights, binary_weights) = if self.criterion.weighs_targets() {
            (&[][..], class_weights)
        } else {
            (class_weights, &[][..])
        };
        let mut sums = EntrySums::default();
        for i in 0..rows {
            let label = labels.get(i).copied();
            let row = Row {
                inputs: inputs.map(|input| row::of(input, self.shape, i)),
                goal: self.goal(label, values, i),
                class_weights,
                binary_weights,
                parameter: T::of(self.criterion.parameter().into()),
                factor,
            };
            let mut gradient = gradients.each_mut().map(|gradient| {
                let (gradient, padding) = row::of_mut(gradient, self.shape, i);
                padding.fill(T::ZERO);
                gradient
            });
            if label.is_some() && label == self.ignore {
                gradient.iter_mut().for_each(|d| d.fill(T::ZERO));
            } else {
                let loss = self.criterion.run(&row, &mut gradient);
                if !loss.is_finite() || !row.is_finite() {
                    state[2] = LOSS_ID;
                }
                if let Some(out) = losses.get_mut(i) {
                    *out = loss;
                }
                let correct = self.counts().then(|| self.is_correct(&row, label));
                sums.add(loss, self.row_weight(label, class_weights), correct);
            }
            // One entry for as many rows as a workgroup of the shader takes.
            if (i + 1) % WORKGROUP == 0 || i + 1 == rows {
                let entry = std::mem::take(&mut sums).entry();
                entries[ENTRY * (i / WORKGROUP)..][..ENTRY].copy_from_slice(&entry);
            }
        }
        if self.clock {
            state[1] = state[0].wrapping_add(1);
            if self.ordinary && state[3] != 0 {
                state[2] = state[2].min(CARE);
            }
        }
    }
}

impl LossCall {
    /// The target where it is one number.
    fn constant(&self) -> f32 {
        match self.against {
            Against::Constant(value) => value,
            _ => 0.0,
        }
    }

    /// Whether rows are found correct or not.
    fn counts(&self) -> bool {
        match self.against {
            Against::Labels => self.criterion.has_guess(),
            Against::Values => self.counts_values && self.criterion.has_classes(),
            Against::Constant(_) | Against::Nothing => false,
        }
    }

    /// Above it the target of a single column is label 1.
    fn middle(&self) -> f32 {
        (1.0 + self.criterion.off_target()) / 2.0
    }

    /// The most iterations of an invocation of the shader, over all its loops.
    fn iterations(&self, target: &Target) -> usize {
        // Triplet margin and cosine have three passes over the row; the others have fewer.
        let passes = 3 * row_reduce::turns(self.shape, target);
        let rows_in_turn = self.shape.rows.div_ceil(WORKGROUP);
        let adds_up = self.divides() && !self.reads_denominator();
        let denominator = if adds_up { rows_in_turn } else { 0 };
        let zeroing = self.ring_sums.div_ceil(WORKGROUP);
        // The sums of the rows of a workgroup, in blocks, twice; and the levels of up to ten trees.
        let sums = 2 * (WORKGROUP + WORKGROUP / 8) + 10 * WORKGROUP.ilog2() as usize;
        passes + denominator + zeroing + sums
    }

    /// Whether a gradient is computed, and divided by the sum of the rows' weights.
    fn divides(&self) -> bool {
        self.divide && self.output == Output::Gradients
    }

    /// Whether that sum comes from a [`RowWeights`] before this call, as partial sums in the entries of the
    /// ring after this loss's.
    pub(crate) fn reads_denominator(&self) -> bool {
        self.divides() && row_weights::entries(self.shape) > 0
    }

    /// Whether a row's weight is its label's class weight.
    pub(crate) fn weighs_rows(&self) -> bool {
        self.class_weights && self.against == Against::Labels && self.criterion.weighs_rows()
    }

    /// The target of row `i`.
    fn goal<'a, T: Real>(&self, label: Option<u32>, values: &'a [T], i: usize) -> Goal<'a, T> {
        match label {
            Some(label) => Goal::Hot {
                column: row::hot_column(label, self.criterion.is_binary(self.shape.cols)),
                label,
                off: T::of(self.criterion.off_target().into()),
            },
            None if self.against == Against::Values => {
                let cols = self.criterion.target_cols(self.shape.cols);
                Goal::Values(row::of(values, MatrixShape::new(self.shape.rows, cols), i))
            }
            None => Goal::Constant(T::of(self.constant().into())),
        }
    }

    fn row_weight<T: Real>(&self, label: Option<u32>, class_weights: &[T]) -> T {
        if label.is_some() && label == self.ignore {
            T::ZERO
        } else if self.weighs_rows() {
            class_weights[row::class(label.unwrap_or(0), class_weights.len())]
        } else {
            T::ONE
        }
    }

    /// The factor of the gradient, divided by the sum of the rows' weights.
    fn factor_over<T: Real>(&self, weights: f64) -> T {
        let weights = T::of(weights);
        if weights == T::ZERO {
            T::ZERO
        } else {
            T::of(self.factor.into()) / weights
        }
    }

    /// Whether the row's guess is its label, or the greatest of its target values.
    fn is_correct<T: Real>(&self, row: &Row<'_, T>, label: Option<u32>) -> bool {
        let x = row.inputs[0];
        if self.criterion.is_binary(x.len()) {
            let is_one = match label {
                Some(label) => label == 1,
                None => row.target(0) > T::of(self.middle().into()),
            };
            return (x[0] > T::of(self.criterion.threshold().into())) == is_one;
        }
        let wanted = match (label, &row.goal) {
            (Some(label), _) => label as usize,
            (None, Goal::Values(values)) => first_greatest::find(values),
            _ => unreachable!("only labels and values are guessed"),
        };
        first_greatest::find(x) == wanted
    }
}
