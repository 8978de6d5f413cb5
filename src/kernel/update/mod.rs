//! The optimizer update: one dispatch over each segment of the arena of all parameters.
//!
//! For every element, the gradient is clipped if requested; penalties are added, g ← gradient + λ₂w + λ₁·sign(w); then
//! the optimizer's rule computes the new w and its moments. Each rule has two files, `shaders/update/x.wgsl` and
//! `src/kernel/update/optimizer/x.rs`. The loop around the rules is `shaders/update/update.wgsl` and this file.
//! Clipping and the factors of parameter groups are compiled in only if they are used.
//!
//! The state holds the learning rate and all other values that change by step (see [`crate::plan`]). The update changes
//! nothing while the non-finite guard is set. The last segment's update also increments the step counter.
//!
//! # Bounds
//!
//! An ordinary update (see [`guard`]) starts from |g| ≤ 2⁴⁰, |w| ≤ 2⁵⁰ and moments that are bounded by their inputs,
//! with coefficients in the ranges of [`Optimizer::is_ordinary`]: learning rate times group factor ≤ 2¹⁰, each penalty
//! ≤ 1, ε ≥ 2⁻³⁴, and 1 − β ≥ 2⁻²⁴ since β < 1 in `f32`. Then no intermediate value reaches 2¹²⁷:
//!
//! - with penalties |g| ≤ 2⁴⁰ + 2⁵⁰ + 1 < 2⁵¹, and g² < 2¹⁰²;
//! - averages of g and averages of g² are convex combinations: at most 2⁵² and 2¹⁰³ after any history;
//! - the rate over 1 − βᵗ is at most 2³⁴;
//! - a moment that may grow from step to step is watched like the weights ([`Optimizer::watched`]): from 2⁵⁰ a sum of
//!   squares reaches 2¹⁰³ in one update.
//!
//! Each rule derives the bound of its step from these, at its `is_ordinary`.

mod clip;
mod dry;
mod groups;
mod optimizer;
mod rule;
mod span;
mod values;

pub use clip::Clip;
pub(crate) use clip::ClipWith;
pub(crate) use groups::ENTRY as FACTORS;
pub use groups::Factors;
pub use optimizer::Optimizer;
pub(crate) use optimizer::all;
pub(crate) use span::MAX_MOMENTS;
pub(crate) use values::StepValues;

use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::state::{CARE, NEXT_STEP, STEP, VALUES};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, Program, Real, Shader, guard, matrix,
};
use crate::kernel::software::pack;
use guard::{BLOCK, Pass, Probe};
use rule::MAX_CONSTANTS;
use span::Span;
use std::sync::atomic::AtomicBool;
use values::Penalty;

const SOURCE: &str = include_str!("../../../shaders/update/update.wgsl");

/// An invocation's chunk of four parameters, a `vec4<f32>`.
const FOURS: &str = include_str!("../../../shaders/update/fours.wgsl");
/// Moments in memory.
const MOMENTS: &str = include_str!("../../../shaders/update/moments.wgsl");
/// Replaces [`MOMENTS`] if the rule keeps none.
const NO_MOMENTS: &str = "\
fn moment(number: u32, i: u32) -> Chunk { return Chunk(); }
fn store_moment(number: u32, i: u32, value: Chunk) {}
";
/// Stores the new values. Dry runs use [`dry::SOURCE`] instead, tensor calls [`dry::REFUSE`].
const STORE: &str = include_str!("../../../shaders/update/store.wgsl");

// A block belongs to one tensor, since tensors start at multiples of the alignment of arguments.
const _: () = assert!(matrix::aligned(1).is_multiple_of(BLOCK));

