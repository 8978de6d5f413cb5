//! Gather of a mini-batch of randomly moved images: see [`Augmentation`] for the formula, and [`gather`](super) for the
//! rest.
//!
//! Row i of the batch draws from Threefry with the counter (step, i·pairs + pair), where `pairs` is 2 + ⌈control
//! points/2⌉. So the random words depend only on seed, step and row, for any split of the steps into submits.

mod bytes;
mod canvas;
mod elastic;
mod motion;
mod settings;

pub use settings::Augmentation;

use super::Gather;
use super::Source;
use super::labels;
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::state::{STEP, STEP_HIGH};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, Program, Real, Shader, matrix,
};
use crate::kernel::random::threefry;
use crate::threads::for_chunks_with;
use canvas::Canvas;

/// Access to the values of a float sample; the CPU twin reads them directly.
const FLOATS: &str = include_str!("../../../../shaders/gather/augment/floats.wgsl");

/// Number of pixels below which the CPU twin stays on one thread: about ten microseconds of work.
const PIXELS_PER_TASK: usize = 1024;

/// Maximum `vec4` elements of a row per invocation, before a sample takes another workgroup.
const VEC4S_PER_INVOCATION: usize = 8;

/// [`VEC4S_PER_INVOCATION`] on an adapter that runs on a CPU, which runs at most 65,535 iterations of an invocation.
const SOFTWARE_VEC4S_PER_INVOCATION: usize = 1 << 15;

/// Number of invocations in a workgroup on an adapter that runs on a CPU: one vector, so that the barrier costs
/// nothing.
const SOFTWARE_WORKGROUP: u32 = 8;

/// Arguments: those of [`Gather`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Augment {
    pub(crate) gather: Gather,
    pub(crate) augmentation: Augmentation,
    /// Key of the random words.
    pub(crate) key: [u32; 2],
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        table_steps: u32,
        /// See [`Scaling`](super::scaling::Scaling).
        unit: f32,
        /// In these units.
        centre: f32,
        scale: f32,
        /// Number of samples.
        samples: u32,
        /// Key of the random words.
        key0: u32,
        key1: u32,
        /// Largest shift in pixels.
        max_shift: f32,
        max_scale: f32,
        /// Largest angle in radians.
        max_angle: f32,
        /// Amplitude of the control points, in pixels.
        amplitude: f32,
        _pad: [u32; 2],
    }
}

impl Compute for Augment {
    fn label(&self) -> String {
        format!("{} augmented", self.gather.label())
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = self.gather.bindings();
        if self.gather.source == Source::Floats {
            bindings[0].element = Element::Float;
        }
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let (gather, augmentation) = (&self.gather, &self.augmentation);
        let (shape, points) = (gather.shape, augmentation.points());
        let params = Params {
            rows: shape.rows as u32,
            cols: shape.cols as u32,
            ld4: shape.ld4() as u32,
            table_steps: gather.table_steps as u32,
            unit: gather.scaling.unit,
            centre: gather.scaling.centre,
            scale: gather.scaling.scale,
            samples: gather.samples as u32,
            key0: self.key[0],
            key1: self.key[1],
            max_shift: augmentation.shift,
            max_scale: augmentation.scale,
            max_angle: augmentation.radians(),
            amplitude: augmentation.amplitude,
            _pad: [0; 2],
        };
        let (workgroup, most) = if capabilities.software {
            let workgroup = capabilities.subgroup.unwrap_or(SOFTWARE_WORKGROUP);
            (workgroup, SOFTWARE_VEC4S_PER_INVOCATION)
        } else {
            (WORKGROUP as u32, VEC4S_PER_INVOCATION)
        };
        let parts = shape.ld4().div_ceil(workgroup as usize * most);
        // A pair of random words takes five rounds; the angle is doubled twice.
        let drawing = 6 * augmentation.pairs().div_ceil(workgroup as usize) + 2;
        let constants = [
            ("WORKGROUP", workgroup),
            ("PARTS", parts as u32),
            ("HEIGHT", augmentation.height as u32),
            ("WIDTH", augmentation.width as u32),
            ("CHANNELS", augmentation.channels as u32),
            ("LABELS", gather.labels as u32),
            ("PAIRS", augmentation.pairs() as u32),
            ("POINTS", points as u32),
            // Control points come in pairs; an array has at least one element.
            ("GRID", points.next_multiple_of(2).max(2) as u32),
            ("GRID_COLS", augmentation.grid()[1] as u32),
            ("SPACING", augmentation.grid_spacing() as u32),
        ];
        let value = match gather.source {
            Source::Bytes => bytes::SOURCE,
            Source::Floats => FLOATS,
        };
        let pieces = [
            matrix::SOURCE,
            threefry::SOURCE,
            value,
            motion::SOURCE,
            elastic::SOURCE,
            labels::source(gather.labels),
            include_str!("../../../../shaders/gather/augment/augment.wgsl"),
        ];
        let stride = workgroup as usize * parts.max(1);
        let turns = shape.ld4().div_ceil(stride) + labels::iterations(gather.labels, stride);
        Program::assemble(
            Shader {
                constants: &constants,
                bindings: &self.bindings(),
                pieces: &pieces,
            },
            &params,
            shape.rows * parts,
        )
        .with_iterations(turns + drawing)
    }

