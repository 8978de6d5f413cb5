//! Kernels that move numbers to other columns, at any offset: no arithmetic, so all bits stay.
//!
//! One file per operation, `shaders/rearrange/x.wgsl` and `src/kernel/rearrange/x.rs`; the loop around them is
//! `shaders/rearrange/rearrange.wgsl` and this file.

pub(crate) mod columns;
pub(crate) mod concatenate;
pub(crate) mod place;
pub(crate) mod transpose;

use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::for_rows;
use crate::kernel::base::{Args, Binding, Compute, MatrixShape, Program, Real, Target};

const SOURCE: &str = include_str!("../../../shaders/rearrange/rearrange.wgsl");

/// What goes where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// out [rows, n] = a[:, start..start + n], a [rows, of].
    Columns { start: usize, of: usize },
    /// out [rows, cols] with out[:, start..start + width] = a [rows, width], and zeros elsewhere: the gradient of
    /// `Columns`.
    Place { start: usize, width: usize },
    /// out [rows, left + right] = [a | b], a [rows, left], b [rows, right].
    Concatenate { left: usize },
    /// out [rows, cols] = aᵀ, a [cols, rows].
    Transpose,
}

/// One such move. Arguments: a, [b], out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rearrange {
    pub(crate) op: Move,
    /// Of the output.
    pub(crate) shape: MatrixShape,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// `vec4` elements in all.
        count: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        /// A column where something begins.
        start: u32,
        /// Floats in a row of a, and of b.
        lda: u32,
        ldb: u32,
        /// Columns of a.
        width: u32,
        _pad: u32,
    }
}

impl Rearrange {
    /// Shapes of a and b; where there is no b, it has no columns.
    fn inputs(&self) -> [MatrixShape; 2] {
        let MatrixShape { rows, cols } = self.shape;
        let [a, b] = match self.op {
            Move::Columns { of, .. } => [of, 0],
            Move::Place { width, .. } => [width, 0],
            Move::Concatenate { left } => [left, cols - left],
            Move::Transpose => return [MatrixShape::new(cols, rows), MatrixShape::new(rows, 0)],
        };
        [MatrixShape::new(rows, a), MatrixShape::new(rows, b)]
    }
}

impl Compute for Rearrange {
    fn label(&self) -> String {
        let shape = self.shape;
        match self.op {
            Move::Columns { start, of } => format!("columns from {start} of {of} {shape}"),
            Move::Place { start, width } => format!("place {width} columns at {start} {shape}"),
            Move::Concatenate { left } => format!("concatenate at {left} {shape}"),
            Move::Transpose => format!("transpose {shape}"),
        }
    }

    fn bindings(&self) -> Vec<Binding> {
        match self.op {
            Move::Concatenate { .. } => {
                vec![Binding::read(1), Binding::read(2), Binding::write(3)]
            }
            Move::Columns { .. } | Move::Place { .. } | Move::Transpose => {
                vec![Binding::read(1), Binding::write(3)]
            }
        }
    }

    fn program(&self, _target: &Target) -> Program {
        let (element, start) = match self.op {
            Move::Columns { start, .. } => (columns::SOURCE, start),
            Move::Place { start, .. } => (place::SOURCE, start),
            Move::Concatenate { left } => (concatenate::SOURCE, left),
            Move::Transpose => (transpose::SOURCE, 0),
        };
        let [a, b] = self.inputs();
        let params = Params {
            count: self.shape.vec4s() as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            start: start as u32,
            lda: a.ld() as u32,
            ldb: b.ld() as u32,
            width: a.cols as u32,
            _pad: 0,
        };
        Program::new(
            &[("WORKGROUP", WORKGROUP as u32)],
            &[element, SOURCE],
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
            Move::Concatenate { .. } => args.read(),
            Move::Columns { .. } | Move::Place { .. } | Move::Transpose => &[],
        };
        let [a_shape, b_shape] = self.inputs();
        for_rows(args.write(), self.shape, |i, out| match self.op {
            Move::Columns { start, .. } => columns::run(a, a_shape, i, start, out),
            Move::Place { start, .. } => place::run(a, a_shape, i, start, out),
            Move::Concatenate { .. } => concatenate::run([a, b], [a_shape, b_shape], i, out),
            Move::Transpose => transpose::run(a, a_shape, i, out),
        });
    }
}
