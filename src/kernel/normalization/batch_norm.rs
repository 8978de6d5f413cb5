//! Batch normalisation in training (Ioffe and Szegedy 2015): every column is normalised to mean 0 and variance 1 over
//! the batch, then scaled and shifted.
//!
//! mean = 1/n·Σᵢ x[i, j], variance = 1/n·Σᵢ (x[i, j] − mean)², over the n rows; y = γ·(x − mean)/√(variance + ε) + β.
//! Mean and variance are accurate for values of any offset and magnitude ([`spread`]), and y = β exactly if all values
//! of a column are equal.
//!
//! The running statistics move towards the batch's: next = running + m·(batch − running), with the momentum m and the
//! unbiased variance n/(n − 1)·variance (PyTorch's `BatchNorm1d`). A batch of one row, which PyTorch refuses, has y = β
//! and no unbiased variance: it leaves the running variance unchanged. The new statistics are written beside the old
//! ones. [`CopyIfFinite`](crate::kernel::step::CopyIfFinite) replaces the old ones when the whole step, including the
//! new statistics, is known to be finite.

use crate::kernel::base::gradient;
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::rows::for_blocks;
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::spread::SAVED_ROWS;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, cascade,
    column_reduce, matrix, spread,
};

/// Arguments: x [rows, cols], γ and β [cols], running [2, cols] (mean, variance); y [rows, cols], saved [4, cols] (see
/// [`Spread::save`](spread::Spread::save)), next [2, cols], state. At least one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchNorm {
    pub(crate) shape: MatrixShape,
    pub(crate) epsilon: f32,
    pub(crate) momentum: f32,
    /// Guard id of the next running mean; 0 if it is not tested.
    pub(crate) mean_id: u32,
    /// Guard id of the next running variance; 0 if it is not tested.
    pub(crate) variance_id: u32,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        /// √ε, which is a normal number even if ε is subnormal.
        root: f32,
        /// Momentum of the running mean.
        momentum: f32,
        /// Momentum of the running variance.
        variance_momentum: f32,
        /// Factor from the biased to the unbiased variance.
        correction: f32,
        /// Guard id of the running mean; 0 for no test.
        mean_id: u32,
        variance_id: u32,
        _pad: [u32; 3],
    }
}

impl BatchNorm {
    fn params(&self) -> Params {
        let rows = self.shape.rows;
        let others = rows.saturating_sub(1).max(1);
        Params {
            rows: rows as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            root: f64::from(self.epsilon).sqrt() as f32,
            momentum: self.momentum,
            variance_momentum: if rows > 1 { self.momentum } else { 0.0 },
            correction: (rows as f64 / others as f64) as f32,
            mean_id: self.mean_id,
            variance_id: self.variance_id,
            _pad: [0; 3],
        }
    }
}

