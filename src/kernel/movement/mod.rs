//! Data movement kernels: they copy elements to other places without arithmetic, so all bits are preserved.
//!
//! One file per operation, `shaders/movement/x.wgsl` and `src/kernel/movement/x.rs`; the loop around them is
//! `shaders/movement/movement.wgsl` and this file.
//!
//! Slice, pad, concat, repeat and scatter work along one dimension of a value of any rank. The side of the matrix with
//! this dimension is [outer, length, inner]: see [`Along`]. A block is length·inner rows or columns. The other side is
//! one block and does not change.

mod blocks;
pub(crate) mod concat;
pub(crate) mod pad;
pub(crate) mod permute;
pub(crate) mod repeat;
pub(crate) mod reshape;
pub(crate) mod scatter;
pub(crate) mod slice;
pub(crate) mod transpose;

use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::for_rows;
use crate::kernel::base::{
    Along, Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, Side,
};
use blocks::Blocks;
pub(crate) use permute::Permutation;

const SOURCE: &str = include_str!("../../../shaders/movement/movement.wgsl");

/// The operation: the mapping from source to destination elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MovementOp {
    /// out = a[start..start + count] along a dimension of a.
    Slice {
        along: Along,
        start: usize,
        count: usize,
    },
    /// out[start..start + count] = a along a dimension of out, and zeros elsewhere: the gradient of a slice.
    Pad {
        along: Along,
        start: usize,
        count: usize,
    },
    /// out = [a | b] along a dimension of out; the first `left` elements come from a.
    Concat { along: Along, left: usize },
    /// out[l] = a[0] for every l along a dimension of out.
    Repeat { along: Along },
    /// out[l] = a[0] where l = b[0] along a dimension of out, and zeros elsewhere: the gradient of a maximum, with b
    /// the places of the maxima as floats.
    Scatter { along: Along },
    /// The elements of a, which has this shape, in the same order.
    Reshape { from: MatrixShape },
    /// out [rows, cols] = aᵀ, a [cols, rows].
    Transpose,
    /// The elements of a, which has this shape, with its dimensions in another order.
    Permute {
        permutation: Permutation,
        from: MatrixShape,
    },
}

/// One movement of data. Arguments: a, [b], out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Movement {
    pub(crate) op: MovementOp,
    /// Shape of the output.
    pub(crate) shape: MatrixShape,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// Total number of `vec4` elements.
        count: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        /// Floats in a row of a, and of b; for a permutation, the first stride.
        lda: u32,
        ldb: u32,
        /// Columns of a.
        cols_a: u32,
        _pad: [u32; 2],
        /// Division of the rows and of the columns: see [`Blocks`]; for a permutation, lengths and strides.
        rows: [u32; 4],
        columns: [u32; 4],
    }
}

impl Movement {
    /// The dimension that the operation works along.
    fn along(&self) -> Option<Along> {
        match self.op {
            MovementOp::Slice { along, .. }
            | MovementOp::Pad { along, .. }
            | MovementOp::Concat { along, .. }
            | MovementOp::Repeat { along }
            | MovementOp::Scatter { along } => Some(along),
            MovementOp::Reshape { .. } | MovementOp::Transpose | MovementOp::Permute { .. } => None,
        }
    }

    /// Shapes of a and b; without a b, its shape has no columns.
    fn inputs(&self) -> [MatrixShape; 2] {
        let shape = self.shape;
        let none = MatrixShape::new(shape.rows, 0);
        match self.op {
            MovementOp::Slice { along, count, .. } => {
                let a = along.of_length(count).resized(shape, along.length);
                [a, none]
            }
            MovementOp::Pad { along, count, .. } => [along.resized(shape, count), none],
            MovementOp::Concat { along, left } => {
                [left, along.length - left].map(|length| along.resized(shape, length))
            }
            MovementOp::Repeat { along } => [along.resized(shape, 1), none],
            MovementOp::Scatter { along } => [along.resized(shape, 1); 2],
            MovementOp::Reshape { from } | MovementOp::Permute { from, .. } => [from, none],
            MovementOp::Transpose => [MatrixShape::new(shape.cols, shape.rows), none],
        }
    }

