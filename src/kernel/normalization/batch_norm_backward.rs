//! Gradients of batch normalisation in training, in one pass over the columns.
//!
//! With x̂ = (x − mean)/√(variance + ε): dβ = Σᵢ dy, dγ = Σᵢ dy·x̂, and
//! dx = γ/√(variance + ε)·(dy − dβ/n − x̂·dγ/n), n the number of rows.

use crate::kernel::base::program::uniform_block;
use crate::kernel::base::rows::for_blocks;
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, cascade,
    column_reduce, matrix, spread,
};
use crate::kernel::base::{gradient, guard};
use crate::threads::for_chunks;

/// Arguments: dy and x [rows, cols], saved [`saved_rows`, cols] (as [`BatchNorm`](super::BatchNorm) wrote it, or mean
/// and 1/√(variance + ε) alone), γ [cols]; dx [rows, cols], dγ and dβ [cols], state. At least one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchNormBackward {
    pub(crate) shape: MatrixShape,
    /// Number of rows of `saved`: 4 or 2.
    pub(crate) saved_rows: usize,
    /// Guard id of dγ; 0 if it is not tested.
    pub(crate) gamma_id: u32,
    /// Guard id of dβ; 0 if it is not tested.
    pub(crate) beta_id: u32,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        /// Guard id; 0 for no test.
        gamma_id: u32,
        beta_id: u32,
        _pad: [u32; 3],
    }
}

impl Compute for BatchNormBackward {
    fn label(&self) -> String {
        format!("batch norm backward {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "dy", Element::Vec4),
            Binding::input(2, "x", Element::Vec4),
            Binding::input(3, "saved", Element::Vec4),
            Binding::input(4, "gamma", Element::Vec4),
            Binding::output(5, "dx", Element::Vec4),
            Binding::output(6, "dgamma", Element::Vec4),
            Binding::output(7, "dbeta", Element::Vec4),
            Binding::updated(8, "state", Element::AtomicWord),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let geometry = column_reduce::geometry(self.shape, capabilities);
        let params = Params {
            rows: self.shape.rows as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            gamma_id: self.gamma_id,
            beta_id: self.beta_id,
            _pad: [0; 3],
        };
        let pieces = [
            matrix::SOURCE,
            column_reduce::SOURCE,
            cascade::SOURCE,
            guard::SOURCE,
            include_str!("../../../shaders/normalization/batch_norm_backward.wgsl"),
        ];
        let [workgroup, columns, lanes] = geometry.constants;
        let saved_rows = ("SAVED_ROWS", self.saved_rows as u32);
        Program::assemble(
            Shader {
                constants: &[workgroup, columns, lanes, saved_rows],
                bindings: &self.bindings(),
                pieces: &pieces,
            },
            &params,
            geometry.workgroups,
        )
        .with_iterations(geometry.summed(self.shape) + geometry.rows(self.shape))
    }

    fn flops(&self) -> u64 {
        10 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (dy, x, saved, gamma) = (args.read(), args.read(), args.read(), args.read());
        let (dx, dgamma, dbeta) = (args.write(), args.write(), args.write());
        let (shape, ld) = (self.shape, self.shape.ld());
        if shape.floats() == 0 {
            return;
        }
        let mut columns = vec![Column::default(); shape.cols];
        for (j, column) in columns.iter_mut().enumerate() {
            [column.mean, column.inverse] = spread::saved(self.saved_rows, ld, saved, j);
        }
        for_chunks(&mut columns, WIDTH, 1, |number, columns| {
            T::vectorized(Sums {
                dy,
                x,
                shape,
                first: number * WIDTH,
                columns,
            });
        });
        dgamma[..ld].fill(T::ZERO);
        dbeta[..ld].fill(T::ZERO);
        for (j, column) in columns.iter().enumerate() {
            dgamma[j] = T::of(column.product);
            dbeta[j] = T::of(column.sum);
        }
        let state = args.write_words();
        for (id, sums) in [(self.gamma_id, &*dgamma), (self.beta_id, &*dbeta)] {
            if id != 0 {
                gradient::guard(id, &sums[..ld], state);
            }
        }
        // dx = scale·dy − (x − mean)·slope − offset.
        let count = shape.rows as f64;
        let terms = |term: &dyn Fn(&Column, f64) -> f64| -> Vec<f64> {
            let columns = columns.iter().zip(gamma);
            columns
                .map(|(column, gamma)| term(column, gamma.to_f64()))
                .collect()
        };
        let scale = |of: &Column, gamma: f64| gamma * of.inverse;
        let columns = Gradients {
            mean: terms(&|of, _| of.mean),
            scale: terms(&scale),
            slope: terms(&|of, gamma| scale(of, gamma) * of.inverse * (of.product / count)),
            offset: terms(&|of, gamma| scale(of, gamma) * (of.sum / count)),
        };
        for_blocks(dx, shape, |first, dx| {
            let part = first * ld..first * ld + dx.len();
            T::vectorized(Block {
                dy: &dy[part.clone()],
                x: &x[part],
                dx,
                shape,
                columns: &columns,
            });
        });
    }
}

/// Number of columns that are summed at a time.
const WIDTH: usize = 32;

#[derive(Clone, Copy, Debug, Default)]
struct Column {
    mean: f64,
    /// 1/√(variance + ε).
    inverse: f64,
    /// dβ.
    sum: f64,
    /// dγ.
    product: f64,
}

struct Sums<'a, T> {
    dy: &'a [T],
    x: &'a [T],
    shape: MatrixShape,
    first: usize,
    columns: &'a mut [Column],
}

