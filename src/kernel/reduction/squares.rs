//! Sums of squares Σ xᵢ² in a fixed order, [scaled](crate::kernel::base::scale) so that every norm in the range of
//! `f32` is finite and accurate.
//!
//! Each workgroup sums a contiguous part into one pair of sum and exponent; the caller joins the few pairs. The parts
//! are those of [`Sum`].

use super::Sum;
use crate::kernel::base::cascade::{self, sum_of};
use crate::kernel::base::guard::max_abs;
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::reduce::{self, Reduce};
use crate::kernel::base::state::STEP;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, Program, Real, Shader, scale,
};
use crate::threads::for_chunks;

/// Number of floats that a part writes: the scaled sum and the exponent.
pub(crate) const PAIR: usize = 2;

/// Sums the squares of a flat buffer. Arguments: x, metric ring (pairs at the step's place), state.
///
/// The ring has `ring_steps` places of `ring_stride` pairs; the parts go to `ring_offset` and after. A single sum is a
/// ring of one place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Squares {
    /// Length of the buffer in floats, a multiple of 4.
    pub(crate) floats: usize,
    pub(crate) ring_steps: usize,
    pub(crate) ring_stride: usize,
    pub(crate) ring_offset: usize,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// Total number of `vec4` elements.
        count: u32,
        /// `vec4` elements in one part.
        part: u32,
        parts: u32,
        /// Number of places of the ring. A step writes to the place step modulo this number.
        ring_steps: u32,
        /// Pairs from one place to the next.
        ring_stride: u32,
        /// The call's first pair within a place.
        ring_offset: u32,
        _pad: [u32; 2],
    }
}

impl Squares {
    /// The sum of a buffer into its own pairs.
    pub(crate) fn lone(floats: usize) -> Self {
        Squares {
            floats,
            ring_steps: 1,
            ring_stride: Sum::parts(floats),
            ring_offset: 0,
        }
    }
}

impl Compute for Squares {
    fn label(&self) -> String {
        format!("sum of squares [{}]", self.floats)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::output(2, "ring", Element::Vec2),
            Binding::input(3, "state", Element::Word),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let parts = Sum::parts(self.floats);
        let part = Sum::part(self.floats);
        let params = Params {
            count: (self.floats / 4) as u32,
            part: part as u32,
            parts: parts as u32,
            ring_steps: self.ring_steps as u32,
            ring_stride: self.ring_stride as u32,
            ring_offset: self.ring_offset as u32,
            _pad: [0; 2],
        };
        let mut reduce = Reduce::new(WORKGROUP, capabilities);
        reduce.pieces.extend([
            reduce::FLOATS,
            reduce::SOURCE,
            cascade::SOURCE,
            scale::SOURCE,
            include_str!("../../../shaders/reduction/squares.wgsl"),
        ]);
        Program::assemble(
            Shader {
                constants: &reduce.constants,
                bindings: &self.bindings(),
                pieces: &reduce.pieces,
            },
            &params,
            parts,
        )
        .with_iterations(part.div_ceil(WORKGROUP) + 2 * Sum::iterations(self.floats))
    }

    fn flops(&self) -> u64 {
        (self.floats * 3) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, ring, state) = (args.read(), args.write(), args.read_words());
        let place = state[STEP] as usize % self.ring_steps * self.ring_stride + self.ring_offset;
        let parts = Sum::parts(self.floats);
        let out = &mut ring[PAIR * place..][..PAIR * parts];
        let (x, part) = (&x[..self.floats], 4 * Sum::part(self.floats));
        for_chunks(out, PAIR, 1, |i, out| {
            let begin = (i * part).min(x.len());
            let part = &x[begin..(begin + part).min(x.len())];
            let exponent = scale::exponent(max_abs(part));
            let factor: T = scale::power(-exponent);
            let scaled = |x: T| factor * x;
            out[0] = sum_of(part, |x| scaled(x) * scaled(x));
            out[1] = T::of(exponent.into());
        });
    }
}