/// One segment of the parameter arena. Arguments: weights, gradients, [moments], state, [partial sums of the squared
/// gradients, by step], [factors of the blocks].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Update {
    pub(crate) optimizer: Optimizer,
    /// Length of the segment in floats, a multiple of 4.
    pub(crate) floats: usize,
    /// Whether this call increments the step counter.
    pub(crate) increment_step: bool,
    pub(crate) clip: ClipWith,
    /// Whether factors apply: a [`Factors::entry`] for each block of 64 floats.
    pub(crate) grouped: bool,
    pub(crate) keep: Keep,
}

/// The use of an update's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The results are stored unless the guard is set.
    Store,
    /// Dry run: changes nothing, and sets the guard if a result is not finite: to this id for the segment's first
    /// block, and to one more for each block after it.
    Dry(u32),
    /// A tensor call.
    Call(Pass),
}

uniform_block! {
    copied
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// Number of chunks of four or eight floats in the segment.
        count: u32,
        /// 1 if this call increments the step counter, else 0.
        increment_step: u32,
        /// L2 coefficient: the gradient grows by this times w.
        weight_decay: f32,
        /// L1 coefficient: the gradient grows by this times sign(w).
        l1: f32,
        /// Decoupled weight decay, which the rule applies to the weights.
        decoupled: f32,
        /// Maximum magnitude, or norm, of the gradient.
        clip: f32,
        clip_epsilon: f32,
        /// Number of partial sums of squares in a place of their ring.
        parts: u32,
        /// Number of places of the ring.
        ring_steps: u32,
        /// Guard id of the first block, in a dry run.
        first_id: u32,
        /// 1 if this pass of a tensor call only tests, else 0.
        test: u32,
        _pad: u32,
        hyper: [f32; MAX_CONSTANTS],
    }
}

/// Function that updates a span of a segment.
type UpdateSpan<'a, T> = dyn Fn(Span<'_, T>, Penalty<T>, StepValues<T>) + Sync + 'a;

impl Compute for Update {
    fn label(&self) -> String {
        let groups = if self.grouped { " in groups" } else { "" };
        let keep = match self.keep {
            Keep::Store | Keep::Call(Pass::Write) => "",
            Keep::Dry(_) => "dry ",
            Keep::Call(Pass::Test) => "test of ",
        };
        format!(
            "{keep}{} update [{}]{}{groups}",
            self.optimizer.name(),
            self.floats,
            self.clip.label()
        )
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = vec![
            Binding::updated(1, "weights", Element::Packed),
            Binding::input(2, "gradients", Element::Packed),
        ];
        if self.optimizer.moments() > 0 {
            bindings.push(Binding::updated(3, "moments", Element::Packed));
        }
        let state = match self.keep {
            Keep::Store => Element::State,
            Keep::Dry(_) | Keep::Call(_) => Element::StateWithAtomicGuard,
        };
        bindings.push(Binding::updated(4, "state", state));
        if let ClipWith::Norm { .. } = self.clip {
            bindings.push(Binding::input(5, "norms", Element::Vec2).with_components());
        }
        if self.grouped {
            bindings.push(Binding::input(6, "factors", Element::Vec4));
        }
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let penalty = self.optimizer.penalty();
        let [parts, ring_steps] = self.clip.ring();
        let eights = capabilities.loads64 && self.floats.is_multiple_of(8);
        let (chunk, chunks, bindings) = if eights {
            (8, pack::EIGHTS, pack::in_eights(self.bindings()))
        } else {
            (4, FOURS, self.bindings())
        };
        let moments = self.optimizer.moments();
        let params = Params {
            count: (self.floats / chunk) as u32,
            increment_step: u32::from(self.increment_step),
            weight_decay: penalty.l2,
            l1: penalty.l1,
            decoupled: penalty.decoupled,
            clip: self.clip.limit(),
            clip_epsilon: clip::EPSILON as f32,
            parts: parts as u32,
            ring_steps: ring_steps as u32,
            first_id: match self.keep {
                Keep::Dry(id) => id,
                Keep::Store | Keep::Call(_) => 0,
            },
            test: u32::from(self.keep == Keep::Call(Pass::Test)),
            _pad: 0,
            hyper: self.optimizer.constants(),
        };
        let elements = self.clip.elements(capabilities);
        let reduce = self.clip.reduce(capabilities);
        let mut constants = self.optimizer.flags();
        constants.push(("MOMENTS", moments as u32));
        if self.keep == Keep::Store {
            constants.push(("WATCHED", self.optimizer.watched() as u32));
        }
        constants.extend(reduce.constants);
        constants.push(("ELEMENTS", elements as u32));
        if self.grouped {
            constants.push(("SCALES_WITH_RATE", self.optimizer.rate_mask()));
        }
        let mut pieces = reduce.pieces;
        pieces.extend([matrix::SOURCE, guard::SOURCE]);
        match self.keep {
            Keep::Store => pieces.push(guard::OBEY),
            Keep::Dry(_) => pieces.push(guard::PROBE),
            Keep::Call(_) => pieces.extend([guard::PROBE, guard::REFUSE]),
        }
        pieces.push(chunks);
        pieces.push(if moments > 0 { MOMENTS } else { NO_MOMENTS });
        pieces.push(self.optimizer.source());
        pieces.extend(self.clip.sources(capabilities));
        pieces.push(if self.grouped {
            groups::TABLE
        } else {
            groups::NONE
        });
        pieces.push(SOURCE);
        pieces.push(match self.keep {
            Keep::Store => STORE,
            Keep::Dry(_) => dry::SOURCE,
            Keep::Call(_) => dry::REFUSE,
        });
        Program::assemble(
            Shader {
                constants: &constants,
                bindings: &bindings,
                pieces: &pieces,
            },
            &params,
            (self.floats / chunk).div_ceil(WORKGROUP * elements),
        )
        .with_iterations(self.clip.iterations(capabilities))
    }

