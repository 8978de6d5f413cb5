//! Random numbers, drawn anew in every step.

use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::kernel::random::Draw;
use crate::{Error, Result};

/// Random numbers; if there is a p, 1 with probability p, else 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Random {
    pub(crate) draw: Draw,
    pub(crate) p: Option<Value>,
    /// Index among the graph's operations with random numbers.
    pub(crate) number: u32,
    pub(crate) shape: Shape,
}

impl Operation for Random {
    operands!(p);

    fn name(&self) -> String {
        // Checkpoints store this text, with the field's name of their first version.
        format!("{:?}", self.draw).replace("std: ", "deviation: ")
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        if let Some(p) = self.p {
            graph.expect("bernoulli", p, &self.shape)?;
        }
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }

    fn constant_operands(&self) -> Option<&'static str> {
        Some("probabilities of Bernoulli draws")
    }
}

impl Differentiable for Random {
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}

impl Graph {
    /// Random numbers, drawn anew in every step, of this shape for each sample ([batch, cols] for a number of columns):
    /// uniform from `low` to below `high`. They are a function of the trainer's seed, the step and the element. In
    /// prediction the seed is 0, and every call gives the same numbers.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the shape has no column, or the bounds are not finite or not ascending.
    pub fn random_uniform(
        &mut self,
        sample: impl Into<Shape>,
        low: f32,
        high: f32,
    ) -> Result<Value> {
        if !(low < high && (high - low).is_finite()) {
            let found = format!("{low} and {high}");
            return Err(Error::argument(
                "the bounds of random numbers",
                "ascending, with a finite difference",
                found,
            ));
        }
        self.random(sample.into(), Draw::Uniform { low, high })
    }

    /// [`Graph::random_uniform`] with a normal distribution of this mean and standard deviation.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the shape has no column, the mean or the standard deviation is not finite, or
    /// the standard deviation is negative.
    pub fn random_normal(
        &mut self,
        sample: impl Into<Shape>,
        mean: f32,
        std: f32,
    ) -> Result<Value> {
        if !(mean.is_finite() && std.is_finite() && std >= 0.0) {
            let found = format!("{mean} and {std}");
            return Err(Error::argument(
                "mean and standard deviation of random numbers",
                "finite, the standard deviation at least 0",
                found,
            ));
        }
        self.random(sample.into(), Draw::Normal { mean, std })
    }

    fn random(&mut self, sample: Shape, draw: Draw) -> Result<Value> {
        sample.check("random numbers of shape")?;
        if sample.elements() == 0 {
            return Err(Error::argument(
                "the columns of random numbers",
                "at least 1",
                0,
            ));
        }
        let number = self.next_random();
        self.add_operation(Random {
            draw,
            p: None,
            number,
            shape: Shape::batch_of(sample),
        })
    }

    /// 1 with probability p, else 0, for each element of p: a sample of the stochastic units of a Boltzmann machine. No
    /// gradient flows through the draw.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn bernoulli(&mut self, p: Value) -> Result<Value> {
        let shape = self.known(p)?;
        let number = self.next_random();
        self.add_operation(Random {
            draw: Draw::Bernoulli,
            p: Some(p),
            number,
            shape,
        })
    }

    /// Index of the next operation with random numbers.
    pub(super) fn next_random(&mut self) -> u32 {
        self.randoms += 1;
        self.randoms - 1
    }
}