    /// Division of the rows and of the columns.
    pub(crate) fn blocks(&self) -> [Blocks; 2] {
        let mut sides = [self.shape.rows, self.shape.cols].map(Blocks::whole);
        if let Some(along) = self.along() {
            let inner = along.inner;
            let (out, a, b, start) = match self.op {
                MovementOp::Slice { start, count, .. } => (count, along.length, 0, start),
                MovementOp::Pad { start, count, .. } => (along.length, count, 0, start),
                MovementOp::Concat { left, .. } => (along.length, left, along.length - left, 0),
                _ => (along.length, 1, 1, 0),
            };
            let [out, a, b, start] = [out, a, b, start].map(|length| length * inner);
            sides[usize::from(along.side == Side::Columns)] = Blocks { out, a, b, start };
        }
        sides
    }
}

impl Compute for Movement {
    fn label(&self) -> String {
        let shape = self.shape;
        match self.op {
            MovementOp::Slice {
                along,
                start,
                count,
            } => format!("slice {start}+{count} of {} {shape}", along.length),
            MovementOp::Pad {
                along,
                start,
                count,
            } => format!("pad {count} at {start} of {} {shape}", along.length),
            MovementOp::Concat { along, left } => {
                format!("concat {left} of {} {shape}", along.length)
            }
            MovementOp::Repeat { along } => format!("repeat {} times {shape}", along.length),
            MovementOp::Scatter { along } => format!("scatter to {} {shape}", along.length),
            MovementOp::Reshape { from } => format!("reshape {from} {shape}"),
            MovementOp::Transpose => format!("transpose {shape}"),
            MovementOp::Permute { from, .. } => format!("permute {from} {shape}"),
        }
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = vec![
            Binding::input(1, "a", Element::Float),
            Binding::input(2, "b", Element::Float),
            Binding::output(3, "out", Element::Vec4),
        ];
        match self.op {
            MovementOp::Concat { .. } | MovementOp::Scatter { .. } => {}
            MovementOp::Slice { .. }
            | MovementOp::Pad { .. }
            | MovementOp::Repeat { .. }
            | MovementOp::Reshape { .. }
            | MovementOp::Permute { .. }
            | MovementOp::Transpose => {
                bindings.remove(1);
            }
        }
        bindings
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let element = match self.op {
            MovementOp::Slice { .. } => slice::SOURCE,
            MovementOp::Pad { .. } => pad::SOURCE,
            MovementOp::Concat { .. } => concat::SOURCE,
            MovementOp::Repeat { .. } => repeat::SOURCE,
            MovementOp::Scatter { .. } => scatter::SOURCE,
            MovementOp::Reshape { .. } => reshape::SOURCE,
            MovementOp::Transpose => transpose::SOURCE,
            MovementOp::Permute { .. } => permute::SOURCE,
        };
        let [a, b] = self.inputs();
        let words = |numbers: [usize; 4]| numbers.map(|number| number as u32);
        let (rows, columns, ldb) = match self.op {
            MovementOp::Permute { permutation, .. } => {
                let [outer, strides @ ..] = permutation.strides;
                (words(permutation.lengths), words(strides), outer)
            }
            _ => {
                let [rows, columns] = self.blocks().map(Blocks::words);
                (rows, columns, b.ld())
            }
        };
        let params = Params {
            count: self.shape.vec4s() as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            lda: a.ld() as u32,
            ldb: ldb as u32,
            cols_a: a.cols as u32,
            _pad: [0; 2],
            rows,
            columns,
        };
        Program::assemble(
            Shader {
                constants: &[("WORKGROUP", WORKGROUP as u32)],
                bindings: &self.bindings(),
                pieces: &[element, SOURCE],
            },
            &params,
            self.shape.vec4s().div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let a = args.read();
        let b: &[T] = match self.op {
            MovementOp::Concat { .. } | MovementOp::Scatter { .. } => args.read(),
            _ => &[],
        };
        let [a_shape, b_shape] = self.inputs();
        let blocks = self.blocks();
        for_rows(args.write(), self.shape, |i, out| match self.op {
            MovementOp::Slice { .. } => slice::run(a, a_shape, blocks, i, out),
            MovementOp::Pad { .. } => pad::run(a, a_shape, blocks, i, out),
            MovementOp::Concat { .. } => concat::run([a, b], [a_shape, b_shape], blocks, i, out),
            MovementOp::Repeat { .. } => repeat::run(a, a_shape, blocks, i, out),
            MovementOp::Scatter { along } => scatter::run([a, b], a_shape, along, i, out),
            MovementOp::Reshape { .. } => reshape::run(a, a_shape, i, out),
            MovementOp::Transpose => transpose::run(a, a_shape, i, out),
            MovementOp::Permute { permutation, .. } => {
                permute::run(a, a_shape, &permutation, i, out);
            }
        });
    }
}
