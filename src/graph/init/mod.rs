//! Initialisation of parameters.

mod orthogonal;

use super::{Activation, MatrixShape};
use crate::random::{Random, Stream};
use crate::{Error, Result};

/// The distribution that a parameter's first values are drawn from.
///
/// For a weight [outputs, inputs], fan-in is `inputs` and fan-out is `outputs`; other weights state their fans
/// ([`Graph::parameter_with_fans`](crate::Graph::parameter_with_fans)). All draws derive from one seed. Each parameter
/// has its own stream, so its values do not depend on the other parameters. The formulas are those of PyTorch's
/// `torch.nn.init`; the random numbers come from ChaCha8 and differ from PyTorch's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub enum Init {
    /// All 0: for biases.
    Zeros,
    /// All equal to this number.
    Constant(f32),
    /// U(low, high).
    Uniform {
        /// The lower end.
        low: f64,
        /// The upper end, at least `low`.
        high: f64,
    },
    /// N(mean, std²).
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation; at least 0.
        std: f64,
    },
    /// N(mean, std²), truncated at two standard deviations from the mean. The truncated standard deviation is
    /// 0.8796·std. PyTorch's `trunc_normal_` truncates at `a` and `b`, by default −2 and 2, regardless of the standard
    /// deviation.
    TruncatedNormal {
        /// The mean.
        mean: f64,
        /// The standard deviation before truncation; at least 0.
        std: f64,
    },
    /// N(0, 2/(fan-in + fan-out)): for tanh and sigmoid (Glorot and Bengio 2010).
    XavierNormal,
    /// U(−a, a), a = √(6/(fan-in + fan-out)): for tanh and sigmoid (Glorot and Bengio 2010).
    XavierUniform,
    /// N(0, 2/fan-in): for ReLU (He et al. 2015).
    KaimingNormal,
    /// U(−a, a), a = √(6/fan-in): for ReLU (He et al. 2015). The default.
    #[default]
    KaimingUniform,
    /// N(0, 1/fan-in): for SELU (LeCun et al. 1998; Klambauer et al. 2017).
    LecunNormal,
    /// U(−a, a), a = √(3/fan-in) (LeCun et al. 1998).
    LecunUniform,
    /// Variance gain²/fan: the general form of Xavier's (mean of the fans), Kaiming's (fan-in or fan-out) and LeCun's
    /// (gain 1), with the gain of an activation from [`Init::gain`]. It corresponds to PyTorch's `kaiming_normal_` with
    /// `mode` and `nonlinearity`, `xavier_normal_` with `gain`, and their uniform forms.
    Scaled {
        /// Factor that compensates for the preceding activation; at least 0.
        gain: f64,
        /// The connections that are counted.
        fan: Fan,
        /// The form of the distribution.
        distribution: Distribution,
    },
    /// Orthogonal rows of length gain, or orthogonal columns if there are more rows than columns: W·Wᵀ = gain²·I or WᵀW
    /// = gain²·I, uniform over such matrices (Saxe et al. 2014; PyTorch's `orthogonal_`). The host needs 2·short²·long
    /// operations, for the short and the long side.
    Orthogonal {
        /// The length of the rows or columns; finite.
        gain: f64,
    },
}

/// The connections that an initialisation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Fan {
    /// The inputs: preserves the variance of activations.
    In,
    /// The outputs: preserves the variance of gradients.
    Out,
    /// The mean of both.
    Mean,
}

/// The form of a distribution with mean 0 and a given variance v.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Distribution {
    /// N(0, v).
    Normal,
    /// U(−√(3v), √(3v)).
    Uniform,
}

impl Init {
    /// The gain for the initialisation of the layer before an activation, as in PyTorch's `calculate_gain`: ReLU √2,
    /// leaky ReLU √(2/(1 + slope²)), tanh 5/3, SELU 3/4, no activation or sigmoid 1. PyTorch defines no others: here
    /// GELU has ReLU's gain, and the rest have 1.
    ///
    /// ```
    /// use wgrad::{Activation, Distribution, Fan, Init};
    /// let leaky = Activation::LeakyRelu { slope: 0.2 };
    /// let init = Init::Scaled { gain: Init::gain(leaky), fan: Fan::Out, distribution: Distribution::Normal };
    /// # approx::assert_relative_eq!(Init::gain(leaky), (2.0f64 / 1.04).sqrt(), max_relative = 1e-7);
    /// # let _ = init;
    /// ```
    pub fn gain(activation: Activation) -> f64 {
        match activation {
            Activation::Relu | Activation::Gelu => std::f64::consts::SQRT_2,
            Activation::LeakyRelu { slope } => (2.0 / (1.0 + f64::from(slope).powi(2))).sqrt(),
            Activation::Tanh => 5.0 / 3.0,
            Activation::Selu => 0.75,
            _ => 1.0,
        }
    }

