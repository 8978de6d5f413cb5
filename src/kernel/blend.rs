//! A region mixed into another: out ← keep·out + add·x, or out ← add·x where nothing is kept, and out is not read.
//!
//! It accumulates gradients, averages weights and copies. Like an update it changes nothing while the non-finite guard is
//! set, and may move the step counter on.

use super::elementwise::PARALLEL_FLOATS;
use super::program::{WORKGROUP, uniform_block};
use super::update::ALL_FINITE;
use super::{Args, Binding, Compute, Program, Real, Target};
use crate::parallel::for_chunks;

/// A flat region. Arguments: x, out, state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blend {
    /// Floats in the region, a multiple of 4.
    pub(crate) floats: usize,
    /// The share of what is there; `None`: it is not read.
    pub(crate) keep: Option<f32>,
    pub(crate) add: f32,
    /// Whether this call moves the step counter on.
    pub(crate) advance: bool,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// `vec4` elements in the region.
        count: u32,
        advance: u32,
        keep: f32,
        add: f32,
    }
}

impl Blend {
    /// The sum of gradients: scale·g in the first of its steps, then sum + scale·g.
    pub(crate) fn accumulate(floats: usize, first: bool, scale: f32) -> Self {
        Blend {
            floats,
            keep: (!first).then_some(1.0),
            add: scale,
            advance: false,
        }
    }

    /// The exponential moving average: decay·average + (1 − decay)·w.
    pub(crate) fn average(floats: usize, decay: f64) -> Self {
        Blend {
            floats,
            keep: Some(decay as f32),
            add: (1.0 - decay) as f32,
            advance: false,
        }
    }

    /// A copy.
    pub(crate) fn copy(floats: usize) -> Self {
        Blend::accumulate(floats, true, 1.0)
    }
}

impl Compute for Blend {
    fn label(&self) -> String {
        let (floats, add) = (self.floats, self.add);
        match self.keep {
            Some(keep) => format!("blend {keep} + {add} [{floats}]"),
            None if add == 1.0 => format!("copy [{floats}]"),
            None => format!("copy times {add} [{floats}]"),
        }
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![Binding::read(1), Binding::write(2), Binding::write_words(3)]
    }

    fn program(&self, _target: &Target) -> Program {
        let params = Params {
            count: (self.floats / 4) as u32,
            advance: u32::from(self.advance),
            keep: self.keep.unwrap_or(0.0),
            add: self.add,
        };
        Program::new(
            &[
                ("WORKGROUP", WORKGROUP as u32),
                ("KEEP", u32::from(self.keep.is_some())),
            ],
            &[include_str!("../../shaders/blend.wgsl")],
            &params,
            (self.floats / 4).div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        let each = match self.keep {
            Some(_) => 3,
            None => 1,
        };
        (each * self.floats) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, out, state) = (args.read(), args.write(), args.write_words());
        if state[2] != ALL_FINITE {
            return;
        }
        if self.advance {
            state[0] = state[1];
        }
        let (x, add) = (&x[..self.floats], T::of(self.add.into()));
        let keep = self.keep.map(|keep| T::of(keep.into()));
        let out = &mut out[..self.floats];
        for_chunks(out, PARALLEL_FLOATS, 1, |i, out| {
            let x = &x[i * PARALLEL_FLOATS..][..out.len()];
            match keep {
                Some(keep) => {
                    for (out, &x) in out.iter_mut().zip(x) {
                        *out = keep * *out + add * x;
                    }
                }
                None => {
                    for (out, &x) in out.iter_mut().zip(x) {
                        *out = add * x;
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Arg;

    fn run(call: &Blend, out: &mut [f32], state: &mut [u32]) {
        let x = [1.0f32, 2.0, 3.0, 4.0];
        let mut args = [Arg::Read(&x), Arg::Write(out), Arg::WriteWords(state)];
        call.run(&mut Args::new(&mut args));
    }

    #[test]
    fn the_guard_stops_it_and_the_first_of_a_sum_reads_nothing() {
        let mut out = [f32::NAN; 4];
        let mut first = Blend::accumulate(4, true, 0.5);
        first.advance = true;
        let mut state = [7, 8, 3, 0];
        run(&first, &mut out, &mut state);
        assert!(out.iter().all(|x| x.is_nan()) && state == [7, 8, 3, 0]);
        state[2] = ALL_FINITE;
        run(&first, &mut out, &mut state);
        assert_eq!((out, state[0]), ([0.5, 1.0, 1.5, 2.0], 8));
        run(&Blend::accumulate(4, false, 0.5), &mut out, &mut state);
        run(&Blend::average(4, 0.75), &mut out, &mut state);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0]);
    }
}
