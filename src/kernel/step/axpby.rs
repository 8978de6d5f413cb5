//! Axpby, out ← a·x + b·out over flat regions: accumulates gradients, averages weights, copies tensors.
//!
//! Like an update, the kernel changes nothing while the [guard] is set. A tensor call runs it twice: the first [`Pass`]
//! sets the guard if the result is not finite.

use crate::kernel::base::guard::{Pass, first_lost, place};
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::PARALLEL_FLOATS;
use crate::kernel::base::state::FIRST_NON_FINITE;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, Program, Real, Shader, guard, matrix,
};
use crate::threads::{for_chunks, join};

/// Axpby over a flat region. Arguments: x, out, state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axpby {
    /// Length of the region in floats, a multiple of 4.
    pub(crate) floats: usize,
    pub(crate) mode: Mode,
    pub(crate) add: f32,
    /// The pass of a tensor call; `None` in a training step, which only obeys the guard.
    pub(crate) pass: Option<Pass>,
}

/// The new value of out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// x; the old out is not read.
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
        /// 1 if this pass only tests, else 0.
        test: u32,
        _pad: u32,
    }
}

impl Axpby {
    fn new(floats: usize, mode: Mode, add: f32) -> Self {
        Axpby {
            floats,
            mode,
            add,
            pass: None,
        }
    }

    /// The sum out + scale·x.
    pub(crate) fn accumulate(floats: usize, scale: f32) -> Self {
        Axpby::new(floats, Mode::Sum, scale)
    }

    /// The exponential moving average, average + (1 − decay)·(w − average). The result lies between average and w, and
    /// equals w where they are equal.
    pub(crate) fn average(floats: usize, decay: f64) -> Self {
        Axpby::new(floats, Mode::Average, (1.0 - decay) as f32)
    }

    /// A copy.
    pub(crate) fn copy(floats: usize) -> Self {
        Axpby::new(floats, Mode::Copy, 1.0)
    }

    /// The two passes of a tensor call.
    pub(crate) fn passes(self) -> [Axpby; 2] {
        [Pass::Test, Pass::Write].map(|pass| Axpby {
            pass: Some(pass),
            ..self.clone()
        })
    }
}

impl Compute for Axpby {
    fn label(&self) -> String {
        let (floats, add) = (self.floats, self.add);
        let test = match self.pass {
            Some(Pass::Test) => "test of ",
            Some(Pass::Write) | None => "",
        };
        match self.mode {
            Mode::Copy => format!("{test}copy [{floats}]"),
            Mode::Sum => format!("{test}axpby out + {add} x [{floats}]"),
            Mode::Average => format!("{test}average {add} [{floats}]"),
        }
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::updated(2, "out", Element::Vec4),
            match self.pass {
                None => Binding::updated(3, "state", Element::State),
                Some(_) => Binding::updated(3, "state", Element::StateWithAtomicGuard),
            },
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let params = Params {
            count: (self.floats / 4) as u32,
            add: self.add,
            test: u32::from(self.pass == Some(Pass::Test)),
            _pad: 0,
        };
        let mode = match self.mode {
            Mode::Copy => 0,
            Mode::Sum => 1,
            Mode::Average => 2,
        };
        let mut pieces = match self.pass {
            None => vec![guard::OBEY, WRITE],
            Some(_) => vec![guard::SOURCE, guard::PROBE, guard::REFUSE, REFUSE],
        };
        let source = include_str!("../../../shaders/step/axpby.wgsl");
        pieces.extend([matrix::SOURCE, source]);
        Program::assemble(
            Shader {
                constants: &[("WORKGROUP", WORKGROUP as u32), ("MODE", mode)],
                bindings: &self.bindings(),
                pieces: &pieces,
            },
            &params,
            (self.floats / 4).div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        let each = match self.mode {
            Mode::Copy => 0,
            Mode::Sum => 2,
            Mode::Average => 6,
        };
        (each * self.floats) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, out, state) = (args.read(), args.write(), args.write_words());
        if guard::is_set(state) {
            return;
        }
        let (x, out) = (&x[..self.floats], &mut out[..self.floats]);
        let add = T::of(self.add.into());
        match self.mode {
            Mode::Copy => self.each(x, out, state, |_, x| x),
            Mode::Sum => self.each(x, out, state, |out, x| out + add * x),
            Mode::Average => self.each(x, out, state, |out, x| average(add, out, x)),
        }
    }
}