    pub(crate) fn check(self) -> Result<()> {
        match self {
            Init::Constant(value) => finite("the constant of an initialisation", value.into()),
            Init::Uniform { low, high } => {
                finite("the lower end of an initialisation", low)?;
                finite("the upper end of an initialisation", high)?;
                if low > high {
                    let expected = format!("at least the lower end, {low}");
                    let what = "the upper end of an initialisation";
                    return Err(Error::argument(what, expected, high));
                }
                Ok(())
            }
            Init::Normal { mean, std } | Init::TruncatedNormal { mean, std } => {
                finite("the mean of an initialisation", mean)?;
                not_negative("the standard deviation of an initialisation", std)
            }
            Init::Scaled { gain, .. } => not_negative("the gain of an initialisation", gain),
            Init::Orthogonal { gain } => finite("the gain of an initialisation", gain),
            Init::Zeros
            | Init::XavierNormal
            | Init::XavierUniform
            | Init::KaimingNormal
            | Init::KaimingUniform
            | Init::LecunNormal
            | Init::LecunUniform => Ok(()),
        }
    }

    /// Draws the values of parameter `number`, row by row. `fans` are the connections into an output and out of an
    /// input.
    pub(crate) fn draw(
        self,
        seed: u64,
        number: usize,
        shape: MatrixShape,
        fans: [usize; 2],
    ) -> Vec<f32> {
        let random = &mut Random::new(seed, Stream::Parameter(number as u32));
        let [fan_in, fan_out] = fans.map(|fan| fan as f64);
        let count = shape.rows * shape.cols;
        let fill = |value: &mut dyn FnMut() -> f64| (0..count).map(|_| value() as f32).collect();
        match self {
            Init::Zeros => vec![0.0; count],
            Init::Constant(value) => vec![value; count],
            Init::Uniform { low, high } => fill(&mut || low + (high - low) * random.unit()),
            Init::Normal { mean, std } => fill(&mut || mean + std * random.normal()),
            Init::TruncatedNormal { mean, std } => fill(&mut || mean + std * within_two(random)),
            Init::XavierNormal => normal(random, 2.0 / (fan_in + fan_out), count),
            Init::XavierUniform => uniform(random, 2.0 / (fan_in + fan_out), count),
            Init::KaimingNormal => normal(random, 2.0 / fan_in, count),
            Init::KaimingUniform => uniform(random, 2.0 / fan_in, count),
            Init::LecunNormal => normal(random, 1.0 / fan_in, count),
            Init::LecunUniform => uniform(random, 1.0 / fan_in, count),
            Init::Scaled {
                gain,
                fan,
                distribution,
            } => {
                let fan = match fan {
                    Fan::In => fan_in,
                    Fan::Out => fan_out,
                    Fan::Mean => (fan_in + fan_out) / 2.0,
                };
                let variance = gain * gain / fan;
                match distribution {
                    Distribution::Normal => normal(random, variance, count),
                    Distribution::Uniform => uniform(random, variance, count),
                }
            }
            Init::Orthogonal { gain } => orthogonal::draw(random, shape.rows, shape.cols, gain),
        }
    }
}

fn normal(random: &mut Random, variance: f64, count: usize) -> Vec<f32> {
    let std = variance.sqrt();
    (0..count).map(|_| (random.normal() * std) as f32).collect()
}

/// A uniform on (−a, a) has variance a²/3.
fn uniform(random: &mut Random, variance: f64, count: usize) -> Vec<f32> {
    let a = (3.0 * variance).sqrt();
    (0..count)
        .map(|_| ((2.0 * random.unit() - 1.0) * a) as f32)
        .collect()
}

/// A standard normal within ±2, by rejection of one draw in 22.
fn within_two(random: &mut Random) -> f64 {
    loop {
        let z = random.normal();
        if z.abs() <= 2.0 {
            return z;
        }
    }
}

fn finite(what: &'static str, value: f64) -> Result<()> {
    if (value as f32).is_finite() {
        return Ok(());
    }
    Err(Error::argument(what, "finite in f32", value))
}

fn not_negative(what: &'static str, value: f64) -> Result<()> {
    if (value as f32).is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::argument(what, "finite in f32 and at least 0", value))
}

#[cfg(test)]
mod tests;
