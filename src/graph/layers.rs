//! Layers with parameters or state of their own, and what is made of several operations.

use super::{Activation, Graph, Init, Op, Rows, Running, Shape, Value};
use crate::kernel::Dropout;
use crate::kernel::random::Draw;
use crate::kernel::spread::SAVED_ROWS;
use crate::kernel::update::check_share;
use crate::{Error, Result};
use std::ops::Range;

impl Graph {
    /// Dropout (Srivastava et al. 2014): in training each element is 0 with probability `rate`, and the others are
    /// divided by 1 − rate; in evaluation and prediction it is the identity. Which elements is a function of the
    /// trainer's seed, the step and the element, the same on every device and after a resume (PyTorch's `Dropout`).
    ///
    /// It takes one dispatch forward and one backward; after a dense layer's activation one more backward, since the
    /// activation's derivative is no longer computed within the product.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) unless the rate is from 0 to below 1.
    pub fn dropout(&mut self, x: Value, rate: f32) -> Result<Value> {
        if !(0.0..1.0).contains(&rate) {
            return Err(Error::argument("a dropout rate", "from 0 to below 1", rate));
        }
        if !Dropout::is_seen(rate) {
            let expected = "0, or at least 2⁻³², one random word of all";
            return Err(Error::argument("a dropout rate", expected, rate));
        }
        let shape = self.known(x)?;
        let number = self.next_random();
        Ok(self.push(Op::Dropout { x, rate, number }, shape))
    }

    /// Random numbers, new in every step: [batch, cols], uniform from `low` to below `high`. A function of the trainer's
    /// seed, the step and the element. In prediction the seed is 0 and every call gives the same.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no column, or the bounds are not finite and ascending.
    pub fn random_uniform(&mut self, cols: usize, low: f32, high: f32) -> Result<Value> {
        if !(low < high && (high - low).is_finite()) {
            let found = format!("{low} and {high}");
            return Err(Error::argument(
                "the bounds of random numbers",
                "ascending, with a finite difference",
                found,
            ));
        }
        self.random(cols, Draw::Uniform { low, high })
    }

    /// The same, normal with this mean and standard deviation.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no column, or the mean or deviation is not finite, or the deviation
    /// negative.
    pub fn random_normal(&mut self, cols: usize, mean: f32, deviation: f32) -> Result<Value> {
        if !(mean.is_finite() && deviation.is_finite() && deviation >= 0.0) {
            let found = format!("{mean} and {deviation}");
            return Err(Error::argument(
                "mean and deviation of random numbers",
                "finite, the deviation at least 0",
                found,
            ));
        }
        self.random(cols, Draw::Normal { mean, deviation })
    }

    fn random(&mut self, cols: usize, draw: Draw) -> Result<Value> {
        if cols == 0 {
            return Err(Error::argument(
                "the columns of random numbers",
                "at least 1",
                0,
            ));
        }
        let number = self.next_random();
        let shape = Shape {
            rows: Rows::Batch,
            cols,
        };
        Ok(self.push(
            Op::Random {
                draw,
                p: None,
                number,
            },
            shape,
        ))
    }

    /// 1 with probability p, else 0, for each element of p: a sample of the stochastic units of a Boltzmann machine.
    /// No gradient flows through.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument), as in every operation, if the value is of another graph.
    pub fn bernoulli(&mut self, p: Value) -> Result<Value> {
        let shape = self.known(p)?;
        let number = self.next_random();
        let (draw, p) = (Draw::Bernoulli, Some(p));
        Ok(self.push(Op::Random { draw, p, number }, shape))
    }

    fn next_random(&mut self) -> u32 {
        self.randoms += 1;
        self.randoms - 1
    }