    fn flops(&self) -> u64 {
        (self.floats * self.optimizer.flops()) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (weights, gradients) = (args.write(), args.read());
        let kept = self.optimizer.moments();
        let moments = if kept > 0 { args.write() } else { &mut [] };
        let state = args.write_words();
        let clipping = self.clip.values(state[NEXT_STEP].wrapping_sub(1), args);
        let factors = self.grouped.then(|| args.read());
        let probe = match self.keep {
            Keep::Store | Keep::Call(Pass::Write) => None,
            Keep::Dry(first_id) => Some(Probe::new(Some(first_id))),
            Keep::Call(Pass::Test) => Some(Probe::new(None)),
        };
        if probe.is_none() && guard::is_set(state) {
            return;
        }
        let value = |i: usize| T::of(f32::from_bits(state[VALUES + i]).into());
        let values = StepValues {
            rate: value(0),
            first: value(1),
            second: value(2),
            third: value(3),
        };
        if self.increment_step {
            state[STEP] = state[NEXT_STEP];
        }
        let penalty = self.optimizer.penalty().widen();
        let span = Span::new(weights, gradients, moments, self.floats);
        let each_part = |update: &UpdateSpan<'_, T>| {
            span.share(&|span| match factors {
                None => clipping.run(span, &|span| update(span, penalty, values)),
                Some(factors) => groups::run(span, factors, &|span, factors| {
                    let (penalty, values) =
                        factors.scale(self.optimizer.scales_with_rate(), penalty, values);
                    clipping.run(span, &|span| update(span, penalty, values));
                }),
            });
        };
        let care = AtomicBool::new(false);
        let Some(probe) = probe else {
            each_part(&|span, penalty, values| {
                self.optimizer.update(span, penalty, values, &care);
            });
            state[CARE] |= u32::from(care.into_inner());
            return;
        };
        each_part(&|span, penalty, values| {
            dry::run(span, &probe, &|span| {
                self.optimizer.update(span, penalty, values, &care);
            });
        });
        probe.report(state);
    }
}