impl Compute for BatchNorm {
    fn label(&self) -> String {
        format!("batch norm {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::input(2, "gamma", Element::Vec4),
            Binding::input(3, "beta", Element::Vec4),
            Binding::input(4, "running", Element::Vec4),
            Binding::output(5, "y", Element::Vec4),
            Binding::output(6, "saved", Element::Vec4),
            Binding::output(7, "next", Element::Vec4),
            Binding::updated(8, "state", Element::AtomicWord),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let geometry = column_reduce::geometry(self.shape, capabilities);
        let pieces = [
            matrix::SOURCE,
            column_reduce::SOURCE,
            cascade::SOURCE,
            spread::SOURCE,
            include_str!("../../../shaders/normalization/batch_norm.wgsl"),
        ];
        Program::assemble(
            Shader {
                constants: &geometry.constants,
                bindings: &self.bindings(),
                pieces: &pieces,
            },
            &self.params(),
            geometry.workgroups,
        )
        .with_iterations(2 * geometry.summed(self.shape) + geometry.rows(self.shape))
    }

    fn flops(&self) -> u64 {
        8 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, gamma, beta, running) = (args.read(), args.read(), args.read(), args.read());
        let (y, saved, next) = (args.write(), args.write(), args.write());
        let (shape, ld) = (self.shape, self.shape.ld());
        if shape.floats() == 0 {
            return;
        }
        let (params, epsilon) = (self.params(), f64::from(self.epsilon));
        let spreads = spread::of_columns(x, shape);
        saved[..SAVED_ROWS * ld].fill(T::ZERO);
        next[..2 * ld].fill(T::ZERO);
        for (j, spread) in spreads.iter().enumerate() {
            let values = spread.save::<T>(epsilon);
            for (row, value) in values.into_iter().enumerate() {
                saved[row * ld + j] = value;
            }
            let unbiased = T::of(f64::from(params.correction) * spread.variance);
            next[j] = moved(running[j], values[0], params.momentum);
            next[ld + j] = moved(running[ld + j], unbiased, params.variance_momentum);
        }
        let state = args.write_words();
        for (id, row) in [(self.mean_id, 0), (self.variance_id, ld)] {
            if id != 0 {
                gradient::guard(id, &next[row..][..ld], state);
            }
        }
        let columns: Vec<[f64; 3]> = spreads
            .iter()
            .enumerate()
            .map(|(j, spread)| {
                let scale = gamma[j].to_f64() * spread.inverse(epsilon);
                [spread.mean, scale, beta[j].to_f64()]
            })
            .collect();
        let columns = Affine::new(columns);
        for_blocks(y, shape, |first, y| {
            T::vectorized(Normalized {
                x: &x[first * ld..][..y.len()],
                y,
                shape,
                columns: &columns,
            });
        });
    }
}

/// Moves a running statistic towards the batch's. Equal statistics stay unchanged for any momentum, and no difference
/// overflows. If the change is too small to alter the statistic, it moves by one unit in the last place. Otherwise
/// rounding would stop it up to 1/(2·momentum) units before a constant batch statistic.
fn moved<T: Real>(running: T, batch: T, momentum: f32) -> T {
    let momentum = f64::from(momentum);
    let half = T::of(0.5) * batch - T::of(0.5) * running;
    if momentum == 0.0 {
        return running;
    }
    if !batch.is_finite() {
        // A statistic that is not finite is returned unchanged.
        return batch;
    }
    let towards = if momentum < 0.5 {
        running + T::of(2.0 * momentum) * half
    } else {
        batch - T::of(2.0 * (1.0 - momentum)) * half
    };
    if towards == running && batch != running && running != T::ZERO {
        let outwards = (batch > running) == (running > T::ZERO);
        let bits = running.bits();
        let nudged = f32::from_bits(if outwards { bits + 1 } else { bits - 1 });
        return T::of(nudged.into());
    }
    towards
}

/// y = (x − mean)·scale + shift, with one mean, scale and shift per column.
pub(crate) struct Affine {
    mean: Vec<f64>,
    scale: Vec<f64>,
    shift: Vec<f64>,
}

impl Affine {
    /// From (mean, scale, shift) of every column.
    pub(crate) fn new(columns: Vec<[f64; 3]>) -> Self {
        let row = |i: usize| columns.iter().map(|column| column[i]).collect();
        Affine {
            mean: row(0),
            scale: row(1),
            shift: row(2),
        }
    }
}

/// Normalisation of a block of rows.
pub(crate) struct Normalized<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) y: &'a mut [T],
    pub(crate) shape: MatrixShape,
    pub(crate) columns: &'a Affine,
}

impl<T: Real> Vectorized for Normalized<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (ld, cols) = (self.shape.ld(), self.shape.cols);
        let Affine { mean, scale, shift } = self.columns;
        let (mean, scale, shift) = (&mean[..cols], &scale[..cols], &shift[..cols]);
        for (y, x) in self.y.chunks_exact_mut(ld).zip(self.x.chunks_exact(ld)) {
            let (values, padding) = y.split_at_mut(cols);
            let x = &x[..cols];
            for j in 0..cols {
                values[j] = T::of((x[j].to_f64() - mean[j]) * scale[j] + shift[j]);
            }
            padding.fill(T::ZERO);
        }
    }
}
