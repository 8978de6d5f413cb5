//! Random matrices [rows, cols]: each number is a function of key, step and place, see
//! [`threefry`](crate::kernel::random::threefry).
//!
//! The `vec4` element e of the padded matrix uses the four words of (key, step, e). One file per distribution,
//! `shaders/random/x.wgsl` and `src/kernel/random/x.rs`; the loop around them is `shaders/random/random.wgsl` and this
//! file.
//!
//! u is the upper 24 bits of a word as an exact number in [0, 1). So both devices draw the same bits for uniform and
//! Bernoulli numbers, except subnormals, which a GPU may flush to zero. Normals agree to 16 ULP.

pub(crate) mod bernoulli;
pub(crate) mod dropout;
pub(crate) mod normal;
pub(crate) mod threefry;
mod uniform;

pub(crate) use dropout::Dropout;

use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::for_rows;
use crate::kernel::base::state::{STEP, STEP_HIGH};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, matrix,
};

const SOURCE: &str = include_str!("../../../shaders/random/random.wgsl");

/// A distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Draw {
    /// low + (high − low)·u, in low..high; low < high, and their difference is finite.
    Uniform { low: f32, high: f32 },
    /// mean + std·n, n standard normal.
    Normal { mean: f32, std: f32 },
    /// 1 where u < p, else 0; p is an input.
    Bernoulli,
}

/// Random numbers of one step. Arguments: [p], state, out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Random {
    pub(crate) draw: Draw,
    pub(crate) shape: MatrixShape,
    pub(crate) key: [u32; 2],
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// Total number of `vec4` elements.
        count: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        key0: u32,
        key1: u32,
        /// The lower end of the range, or the mean.
        first: f32,
        /// The width of the range, or the standard deviation.
        second: f32,
        /// The largest number below the end of the range.
        last: f32,
        /// 0, hidden from the compiler.
        zero: u32,
        _pad: [u32; 3],
    }
}

impl Compute for Random {
    fn label(&self) -> String {
        let name = match self.draw {
            Draw::Uniform { .. } => "uniform",
            Draw::Normal { .. } => "normal",
            Draw::Bernoulli => "bernoulli",
        };
        format!("random {name} {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = match self.draw {
            Draw::Bernoulli => vec![Binding::input(1, "probability", Element::Vec4)],
            Draw::Uniform { .. } | Draw::Normal { .. } => vec![],
        };
        bindings.extend([
            Binding::input(2, "state", Element::Word),
            Binding::output(3, "out", Element::Vec4),
        ]);
        bindings
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let (draw, [first, second, last]) = match self.draw {
            Draw::Uniform { low, high } => (uniform::SOURCE, [low, high - low, high.next_down()]),
            Draw::Normal { mean, std } => (normal::SOURCE, [mean, std, 0.0]),
            Draw::Bernoulli => (bernoulli::SOURCE, [0.0; 3]),
        };
        let params = Params {
            count: self.shape.vec4s() as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            key0: self.key[0],
            key1: self.key[1],
            first,
            second,
            last,
            zero: 0,
            _pad: [0; 3],
        };
        Program::assemble(
            Shader {
                constants: &[("WORKGROUP", WORKGROUP as u32)],
                bindings: &self.bindings(),
                pieces: &[matrix::SOURCE, threefry::SOURCE, SOURCE, draw],
            },
            &params,
            self.shape.vec4s().div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let probability: &[T] = match self.draw {
            Draw::Bernoulli => args.read(),
            Draw::Uniform { .. } | Draw::Normal { .. } => &[],
        };
        let state = args.read_words();
        let (step, key) = (state[STEP], threefry::key_at(self.key, state[STEP_HIGH]));
        for_rows(args.write(), self.shape, |i, out| {
            for (j, out) in out.chunks_mut(4).enumerate() {
                let element = i * self.shape.ld4() + j;
                let words = threefry::words(key, step, element as u32);
                let numbers = match self.draw {
                    Draw::Uniform { low, high } => uniform::run(words, low, high),
                    Draw::Normal { mean, std } => normal::run(words, mean, std),
                    Draw::Bernoulli => bernoulli::run(words, &probability[4 * element..]),
                };
                out.copy_from_slice(&numbers[..out.len()]);
            }
        });
    }
}