    fn flops(&self) -> u64 {
        // The place takes 14, the interpolation and scaling 11, the displacement 4 weights of 6 and 40 products and
        // sums.
        let each = if self.augmentation.is_elastic() {
            113
        } else {
            25
        };
        each * (self.gather.shape.rows * self.gather.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let gather = &self.gather;
        let (mut floats, mut words): (&[T], &[u32]) = (&[], &[]);
        match gather.source {
            Source::Bytes => words = args.read_words(),
            Source::Floats => floats = args.read(),
        }
        let sample_labels = match gather.labels {
            0 => &[],
            _ => args.read_words(),
        };
        let (indices, table, state) = (args.read_words(), args.read_words(), args.write_words());
        let sample = gather.sample(indices, gather.entry(table, state));
        let (step, key) = (state[STEP], threefry::key_at(self.key, state[STEP_HIGH]));
        let x = args.write();
        let (cols, ld, ld4) = (gather.shape.cols, gather.shape.ld(), gather.shape.ld4());
        let weights = elastic::weights(&self.augmentation);
        let one = |canvas: &mut Canvas<T>, i: usize, x: &mut [T]| {
            let (x, padding) = x.split_at_mut(cols);
            let row = sample(i);
            match gather.source {
                Source::Bytes => canvas.fill(bytes::values(&words[row * ld4..][..ld4])),
                Source::Floats => canvas.fill(floats[row * ld..][..ld].iter().copied()),
            }
            canvas.draw(key, step, i as u32);
            canvas.paint(&weights, gather.scaling, x);
            padding.fill(T::ZERO);
        };
        let (x, min_chunks) = (
            &mut x[..gather.shape.floats()],
            PIXELS_PER_TASK.div_ceil(ld),
        );
        for_chunks_with(x, ld, min_chunks, || Canvas::new(self.augmentation), one);
        if gather.labels > 0 {
            let (rows, batch_labels) = (gather.shape.rows, args.write_words());
            labels::run(sample_labels, gather.labels, rows, sample, batch_labels);
        }
    }
}

impl Augment {
    /// The batch of `gather`, augmented as by a trainer with this seed.
    pub(crate) fn new(gather: Gather, augmentation: Augmentation, seed: u64) -> Self {
        Augment {
            gather,
            augmentation,
            key: threefry::key(seed, threefry::Use::Augment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::base::MatrixShape;
    use crate::kernel::base::program::MAX_ITERATIONS;
    use crate::kernel::gather::scaling::Scaling;
    use crate::kernel::shader_tests::ALL_CAPABILITIES;

    #[test]
    fn no_image_is_cut_short() {
        for channels in [1, 131_073, 1 << 20, 3 << 20, 1 << 28] {
            let augmentation = Augmentation::new([1, 1]).channels(channels);
            let gather = Gather {
                shape: MatrixShape::new(1, channels),
                source: Source::Bytes,
                scaling: Scaling::NONE,
                samples: 1,
                table_steps: 1,
                labels: 1,
            };
            let call = Augment::new(gather, augmentation, 1);
            for target in &ALL_CAPABILITIES {
                let program = call.program(target);
                assert!(program.iterations > 0 && program.iterations < MAX_ITERATIONS);
                let workgroup = [4, 8, 256].map(|size| format!("WORKGROUP = {size}u;"));
                let sizes = [4, 8, 256].iter().zip(&workgroup);
                let (size, _) = sizes
                    .into_iter()
                    .find(|(_, text)| program.source.contains(*text))
                    .unwrap();
                // Every vec4 has an invocation.
                assert!(program.workgroups * size * program.iterations * 4 >= channels as u64);
                if channels <= 1 << 19 && target.software {
                    assert_eq!(program.workgroups, 1);
                }
            }
        }
    }
}
