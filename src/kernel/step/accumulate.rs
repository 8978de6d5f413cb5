//! Gradient accumulation over the micro-batches of an update: sum ← x in the first micro-batch, sum ← keep·sum + x in
//! the following ones, and x ← keep·sum + x in the last. The last micro-batch leaves the sum unchanged, so that the
//! step changes nothing if the update finds a value that is not finite.
//!
//! The loss of a micro-batch is divided by the weight of all samples of the update so far, or of the whole update if
//! the host knows it (see [`Scales`]). If this weight has grown since the previous micro-batch, `keep` is the old
//! weight over the new one. So at the end every sample has the weight that it would have in one large batch.
//!
//! Like an update, the kernel changes nothing while the non-finite guard is set, and may increment the step counter.

use crate::kernel::base::guard::{self, BLOCK};
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::PARALLEL_FLOATS;
use crate::kernel::base::state::{NEXT_STEP, STATE_WORDS, STEP};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real, Shader};
use crate::threads::for_chunks;

/// Layout of the scales of steps. They follow the words of the state. Each place of the metric ring has `keep`, the
/// factor of the gradient sum, and 1 over the denominator of each loss term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scales {
    /// Number of places.
    pub(crate) steps: usize,
    /// Number of loss terms.
    pub(crate) terms: usize,
}

impl Scales {
    /// Number of words from one place to the next.
    pub(crate) fn stride(self) -> usize {
        1 + self.terms
    }

    /// Number of words of the state, including the scales.
    pub(crate) fn state_words(self) -> usize {
        STATE_WORDS + self.steps * self.stride()
    }

    /// Index of the first word of a step's scales.
    pub(crate) fn place(self, step: u32) -> usize {
        STATE_WORDS + step as usize % self.steps * self.stride()
    }

    /// Index of the word of a term's scale in a step.
    pub(crate) fn word(self, step: u32, term: usize) -> usize {
        self.place(step) + 1 + term
    }
}

/// Stores of an intermediate sum (to `sum`), and of the last one (to `x`).
const TO_SUM: &str = "
const DRY = false;
fn store(i: u32, value: vec4<f32>) {
    store_sum(i, value);
}
";
const TO_X: &str = "
const DRY = false;
fn store(i: u32, value: vec4<f32>) {
    store_x(i, value);
}
";

/// Dry run of a sum, which writes nothing.
const DRY: &str = "
const DRY = true;
fn store(i: u32, value: vec4<f32>) {
    if exceeds(value, MAX_FINITE) {
        atomicMin(&state[FIRST_NON_FINITE], p.first_id + i / (BLOCK / 4u));
    }
}
";

/// Accumulation over a flat region. Arguments: x, sum, state with scales.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Accumulate {
    /// Length of the region in floats, a multiple of 4.
    pub(crate) floats: usize,
    /// Whether this is the first micro-batch of the update (`opens`), and whether it is the last (`updates`). A
    /// micro-batch that is both needs no sum.
    pub(crate) opens: bool,
    pub(crate) updates: bool,
    /// Whether this call increments the step counter.
    pub(crate) increment_step: bool,
    pub(crate) scales: Scales,
    /// Dry run of a micro-batch that does not update. It sets the guard if the sum would not be finite: to this id for
    /// the first block of 64 floats, and to one more for each block after it.
    pub(crate) dry: Option<u32>,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// `vec4` elements in the region.
        count: u32,
        /// 1 if this call increments the step counter, else 0.
        increment_step: u32,
        /// Words of the state from the scales of one step to the next; the first is `keep`.
        stride: u32,
        /// Number of steps with scales.
        steps: u32,
        /// Guard id of the first block, in a dry run.
        first_id: u32,
        _pad: [u32; 3],
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
        let state = Binding::updated(3, "state", Element::AtomicWord);
        if self.updates {
            vec![
                Binding::updated(1, "x", Element::Vec4),
                Binding::input(2, "sum", Element::Vec4),
                state,
            ]
        } else {
            vec![
                Binding::input(1, "x", Element::Vec4),
                Binding::updated(2, "sum", Element::Vec4),
                state,
            ]
        }
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let params = Params {
            count: (self.floats / 4) as u32,
            increment_step: u32::from(self.increment_step),
            stride: self.scales.stride() as u32,
            steps: self.scales.steps as u32,
            first_id: self.dry.unwrap_or(0),
            _pad: [0; 3],
        };
        let opens = if self.opens {
            "const OPENS = true;"
        } else {
            "const OPENS = false;"
        };
        Program::assemble(
            Shader {
                constants: &[("WORKGROUP", WORKGROUP as u32)],
                bindings: &self.bindings(),
                pieces: &[
                    guard::SOURCE,
                    opens,
                    match self.dry {
                        Some(_) => DRY,
                        None if self.updates => TO_X,
                        None => TO_SUM,
                    },
                    include_str!("../../../shaders/step/accumulate.wgsl"),
                ],
            },
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
            if !guard::is_set(state) {
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
                guard::set(state, first_id + (place / BLOCK) as u32);
            }
            return;
        }
        if guard::is_set(state) {
            return;
        }
        if self.opens {
            sum[..self.floats].copy_from_slice(&x[..self.floats]);
        } else {
            let keep: T = self.keep(state);
            self.each(sum, x, |sum, x| *sum = keep * *sum + x);
        }
        if self.increment_step {
            state[STEP] = state[NEXT_STEP];
        }
    }
}

impl Accumulate {
    /// The factor of the sum in this step.
    fn keep<T: Real>(&self, state: &[u32]) -> T {
        T::of(f32::from_bits(state[self.scales.place(state[STEP])]).into())
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
