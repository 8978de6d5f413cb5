//! How parameters start.

use super::MatrixShape;
use crate::random::{Random, Stream};
use crate::{Error, Result};

/// The distribution that a parameter's first values are drawn from.
///
/// For a weight [outputs, inputs], fan-in is `inputs` and fan-out is `outputs`. All draws come from one seed, each
/// parameter from a stream of its own, so a parameter's values do not depend on the others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// All 0: for biases.
    Zeros,
    /// All equal to this number.
    Constant(f32),
    /// N(0, 2/(fan-in + fan-out)): for tanh and sigmoid (Glorot and Bengio 2010).
    XavierNormal,
    /// U(−a, a), a = √(6/(fan-in + fan-out)): for tanh and sigmoid (Glorot and Bengio 2010).
    XavierUniform,
    /// N(0, 2/fan-in): for ReLU (He et al. 2015).
    KaimingNormal,
    /// U(−a, a), a = √(6/fan-in): for ReLU (He et al. 2015). The default.
    #[default]
    KaimingUniform,
}

impl Init {
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Init::Constant(value) if !value.is_finite() => Err(Error::argument(
                "the constant of an initialisation",
                "finite",
                value,
            )),
            _ => Ok(()),
        }
    }

    /// Draws the values of parameter `number`, row by row.
    pub(crate) fn draw(self, seed: u64, number: usize, shape: MatrixShape) -> Vec<f32> {
        let mut random = Random::new(seed, Stream::Parameter(number as u32));
        let (fan_in, fan_out) = (shape.cols as f64, shape.rows as f64);
        let xavier = 2.0 / (fan_in + fan_out);
        let kaiming = 2.0 / fan_in;
        let count = shape.rows * shape.cols;
        // A uniform on (−a, a) has variance a²/3.
        let mut uniform = |variance: f64| {
            let a = (3.0 * variance).sqrt();
            (0..count)
                .map(|_| ((2.0 * random.unit() - 1.0) * a) as f32)
                .collect()
        };
        match self {
            Init::Zeros => vec![0.0; count],
            Init::Constant(value) => vec![value; count],
            Init::XavierUniform => uniform(xavier),
            Init::KaimingUniform => uniform(kaiming),
            Init::XavierNormal => normal(&mut random, xavier, count),
            Init::KaimingNormal => normal(&mut random, kaiming, count),
        }
    }
}

fn normal(random: &mut Random, variance: f64, count: usize) -> Vec<f32> {
    let deviation = variance.sqrt();
    (0..count)
        .map(|_| (random.normal() * deviation) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_stated_variance() {
        let shape = MatrixShape::new(300, 200);
        for (init, variance) in [
            (Init::XavierNormal, 2.0_f64 / 500.0),
            (Init::XavierUniform, 2.0 / 500.0),
            (Init::KaimingNormal, 2.0 / 200.0),
            (Init::KaimingUniform, 2.0 / 200.0),
        ] {
            let values = init.draw(1, 0, shape);
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / 60_000.0;
            let square = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / 60_000.0;
            // Standard errors: mean √(variance/n); variance at most variance·√(2/n) = 0.6 %. Five of them.
            assert!(
                mean.abs() < 5.0 * (variance / 60_000.0).sqrt(),
                "{init:?}: mean {mean}"
            );
            assert!(
                (square / variance - 1.0).abs() < 0.03,
                "{init:?}: variance {square}"
            );
        }
    }

    #[test]
    fn known_answers() {
        let shape = MatrixShape::new(1, 3);
        let bits = |init: Init| {
            init.draw(42, 0, shape)
                .iter()
                .map(|v| v.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(Init::KaimingUniform), KNOWN_UNIFORM);
        assert_eq!(bits(Init::KaimingNormal), KNOWN_NORMAL);
    }

    /// From a separate ChaCha8 in Python, with key 42. A change here would change every user's seeded runs.
    const KNOWN_UNIFORM: [u32; 3] = [0xbf90_ded2, 0xbf95_08b4, 0xbe98_cf9a];
    const KNOWN_NORMAL: [u32; 3] = [0x3ea2_f4b7, 0xbf31_699a, 0x3f75_72cc];
}
