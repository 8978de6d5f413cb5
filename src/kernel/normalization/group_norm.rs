//! Group normalisation (Wu and He 2018): in every sample, each group of adjacent channels is normalised to mean 0 and
//! variance 1 over its channels and all pixels, then scaled and shifted by channel. With one group this is layer
//! normalisation over the whole sample, with a group per channel instance normalisation.

use super::layer_norm::SOURCE;
use super::row_statistics::{self, GROUPS};
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, row_reduce,
    spread,
};
use crate::threads::for_chunks;

/// Samples of [pixels, channels], whose channels form groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Groups {
    pub(crate) samples: usize,
    pub(crate) pixels: usize,
    pub(crate) channels: usize,
    /// Number of groups, which divides the channels.
    pub(crate) groups: usize,
}

/// Arguments: x [samples·pixels, channels], γ and β [channels], y [samples·pixels, channels].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupNorm {
    pub(crate) groups: Groups,
    pub(crate) epsilon: f32,
}

uniform_block! {
    /// The uniform block of the group normalisation kernels. A row is a group of one sample.
    pub(crate) struct Params {
        rows: u32,
        /// Elements in a row.
        cols: u32,
        /// Fours of elements in a row.
        ld4: u32,
        /// √ε, which is a normal number even if ε is subnormal.
        root: f32,
        groups: u32,
        /// Channels in a group.
        width: u32,
        /// Floats in a pixel.
        ld: u32,
        /// Floats in a sample.
        block: u32,
        /// Pixels of a sample, if pixels have padding, else 0.
        padded: u32,
        _pad0: u32,
        _pad1: u32,
        _pad2: u32,
    }
}

impl Groups {
    /// The matrix of all pixels.
    pub(crate) fn matrix(&self) -> MatrixShape {
        MatrixShape::new(self.samples * self.pixels, self.channels)
    }

    /// Channels in a group.
    pub(crate) fn width(&self) -> usize {
        self.channels / self.groups
    }

    /// The groups of all samples as rows.
    pub(crate) fn rows(&self) -> MatrixShape {
        MatrixShape::new(self.samples * self.groups, self.pixels * self.width())
    }

    /// The launch of a kernel that normalises the groups, with this many passes over the elements: element by element,
    /// and a leaf of a cascade at a time.
    pub(super) fn program(
        &self,
        epsilon: f32,
        capabilities: &Capabilities,
        bindings: &[Binding],
        pieces: &[&'static str],
        [plain, summed]: [usize; 2],
    ) -> Program {
        let (rows, ld) = (self.rows(), self.matrix().ld());
        let padded = if ld > self.channels { self.pixels } else { 0 };
        let params = Params {
            rows: rows.rows as u32,
            cols: rows.cols as u32,
            ld4: rows.ld4() as u32,
            root: f64::from(epsilon).sqrt() as f32,
            groups: self.groups as u32,
            width: self.width() as u32,
            ld: ld as u32,
            block: (self.pixels * ld) as u32,
            padded: padded as u32,
            _pad0: 0,
            _pad1: 0,
            _pad2: 0,
        };
        let pieces = [&[GROUPS], pieces].concat();
        let (reduce, workgroups) = row_statistics::geometry(rows, capabilities, &pieces);
        let shader = Shader {
            constants: &reduce.constants,
            bindings,
            pieces: &reduce.pieces,
        };
        let of_padding = 4 * padded.div_ceil(row_reduce::lanes(rows, capabilities));
        let iterations = row_reduce::iterations(rows, capabilities, plain, summed) + of_padding;
        Program::assemble(shader, &params, workgroups).with_iterations(iterations)
    }

    /// Calls `group(first channel, mean and 1/√(variance + ε), x of the sample, out)` for every group of every sample,
    /// in parallel over samples. `out` is the sample's part of the result, whose padding is zero.
    pub(super) fn for_each<T: Real>(
        &self,
        x: &[T],
        epsilon: f32,
        out: &mut [T],
        group: impl Fn(usize, usize, [f64; 2], &mut [T]) + Sync,
    ) {
        let (shape, width) = (self.matrix(), self.width());
        if shape.floats() == 0 {
            return;
        }
        let (ld, block) = (shape.ld(), self.pixels * shape.ld());
        for_chunks(&mut out[..shape.floats()], block, 1, |sample, out| {
            let x = &x[sample * block..][..block];
            for pixel in out.chunks_exact_mut(ld) {
                pixel[self.channels..].fill(T::ZERO);
            }
            let mut values = Vec::with_capacity(self.pixels * width);
            for first in (0..self.channels).step_by(width) {
                values.clear();
                let pixels = x.chunks_exact(ld);
                values.extend(
                    pixels
                        .flat_map(|pixel| &pixel[first..first + width])
                        .copied(),
                );
                let spread = spread::of_row(&values);
                let statistics = [spread.mean, spread.inverse(epsilon.into())];
                group(sample, first, statistics, out);
            }
        });
    }
}

impl Compute for GroupNorm {
    fn label(&self) -> String {
        format!("group norm {} {}", self.groups.groups, self.groups.matrix())
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Float),
            Binding::input(2, "gamma", Element::Float),
            Binding::input(3, "beta", Element::Float),
            Binding::output(4, "y", Element::Float),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let forward = include_str!("../../../shaders/normalization/groups_forward.wgsl");
        let (bindings, pieces) = (self.bindings(), [forward, SOURCE]);
        self.groups
            .program(self.epsilon, capabilities, &bindings, &pieces, [1, 2])
    }

    fn flops(&self) -> u64 {
        8 * self.groups.matrix().elements()
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, gamma, beta) = (args.read(), args.read(), args.read());
        let (groups, ld) = (self.groups, self.groups.matrix().ld());
        let y = args.write();
        groups.for_each(x, self.epsilon, y, |sample, first, [mean, inverse], y| {
            let x = &x[sample * y.len()..][..y.len()];
            for (y, x) in y.chunks_exact_mut(ld).zip(x.chunks_exact(ld)) {
                for j in first..first + groups.width() {
                    let normal = (x[j].to_f64() - mean) * inverse;
                    y[j] = T::of(gamma[j].to_f64() * normal + beta[j].to_f64());
                }
            }
        });
    }
}