/// Stores a result.
const WRITE: &str = "
fn keep(i: u32, value: vec4<f32>) {
    store_out(i, value);
}
";
/// The passes of a tensor call. Both run the same shader, so both round equally.
const REFUSE: &str = "
fn keep(i: u32, value: vec4<f32>) {
    if bound(p.test, i) == 1u {
        test(value, i, 0u);
    } else if !is_refused() {
        store_out(i, value);
    }
}
";

impl Axpby {
    /// Writes the new value of each float, or tests it.
    fn each<T: Real>(
        &self,
        x: &[T],
        out: &mut [T],
        state: &mut [u32],
        axpby: impl Fn(T, T) -> T + Sync,
    ) {
        if self.pass != Some(Pass::Test) {
            return each(x, out, axpby);
        }
        if let Some(lost) = first_lost_of(x, out, &axpby) {
            state[FIRST_NON_FINITE] = place(lost, 0);
        }
    }
}

/// Index of the first result that is not finite.
fn first_lost_of<T: Real>(
    x: &[T],
    out: &[T],
    axpby: &(impl Fn(T, T) -> T + Sync),
) -> Option<usize> {
    if x.len() > PARALLEL_FLOATS {
        let middle = x.len() / 2;
        let ((a, b), (c, d)) = (x.split_at(middle), out.split_at(middle));
        let (first, second) = join(|| first_lost_of(a, c, axpby), || first_lost_of(b, d, axpby));
        return first.or(second.map(|lost| middle + lost));
    }
    const CHUNK: usize = 1 << 9;
    let mut results = [T::ZERO; CHUNK];
    for (number, (x, out)) in x.chunks(CHUNK).zip(out.chunks(CHUNK)).enumerate() {
        let results = &mut results[..x.len()];
        for ((result, &out), &x) in results.iter_mut().zip(out).zip(x) {
            *result = axpby(out, x);
        }
        if let Some(lost) = first_lost(results) {
            return Some(number * CHUNK + lost);
        }
    }
    None
}

fn each<T: Real>(x: &[T], out: &mut [T], axpby: impl Fn(T, T) -> T + Sync) {
    for_chunks(out, PARALLEL_FLOATS, 1, |i, out| {
        let x = &x[i * PARALLEL_FLOATS..][..out.len()];
        for (out, &x) in out.iter_mut().zip(x) {
            *out = axpby(*out, x);
        }
    });
}

/// The difference of the halves of two numbers never overflows. An average equal to the new value keeps its bits.
fn average<T: Real>(add: T, old: T, new: T) -> T {
    let half = add * (T::of(0.5) * new - T::of(0.5) * old);
    let sum = (old + half) + half;
    if old == new {
        new
    } else if sum.is_nan() {
        // `min` and `max` would hide a NaN.
        sum
    } else {
        sum.max(old.min(new)).min(old.max(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::base::Arg;
    use crate::kernel::base::guard::ALL_FINITE;

    fn run(call: &Axpby, out: &mut [f32], state: &mut [u32]) {
        let x = [1.0f32, 2.0, 3.0, 4.0];
        let mut args = [Arg::Read(&x), Arg::Write(out), Arg::WriteWords(state)];
        call.run(&mut Args::new(&mut args));
    }

    #[test]
    fn the_guard_stops_it_and_a_copy_reads_nothing() {
        let mut out = [f32::NAN; 4];
        let copy = Axpby::copy(4);
        let mut state = [7, 8, 3, 0];
        run(&copy, &mut out, &mut state);
        assert!(out.iter().all(|x| x.is_nan()) && state == [7, 8, 3, 0]);
        state[FIRST_NON_FINITE] = ALL_FINITE;
        run(&copy, &mut out, &mut state);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0]);
        run(&Axpby::accumulate(4, -0.5), &mut out, &mut state);
        assert_eq!(out, [0.5, 1.0, 1.5, 2.0]);
        run(&Axpby::average(4, 0.0), &mut out, &mut state);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn the_first_pass_of_a_call_only_sets_the_guard() {
        let mut out = [0.0, 0.0, f32::NAN, f32::INFINITY];
        let mut state = [7, 8, ALL_FINITE, 0];
        let [test, write] = Axpby::accumulate(4, 1.0).passes();
        run(&test, &mut out, &mut state);
        assert_eq!(state, [7, 8, place(2, 0), 0]);
        run(&write, &mut out, &mut state);
        assert_eq!(out[..2], [0.0; 2]);
        (out, state[FIRST_NON_FINITE]) = ([1.0; 4], ALL_FINITE);
        run(&test, &mut out, &mut state);
        assert_eq!((out, state[FIRST_NON_FINITE]), ([1.0; 4], ALL_FINITE));
        run(&write, &mut out, &mut state);
        assert_eq!(out, [2.0, 3.0, 4.0, 5.0]);
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
