//! A region mixed into another: gradients are accumulated, weights averaged, tensors copied.
//!
//! Like an update it changes nothing while the [guard] is set.

use crate::kernel::base::guard::ALL_FINITE;
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::PARALLEL_FLOATS;
use crate::kernel::base::{Args, Binding, Compute, Program, Real, Target, guard, matrix};
use crate::threads::for_chunks;

/// A flat region. Arguments: x, out, state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blend {
    /// Floats in the region, a multiple of 4.
    pub(crate) floats: usize,
    pub(crate) mode: Mode,
    pub(crate) add: f32,
}

/// What becomes of out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// add·x; what is there is not read.
    Copy,
    /// out + add·x.
    Sum,
    /// out + add·(x − out).
    Average,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// `vec4` elements in the region.
        count: u32,
        add: f32,
        _pad: [u32; 2],
    }
}

impl Blend {
    fn new(floats: usize, mode: Mode, add: f32) -> Self {
        Blend { floats, mode, add }
    }

    /// The sum of gradients: scale·g in the first of its steps, then sum + scale·g.
    pub(crate) fn accumulate(floats: usize, first: bool, scale: f32) -> Self {
        let mode = if first { Mode::Copy } else { Mode::Sum };
        Blend::new(floats, mode, scale)
    }

    /// The exponential moving average: average + (1 − decay)·(w − average). It lies between the two, and is w where they
    /// are equal.
    pub(crate) fn average(floats: usize, decay: f64) -> Self {
        Blend::new(floats, Mode::Average, (1.0 - decay) as f32)
    }

    /// A copy.
    pub(crate) fn copy(floats: usize) -> Self {
        Blend::accumulate(floats, true, 1.0)
    }
}

impl Compute for Blend {
    fn label(&self) -> String {
        let (floats, add) = (self.floats, self.add);
        match self.mode {
            Mode::Copy if add == 1.0 => format!("copy [{floats}]"),
            Mode::Copy => format!("copy times {add} [{floats}]"),
            Mode::Sum => format!("blend out + {add} x [{floats}]"),
            Mode::Average => format!("average {add} [{floats}]"),
        }
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![Binding::read(1), Binding::write(2), Binding::write_words(3)]
    }

    fn program(&self, _target: &Target) -> Program {
        let params = Params {
            count: (self.floats / 4) as u32,
            add: self.add,
            _pad: [0; 2],
        };
        let mode = match self.mode {
            Mode::Copy => 0,
            Mode::Sum => 1,
            Mode::Average => 2,
        };
        let pieces = [
            guard::OBEY,
            matrix::SOURCE,
            include_str!("../../../shaders/step/blend.wgsl"),
        ];
        Program::new(
            &[("WORKGROUP", WORKGROUP as u32), ("MODE", mode)],
            &pieces,
            &params,
            (self.floats / 4).div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        let each = match self.mode {
            Mode::Copy => 1,
            Mode::Sum => 2,
            Mode::Average => 6,
        };
        (each * self.floats) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, out, state) = (args.read(), args.write(), args.write_words());
        if state[2] != ALL_FINITE {
            return;
        }
        let (x, out) = (&x[..self.floats], &mut out[..self.floats]);
        let add = T::of(self.add.into());
        match self.mode {
            Mode::Copy => each(x, out, |_, x| add * x),
            Mode::Sum => each(x, out, |out, x| out + add * x),
            Mode::Average => each(x, out, |out, x| average(add, out, x)),
        }
    }
}

fn each<T: Real>(x: &[T], out: &mut [T], blended: impl Fn(T, T) -> T + Sync) {
    for_chunks(out, PARALLEL_FLOATS, 1, |i, out| {
        let x = &x[i * PARALLEL_FLOATS..][..out.len()];
        for (out, &x) in out.iter_mut().zip(x) {
            *out = blended(*out, x);
        }
    });
}

/// The halves of two numbers are never too far apart for their difference. What stands still stays as it is to the bit.
fn average<T: Real>(add: T, old: T, new: T) -> T {
    let half = add * (T::of(0.5) * new - T::of(0.5) * old);
    let sum = (old + half) + half;
    if old == new {
        new
    } else if sum.is_nan() {
        // `min` and `max` would hide it.
        sum
    } else {
        sum.max(old.min(new)).min(old.max(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::base::Arg;

    fn run(call: &Blend, out: &mut [f32], state: &mut [u32]) {
        let x = [1.0f32, 2.0, 3.0, 4.0];
        let mut args = [Arg::Read(&x), Arg::Write(out), Arg::WriteWords(state)];
        call.run(&mut Args::new(&mut args));
    }

    #[test]
    fn the_guard_stops_it_and_the_first_of_a_sum_reads_nothing() {
        let mut out = [f32::NAN; 4];
        let first = Blend::accumulate(4, true, 0.5);
        let mut state = [7, 8, 3, 0];
        run(&first, &mut out, &mut state);
        assert!(out.iter().all(|x| x.is_nan()) && state == [7, 8, 3, 0]);
        state[2] = ALL_FINITE;
        run(&first, &mut out, &mut state);
        assert_eq!(out, [0.5, 1.0, 1.5, 2.0]);
        run(&Blend::accumulate(4, false, 0.5), &mut out, &mut state);
        run(&Blend::average(4, 0.75), &mut out, &mut state);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn an_average_lies_between_whatever_the_two_are() {
        let far = [-f32::MAX, -1.0, 0.0, 1e-45, 1.0, 1.5e38, f32::MAX];
        for decay in [0.0f64, 0.1, 0.5, 0.999, 0.999_999_9] {
            let add = (1.0 - decay) as f32;
            for old in far {
                assert_eq!(average(add, old, old).to_bits(), old.to_bits());
                for new in far {
                    let found = average(add, old, new);
                    assert!(old.min(new) <= found && found <= old.max(new));
                    let right = f64::from(old) + f64::from(add) * (f64::from(new) - f64::from(old));
                    let most = f64::from(old.abs().max(new.abs()));
                    let error = (f64::from(found) - right).abs();
                    assert!(
                        error <= most * 2f64.powi(-22) + 1e-44,
                        "{old} {new} {decay}"
                    );
                }
            }
        }
    }
}
