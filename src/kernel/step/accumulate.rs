//! The sum of an update's gradients over its micro-batches: sum ← x in the first of them, sum ← keep·sum + x in the
//! next ones, and x ← keep·sum + x in the last, which leaves the sum as it was: the update may yet find something that
//! is not finite, and then the step has changed nothing.
//!
//! The loss of a micro-batch is divided by the weight of all samples of the update so far, or of all of it where the
//! host knows them (see [`Scales`]). Where that has grown since the micro-batch before, less is kept of the sum: the
//! old weight over the new one. So in the end every sample has the weight that it would have in one large batch.
//!
//! Like an update it changes nothing while the non-finite guard is set, and may move the step counter on.

use crate::kernel::base::guard::{ALL_FINITE, BLOCK};
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::PARALLEL_FLOATS;
use crate::kernel::base::state::STATE_WORDS;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Program, Real, matrix};
use crate::threads::for_chunks;

/// Where the scales of steps lie: after the words of the state, for each place of the metric ring what is kept of the
/// sum of gradients, and 1 over the denominator of each term of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scales {
    /// Places.
    pub(crate) steps: usize,
    /// Terms of the loss.
    pub(crate) terms: usize,
}

impl Scales {
    /// Words from one place to the next.
    pub(crate) fn stride(self) -> usize {
        1 + self.terms
    }

    /// Words of the state with them.
    pub(crate) fn state_words(self) -> usize {
        STATE_WORDS + self.steps * self.stride()
    }

    /// The first word of a step's.
    pub(crate) fn place(self, step: u32) -> usize {
        STATE_WORDS + step as usize % self.steps * self.stride()
    }

    /// The word of a term in a step.
    pub(crate) fn word(self, step: u32, term: usize) -> usize {
        self.place(step) + 1 + term
    }
}

/// Where a sum that goes on is written, and where the last one is.
const TO_SUM: &str = "
const DRY = false;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sum: array<vec4<f32>>;

fn store(i: u32, value: vec4<f32>) {
    sum[i] = value;
}
";
const TO_X: &str = "
const DRY = false;
@group(0) @binding(1) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> sum: array<vec4<f32>>;

fn store(i: u32, value: vec4<f32>) {
    x[i] = value;
}
";

/// The dry run of a sum: nothing is written.
const DRY: &str = "
const DRY = true;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sum: array<vec4<f32>>;

fn store(i: u32, value: vec4<f32>) {
    if exceeds(value, 0x7f7fffffu) {
        atomicMin(&state[2], p.first_id + i / 16u);
    }
}
";

/// A flat region. Arguments: x, sum, state with scales.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Accumulate {
    /// Floats in the region, a multiple of 4.
    pub(crate) floats: usize,
    /// Whether it is the first of the update's micro-batches, or the last. One that is both needs no sum.
    pub(crate) opens: bool,
    pub(crate) updates: bool,
    /// Whether this call moves the step counter on.
    pub(crate) increment_step: bool,
    pub(crate) scales: Scales,
    /// A dry run of one that does not update: it sets the guard where the sum would not be finite, to this id in the
    /// first block of 64 floats, to one more in each after it.
    pub(crate) dry: Option<u32>,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// `vec4` elements in the region.
        count: u32,
        increment_step: u32,
        scales: u32,
        stride: u32,
        steps: u32,
        first_id: u32,
        _pad: [u32; 2],
    }
}

impl Compute for Accumulate {
    fn label(&self) -> String {
        let what = match (self.opens, self.updates) {
            (true, _) => "begin",
            (false, false) => "add to",
            (false, true) => "end",
        };
        let dry = if self.dry.is_some() { "dry " } else { "" };
        format!("{dry}{what} a sum of gradients [{}]", self.floats)
    }

    fn bindings(&self) -> Vec<Binding> {
        if self.updates {
            vec![Binding::write(1), Binding::read(2), Binding::write_words(3)]
        } else {
            vec![Binding::read(1), Binding::write(2), Binding::write_words(3)]
        }
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let params = Params {
            count: (self.floats / 4) as u32,
            increment_step: u32::from(self.increment_step),
            scales: STATE_WORDS as u32,
            stride: self.scales.stride() as u32,
            steps: self.scales.steps as u32,
            first_id: self.dry.unwrap_or(0),
            _pad: [0; 2],
        };
        let opens = if self.opens {
            "const OPENS = true;"
        } else {
            "const OPENS = false;"
        };
        Program::new(
            &[("WORKGROUP", WORKGROUP as u32)],
            &[
                matrix::SOURCE,
                opens,
                match self.dry {
                    Some(_) => DRY,
                    None if self.updates => TO_X,
                    None => TO_SUM,
                },
                include_str!("../../../shaders/step/accumulate.wgsl"),
            ],
            &params,
            (self.floats / 4).div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        if self.opens {
            0
        } else {
            2 * self.floats as u64
        }
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        if self.updates {
            let (x, sum, state) = (args.write(), args.read(), args.write_words());
            if state[2] == ALL_FINITE {
                let keep: T = self.keep(state);
                self.each(x, sum, |x, sum| *x = keep * sum + *x);
            }
            return;
        }
        let (x, sum, state) = (args.read(), args.write(), args.write_words());
        if let Some(first_id) = self.dry {
            let keep: T = self.keep(state);
            let both = sum[..self.floats].iter().zip(&x[..self.floats]);
            let lost = |(&sum, &x): (&T, &T)| !(keep * sum + x).is_finite();
            let place = match self.opens {
                true => None,
                false => both.into_iter().position(lost),
            };
            if let Some(place) = place {
                state[2] = state[2].min(first_id + (place / BLOCK) as u32);
            }
            return;
        }
        if state[2] != ALL_FINITE {
            return;
        }
        if self.opens {
            sum[..self.floats].copy_from_slice(&x[..self.floats]);
        } else {
            let keep: T = self.keep(state);
            self.each(sum, x, |sum, x| *sum = keep * *sum + x);
        }
        if self.increment_step {
            state[0] = state[1];
        }
    }
}

impl Accumulate {
    /// What is kept of the sum in this step.
    fn keep<T: Real>(&self, state: &[u32]) -> T {
        T::of(f32::from_bits(state[self.scales.place(state[0])]).into())
    }

    fn each<T: Real>(&self, out: &mut [T], other: &[T], add: impl Fn(&mut T, T) + Sync) {
        let (out, other) = (&mut out[..self.floats], &other[..self.floats]);
        for_chunks(out, PARALLEL_FLOATS, 1, |i, out| {
            let other = &other[i * PARALLEL_FLOATS..];
            for (out, &other) in out.iter_mut().zip(other) {
                add(out, other);
            }
        });
    }
}