    /// Batch normalisation (Ioffe and Szegedy 2015) of each column: y = γ(x − mean)/√(variance + ε) + β, with γ
    /// `layers.i.weight` from 1, β `layers.i.bias` from 0, and ε = 10⁻⁵. In training mean and variance (biased) are the
    /// batch's, and the running ones follow: r ← r + 0.1·(batch − r), the variance unbiased. In evaluation and prediction
    /// they are the running ones (PyTorch's `BatchNorm1d`). A batch of one row, which PyTorch refuses, gives y = β and
    /// leaves the running variance as it is. A step whose running statistics would not be finite is
    /// [`NonFinite`](Error::NonFinite), and changes nothing.
    ///
    /// The running mean is an `f32`. Once it has settled, it differs from the mean of what the batches stand for by its
    /// rounding, half a unit in the last place (2⁻²⁵ to 2⁻²⁴ of the mean), beside how the batches' means scatter. So in
    /// evaluation y is off by up to γ·2⁻²⁴·|mean|/√(variance + ε): 0.03 for values of 10⁶ ± 1. PyTorch's is off as much.
    /// Training subtracts the mean in more digits. Data with a large offset are best
    /// [standardised](crate::Dataset::standardized) first. A column that is constant in all batches settles at its value, and
    /// y is β exactly then.
    ///
    /// Where neither γ nor β is trained, because a [group](crate::ParameterGroup::frozen) freezes them or the step's
    /// [phase](crate::Phase) leaves them out, the running statistics stay as they are. (PyTorch's move all the same unless the
    /// layer is in `eval()`.) [`ParameterGroup::running_statistics`](crate::ParameterGroup::running_statistics) has a trainer
    /// normalise with them, as `eval()` does. [`Network::recompute_statistics`](crate::Network::recompute_statistics) computes them anew.
    ///
    /// It takes one dispatch forward and one backward, and between a dense layer and its activation one more forward, since the
    /// activation is no longer computed within the product. A training step takes one more for all running statistics.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x has not one row per sample.
    pub fn batch_norm(&mut self, x: Value) -> Result<Value> {
        self.batch_norm_with(x, 1e-5, 0.1)
    }

    /// [`Graph::batch_norm`] with another ε, and another momentum m: r ← r + m·(batch − r).
    ///
    /// # Errors
    /// As there; and [`Argument`](Error::Argument) if ε is not above 0, or the momentum not
    /// from 0 to 1, or so small that 1 − m is 1 in `f32`.
    pub fn batch_norm_with(&mut self, x: Value, epsilon: f32, momentum: f32) -> Result<Value> {
        check_epsilon(epsilon)?;
        check_share("the momentum of a batch normalisation", momentum)?;
        let shape = self.known(x)?;
        if shape.rows != Rows::Batch {
            return Err(Error::shape("batch_norm", "one row per sample", shape));
        }
        let layer = self.layers;
        let [gamma, beta] = self.gain_and_bias(shape.cols)?;
        let number = self.running.len();
        self.running.push(Running {
            name: format!("layers.{layer}"),
            cols: shape.cols,
        });
        let op = Op::BatchNorm {
            x,
            gamma,
            beta,
            number,
            epsilon,
            momentum,
            fixed: false,
        };
        let y = self.push(op, shape);
        let saved = Shape {
            rows: Rows::Fixed(SAVED_ROWS),
            cols: shape.cols,
        };
        self.part(y, 1, saved);
        Ok(y)
    }

    /// Layer normalisation (Ba et al. 2016) of each row: y = γ(x − mean)/√(variance + ε) + β over its columns, with γ
    /// `layers.i.weight` from 1, β `layers.i.bias` from 0, and ε = 10⁻⁵ (PyTorch's `LayerNorm`).
    ///
    /// It takes one dispatch forward and three backward, and between a dense layer and its activation one more forward, as
    /// [`Graph::batch_norm`].
    ///
    /// # Errors
    /// [`Argument`](Error::Argument), as in every operation, if the value is of another graph.
    pub fn layer_norm(&mut self, x: Value) -> Result<Value> {
        self.layer_norm_with(x, 1e-5)
    }

