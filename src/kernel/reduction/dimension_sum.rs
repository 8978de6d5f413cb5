//! Sums along one dimension of a value of any rank, as cascades: out[outer, inner] = Σₗ x[outer, l, inner].
//!
//! A dimension that is a whole side of the matrix uses [`RowSum`](super::RowSum) or [`ColumnSum`](super::ColumnSum),
//! which distribute a long sum among invocations.

use crate::kernel::base::cascade::{self, LEAF};
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::for_rows;
use crate::kernel::base::{
    Along, Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, Side,
};

pub(crate) const ALONG: &str = include_str!("../../../shaders/reduction/along.wgsl");

/// Sums along a dimension of x. Arguments: x, out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DimensionSum {
    /// The dimension of x.
    pub(crate) along: Along,
    /// The shape of x.
    pub(crate) shape: MatrixShape,
}

uniform_block! {
    /// The uniform block of the kernels that reduce along a dimension.
    pub(crate) struct Params {
        /// Total number of `vec4` elements of the result.
        count: u32,
        /// Columns of the result.
        cols: u32,
        /// `vec4` elements in a row of the result.
        ld4: u32,
        /// Floats in a row of x.
        ldx: u32,
        /// Numbers of x that are reduced to one number.
        length: u32,
        /// Floats from one of these numbers to the next.
        step: u32,
        _pad: [u32; 2],
        /// Rows and columns in a block of x, and of the result: [x rows, result rows, x columns, result columns].
        blocks: [u32; 4],
    }
}

/// The launch of a reduction along a dimension.
pub(crate) fn program(
    along: Along,
    shape: MatrixShape,
    bindings: &[Binding],
    pieces: &[&str],
) -> Program {
    let out = along.resized(shape, 1);
    let (mut blocks, step) = (
        [shape.rows, out.rows, shape.cols, out.cols],
        match along.side {
            Side::Rows => along.inner * shape.ld(),
            Side::Columns => along.inner,
        },
    );
    let side = 2 * usize::from(along.side == Side::Columns);
    blocks[side..side + 2].copy_from_slice(&[along.block(), along.inner]);
    let params = Params {
        count: out.vec4s() as u32,
        cols: out.cols as u32,
        ld4: out.ld4() as u32,
        ldx: shape.ld() as u32,
        length: along.length as u32,
        step: step as u32,
        _pad: [0; 2],
        blocks: blocks.map(|size| size as u32),
    };
    Program::assemble(
        Shader {
            constants: &[("WORKGROUP", WORKGROUP as u32)],
            bindings,
            pieces,
        },
        &params,
        out.vec4s().div_ceil(WORKGROUP),
    )
}

/// The numbers of x that are reduced to element (i, j) of the result, as the index of the first and the stride.
pub(crate) fn place(along: Along, shape: MatrixShape, i: usize, j: usize) -> (usize, usize) {
    let from = |index: usize| index / along.inner * along.block() + index % along.inner;
    match along.side {
        Side::Rows => (from(i) * shape.ld() + j, along.inner * shape.ld()),
        Side::Columns => (i * shape.ld() + from(j), along.inner),
    }
}

impl Compute for DimensionSum {
    fn label(&self) -> String {
        format!(
            "sum of {} along {:?} {}",
            self.along.length, self.along.side, self.shape
        )
        .to_lowercase()
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Float),
            Binding::output(2, "out", Element::Vec4),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../shaders/reduction/dimension_sum.wgsl");
        let pieces = [cascade::SOURCE, ALONG, source];
        program(self.along, self.shape, &self.bindings(), &pieces)
            .with_iterations(self.along.length / LEAF + LEAF)
    }

    fn flops(&self) -> u64 {
        self.shape.elements()
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let x = args.read();
        let out = self.along.resized(self.shape, 1);
        for_rows(args.write(), out, |i, out| {
            let mut terms = vec![T::ZERO; self.along.length];
            for (j, out) in out.iter_mut().enumerate() {
                let (first, step) = place(self.along, self.shape, i, j);
                for (l, term) in terms.iter_mut().enumerate() {
                    *term = x[first + l * step];
                }
                *out = cascade::sum_of(&terms, |x| x);
            }
        });
    }
}
