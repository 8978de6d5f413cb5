//! Sum of all elements, Σ xᵢ, in a fixed order.
//!
//! Each workgroup sums a contiguous part into one partial sum; the caller adds the few partial sums, ascending. The
//! number of parts depends on the length alone, so the same data give the same bits on every run.

use crate::kernel::base::cascade::{self, LEAF, sum_of};
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::reduce::{self, Reduce};
use crate::kernel::base::state::STEP;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real, Shader};
use crate::threads::for_chunks;

/// Maximum number of partial sums of one call.
const MAX_PARTS: usize = 64;
/// Number of `vec4` elements that justify the workgroup of a further part.
const PART: usize = 4 * WORKGROUP;

/// Sums a flat buffer. Arguments: x, metric ring (partial sums at the step's place), state.
///
/// The ring has `ring_steps` places of `ring_stride` floats; the parts go to `ring_offset` and after. A single sum is a
/// ring of one place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sum {
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
        /// Floats from one place to the next.
        ring_stride: u32,
        /// The call's first float within a place.
        ring_offset: u32,
        _pad: [u32; 2],
    }
}

impl Sum {
    /// The sum of a buffer into its own partial sums.
    pub(crate) fn lone(floats: usize) -> Self {
        Sum {
            floats,
            ring_steps: 1,
            ring_stride: Self::parts(floats),
            ring_offset: 0,
        }
    }

    /// Number of partial sums for a buffer of this many floats.
    pub(crate) fn parts(floats: usize) -> usize {
        (floats / 4).div_ceil(PART).clamp(1, MAX_PARTS)
    }

    /// Number of `vec4` elements per part for a buffer of this many floats.
    pub(crate) fn part(floats: usize) -> usize {
        (floats / 4).div_ceil(Self::parts(floats)).max(1)
    }
}

impl Sum {
    /// Maximum iterations of an invocation that sums its share of a part and joins it with the others'.
    pub(crate) fn iterations(floats: usize) -> usize {
        Self::part(floats).div_ceil(WORKGROUP) / LEAF + LEAF + WORKGROUP.ilog2() as usize
    }
}

impl Compute for Sum {
    fn label(&self) -> String {
        format!("sum [{}]", self.floats)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::output(2, "ring", Element::Float),
            Binding::input(3, "state", Element::Word),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let params = Params {
            count: (self.floats / 4) as u32,
            part: Self::part(self.floats) as u32,
            parts: Self::parts(self.floats) as u32,
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
            include_str!("../../../shaders/reduction/sum.wgsl"),
        ]);
        let parts = Self::parts(self.floats);
        Program::assemble(
            Shader {
                constants: &reduce.constants,
                bindings: &self.bindings(),
                pieces: &reduce.pieces,
            },
            &params,
            parts,
        )
        .with_iterations(Self::iterations(self.floats))
    }

    fn flops(&self) -> u64 {
        self.floats as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, ring, state) = (args.read(), args.write(), args.read_words());
        let place = state[STEP] as usize % self.ring_steps * self.ring_stride + self.ring_offset;
        let out = &mut ring[place..][..Self::parts(self.floats)];
        out.fill(T::ZERO);
        let (x, part) = (&x[..self.floats], 4 * Self::part(self.floats));
        for_chunks(out, 1, 1, |i, out| {
            let begin = (i * part).min(x.len());
            let part = &x[begin..(begin + part).min(x.len())];
            out[0] = sum_of(part, |x| x);
        });
    }
}