    /// [`Graph::layer_norm`] with another ε.
    ///
    /// # Errors
    /// As there; and [`Argument`](Error::Argument) if ε is not above 0.
    pub fn layer_norm_with(&mut self, x: Value, epsilon: f32) -> Result<Value> {
        check_epsilon(epsilon)?;
        let shape = self.known(x)?;
        let [gamma, beta] = self.gain_and_bias(shape.cols)?;
        let op = Op::LayerNorm {
            x,
            gamma,
            beta,
            epsilon,
        };
        Ok(self.push(op, shape))
    }

    fn gain_and_bias(&mut self, cols: usize) -> Result<[Value; 2]> {
        let layer = self.layers;
        self.layers += 1;
        Ok([
            self.vector(&format!("layers.{layer}.weight"), cols, Init::Constant(1.0))?,
            self.vector(&format!("layers.{layer}.bias"), cols, Init::Zeros)?,
        ])
    }

    /// Parametric ReLU (He et al. 2015): max(x, 0) + a·min(x, 0) with a learned slope a, `layers.i.weight`, from ¼: one
    /// for each column, or one for all (PyTorch's `PReLU`, whose default is one).
    ///
    /// It takes one dispatch forward and three backward, five with one slope for all.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument), as in every operation, if the value is of another graph.
    pub fn prelu(&mut self, x: Value, one_for_all: bool) -> Result<Value> {
        let shape = self.known(x)?;
        let name = format!("layers.{}.weight", self.layers);
        let slopes = if one_for_all { 1 } else { shape.cols };
        let slope = self.vector(&name, slopes, Init::Constant(0.25))?;
        self.layers += 1;
        Ok(self.push(Op::Prelu { x, slope }, shape))
    }

    /// Gated linear unit (Dauphin et al. 2017): x's first half of columns ⊙ σ(x's second half) (PyTorch's `GLU`).
    ///
    /// It takes four dispatches forward and six backward.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the number of columns is odd.
    pub fn glu(&mut self, x: Value) -> Result<Value> {
        self.gated(x, Activation::Sigmoid)
    }

    /// The same with SiLU in the place of σ (Shazeer 2020): x's first half of columns ⊙ silu(x's second half).
    ///
    /// # Errors
    /// As [`Graph::glu`].
    pub fn swiglu(&mut self, x: Value) -> Result<Value> {
        self.gated(x, Activation::Silu)
    }

    fn gated(&mut self, x: Value, gate: Activation) -> Result<Value> {
        let shape = self.known(x)?;
        if shape.cols % 2 != 0 {
            return Err(Error::shape(
                "a gated unit",
                "an even number of columns",
                shape,
            ));
        }
        let half = shape.cols / 2;
        let a = self.columns(x, 0..half)?;
        let b = self.columns(x, half..shape.cols)?;
        let gate = self.activation(b, gate)?;
        self.hadamard(a, gate)
    }

    /// Some of the columns of x.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the range is empty or reaches past the last column.
    pub fn columns(&mut self, x: Value, range: Range<usize>) -> Result<Value> {
        let shape = self.known(x)?;
        if range.is_empty() || range.end > shape.cols {
            return Err(Error::shape(
                "columns",
                format!("a range within 0..{}", shape.cols),
                format!("{range:?}"),
            ));
        }
        let cols = range.len();
        let start = range.start;
        Ok(self.push(Op::Columns { x, start }, Shape { cols, ..shape }))
    }

    /// The columns of a, then those of b.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if they have not equally many rows.
    pub fn concatenate(&mut self, a: Value, b: Value) -> Result<Value> {
        let (sa, sb) = (self.known(a)?, self.known(b)?);
        if sa.rows != sb.rows {
            return Err(Error::shape("concatenate", sa, sb));
        }
        let shape = Shape {
            cols: sa.cols + sb.cols,
            ..sa
        };
        Ok(self.push(Op::Concatenate { a, b }, shape))
    }
}

fn check_epsilon(epsilon: f32) -> Result<()> {
    if epsilon > 0.0 && epsilon.is_finite() {
        Ok(())
    } else {
        Err(Error::argument(
            "the ε of a normalisation",
            "above 0 and finite",
            epsilon,
        ))
    }
}