impl<T: Real> Vectorized for Sums<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (ld, width) = (self.shape.ld(), self.columns.len());
        let (mut means, mut sums, mut products) = ([0.0; WIDTH], [0.0; WIDTH], [0.0; WIDTH]);
        for (mean, column) in means.iter_mut().zip(&*self.columns) {
            *mean = column.mean;
        }
        let rows = self.dy.chunks_exact(ld).zip(self.x.chunks_exact(ld));
        for (dy, x) in rows.take(self.shape.rows) {
            let (dy, x) = (&dy[self.first..][..width], &x[self.first..][..width]);
            let (sums, products) = (&mut sums[..width], &mut products[..width]);
            let means = &means[..width];
            for j in 0..width {
                let dy = dy[j].to_f64();
                sums[j] += dy;
                products[j] += dy * (x[j].to_f64() - means[j]);
            }
        }
        for (j, column) in self.columns.iter_mut().enumerate() {
            column.sum = sums[j];
            column.product = products[j] * column.inverse;
        }
    }
}

/// Coefficients of dx by column.
struct Gradients {
    mean: Vec<f64>,
    scale: Vec<f64>,
    slope: Vec<f64>,
    offset: Vec<f64>,
}

/// Computation of dx for a block of rows.
struct Block<'a, T> {
    dy: &'a [T],
    x: &'a [T],
    dx: &'a mut [T],
    shape: MatrixShape,
    columns: &'a Gradients,
}

impl<T: Real> Vectorized for Block<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (ld, cols) = (self.shape.ld(), self.shape.cols);
        let of = self.columns;
        let (mean, scale) = (&of.mean[..cols], &of.scale[..cols]);
        let (slope, offset) = (&of.slope[..cols], &of.offset[..cols]);
        let rows = self.dy.chunks_exact(ld).zip(self.x.chunks_exact(ld));
        for (dx, (dy, x)) in self.dx.chunks_exact_mut(ld).zip(rows) {
            let (values, padding) = dx.split_at_mut(cols);
            let (dy, x) = (&dy[..cols], &x[..cols]);
            for j in 0..cols {
                let along = (x[j].to_f64() - mean[j]) * slope[j];
                values[j] = T::of(scale[j] * dy[j].to_f64() - offset[j] - along);
            }
            padding.fill(T::ZERO);
        }
    }
}
