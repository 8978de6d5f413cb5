//! Dropout (Srivastava et al. 2014), inverted: y = x ⊙ mask/(1 − p), where mask is 0 with probability p, else 1.
//!
//! The mask is a function of key, step and place (see [`threefry`]) and is never stored. The gradient dx = dy ⊙ mask/(1
//! − p) is the same kernel applied to dy, with the same key and step. The mask is an integer comparison of a random
//! word, so both devices drop the same elements.

use super::threefry;
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::state::{STEP, STEP_HIGH};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, matrix,
};
use crate::{Error, Result};

/// Arguments: x, state, y.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dropout {
    pub(crate) shape: MatrixShape,
    /// The probability that an element is dropped, at least 0 and below 1.
    pub(crate) probability: f32,
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
        /// The probability of dropping times 2³².
        threshold: u32,
        /// 1/(1 − p).
        scale: f32,
        key0: u32,
        key1: u32,
        _pad: u32,
    }
}

impl Dropout {
    /// Whether a probability is 0, or large enough to drop elements.
    pub(crate) fn is_seen(probability: f32) -> bool {
        probability == 0.0 || f64::from(probability) * 2f64.powi(32) >= 1.0
    }
}

/// The smallest random word that keeps its element.
pub(crate) fn threshold(probability: f32) -> u32 {
    (f64::from(probability) * 2f64.powi(32)) as u32
}

/// Factor of the kept elements, 1/(1 − p).
pub(crate) fn scale(probability: f32) -> f32 {
    (1.0 / (1.0 - f64::from(probability))) as f32
}

/// Refuses a rate that is no probability, or drops everything.
pub(crate) fn check_rate(rate: f32) -> Result<()> {
    let expected = if !(0.0..1.0).contains(&rate) {
        "from 0 to below 1"
    } else if !Dropout::is_seen(rate) {
        "0, or at least 2⁻³², the resolution of the random numbers"
    } else {
        return Ok(());
    };
    Err(Error::argument("a dropout rate", expected, rate))
}

impl Compute for Dropout {
    fn label(&self) -> String {
        format!("dropout {} {}", self.probability, self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::input(2, "state", Element::Word),
            Binding::output(3, "y", Element::Vec4),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let params = Params {
            count: self.shape.vec4s() as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            threshold: threshold(self.probability),
            scale: scale(self.probability),
            key0: self.key[0],
            key1: self.key[1],
            _pad: 0,
        };
        let source = include_str!("../../../shaders/random/dropout.wgsl");
        Program::assemble(
            Shader {
                constants: &[("WORKGROUP", WORKGROUP as u32)],
                bindings: &self.bindings(),
                pieces: &[matrix::SOURCE, threefry::SOURCE, source],
            },
            &params,
            self.shape.vec4s().div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, state) = (args.read(), args.read_words());
        let (step, key) = (state[STEP], threefry::key_at(self.key, state[STEP_HIGH]));
        let threshold = threshold(self.probability);
        let scale = T::of(scale(self.probability).into());
        for_rows(args.write(), self.shape, |i, y| {
            let x = row_of(x, self.shape, i);
            for (j, (y, x)) in y.chunks_mut(4).zip(x.chunks(4)).enumerate() {
                let element = i * self.shape.ld4() + j;
                let words = threefry::words(key, step, element as u32);
                for ((y, &x), word) in y.iter_mut().zip(x).zip(words) {
                    *y = x * if word >= threshold { scale } else { T::ZERO };
                }
            }
        });
    }
}
