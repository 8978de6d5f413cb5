//! The random motion of a sample: shift, scale, rotation.

use super::Augmentation;
use crate::kernel::base::Real;
use crate::kernel::random::threefry::threefry;

pub(crate) const SOURCE: &str = include_str!("../../../../shaders/gather/augment/motion.wgsl");

/// Motion that maps the pixels of a moved sample to their source places.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Motion<T> {
    centre: [T; 2],
    /// Shift in pixels.
    offset: [T; 2],
    inverse_scale: [T; 2],
    /// Cosine and sine of the angle.
    turn: [T; 2],
}

/// A motion along one row of pixels: its offsets of x and y, before the scale, are the same for all pixels of the row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Along<T> {
    motion: Motion<T>,
    turned: [T; 2],
}

impl<T: Real> Motion<T> {
    /// Draws the motion of a row of the batch in this step.
    pub(crate) fn draw(augmentation: &Augmentation, key: [u32; 2], step: u32, row: u32) -> Self {
        let [shift, scale] = words(augmentation, key, step, row, 0);
        let [angle, _] = words(augmentation, key, step, row, 1);
        let most = |value: f32| T::of(value.into());
        let unit: T = signed_units(angle)[0];
        let centre = |side: usize| T::of((side - 1) as f64 * 0.5);
        Motion {
            centre: [centre(augmentation.width), centre(augmentation.height)],
            offset: signed_units(shift).map(|unit: T| most(augmentation.shift) * unit),
            inverse_scale: signed_units(scale)
                .map(|unit: T| T::ONE / (T::ONE + most(augmentation.scale) * unit)),
            turn: cosine_sine(most(augmentation.radians()) * unit),
        }
    }

    /// The motion along pixel row `y`.
    pub(crate) fn along(&self, y: usize) -> Along<T> {
        let ry = T::of(y as f64) - self.centre[1] - self.offset[1];
        Along {
            motion: *self,
            turned: [ry * self.turn[1], ry * self.turn[0]],
        }
    }
}

impl<T: Real> Along<T> {
    /// The source place of pixel `x` in the row.
    pub(crate) fn place(&self, x: usize) -> [T; 2] {
        let Motion {
            centre,
            offset,
            inverse_scale,
            turn: [cosine, sine],
        } = self.motion;
        let rx = T::of((x as i32).into()) - centre[0] - offset[0];
        [
            centre[0] + (rx * cosine + self.turned[0]) * inverse_scale[0],
            centre[1] + (self.turned[1] - rx * sine) * inverse_scale[1],
        ]
    }
}

/// Pair `i` of the random words of a row of the batch: shift and scale; angle and an unused word; then one word for
/// each control point.
pub(crate) fn words(
    augmentation: &Augmentation,
    key: [u32; 2],
    step: u32,
    row: u32,
    i: u32,
) -> [u32; 2] {
    let first = row.wrapping_mul(augmentation.pairs() as u32);
    threefry(key, [step, first.wrapping_add(i)])
}

/// Two numbers in [−1, 1), multiples of 2⁻¹⁵, from the halves of a word: exact in `f32`.
pub(crate) fn signed_units<T: Real>(word: u32) -> [T; 2] {
    [word & 0xffff, word >> 16].map(|half| T::of(f64::from(half) / 32768.0 - 1.0))
}

/// Cosine and sine of an angle in [−π, π], computed as in the shader. WGSL's own functions are not accurate enough.
pub(crate) fn cosine_sine<T: Real>(angle: T) -> [T; 2] {
    let [half, two, t] = [T::of(0.5), T::of(2.0), T::of(0.25) * angle];
    let z = t * t;
    let polynomial = |[a, b, c]: [f64; 3]| (T::of(a) * z + T::of(b)) * z + T::of(c);
    let mut sine = polynomial([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]) * z * t + t;
    let mut cosine = polynomial([
        2.443315711809948e-5,
        -1.388731625493765e-3,
        4.166664568298827e-2,
    ]) * z
        * z
        - half * z
        + T::ONE;
    for _ in 0..2 {
        (cosine, sine) = (T::ONE - two * sine * sine, two * sine * cosine);
    }
    [cosine, sine]
}
