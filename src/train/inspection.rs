//! Reports of an inspected step.

use crate::kernel::TensorStatistics;
use std::fmt;

/// Report of an inspected training step, tensor by tensor, from
/// [`Trainer::inspect_step`](crate::Trainer::inspect_step). Its [`Display`](fmt::Display) form is a table.
///
/// The statistics are computed on the device; only a few numbers per tensor are read back.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// Statistics of the activations' outputs, in the order of the graph.
    pub activations: Vec<ActivationInspection>,
    /// Statistics of each parameter that the step trained.
    pub parameters: Vec<ParameterInspection>,
}

/// Statistics of one activation over a batch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ActivationInspection {
    /// Index of the activation, from 0, and its name, such as `0 relu`.
    pub name: String,
    /// Statistics of its output.
    pub values: TensorStatistics,
}

/// Statistics of one parameter in a step.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParameterInspection {
    /// Name of the parameter.
    pub name: String,
    /// Gradient of the loss, before clipping and penalties.
    pub gradient: TensorStatistics,
    /// Difference that the step added to the weights.
    pub update: TensorStatistics,
    /// Weights after the step.
    pub weight: TensorStatistics,
}

impl Inspection {
    fn norm(&self, of: impl Fn(&ParameterInspection) -> &TensorStatistics) -> f64 {
        let squares = self.parameters.iter().map(|p| of(p).norm.powi(2));
        squares.sum::<f64>().sqrt()
    }

    /// Global Euclidean norm of the gradients.
    pub fn gradient_norm(&self) -> f64 {
        self.norm(|p| &p.gradient)
    }

    /// Global Euclidean norm of the update.
    pub fn update_norm(&self) -> f64 {
        self.norm(|p| &p.update)
    }

    /// Global Euclidean norm of the trained weights after the step.
    pub fn weight_norm(&self) -> f64 {
        self.norm(|p| &p.weight)
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = ["mean", "std", "max |x|", "zeros"];
        writeln!(
            f,
            "{:<28} {:>11} {:>11} {:>11} {:>11}",
            "activation", columns[0], columns[1], columns[2], columns[3]
        )?;
        for ActivationInspection { name, values } in &self.activations {
            writeln!(
                f,
                "{name:<28} {:>11.3e} {:>11.3e} {:>11.3e} {:>10.1} %",
                values.mean,
                values.std(),
                values.max_abs,
                100.0 * values.zeros as f64 / values.count as f64
            )?;
        }
        writeln!(
            f,
            "{:<28} {:>11} {:>11} {:>11}",
            "parameter, norms", "gradient", "update", "weight"
        )?;
        for parameter in &self.parameters {
            let norms = [parameter.gradient, parameter.update, parameter.weight].map(|s| s.norm);
            let [gradient, update, weight] = norms;
            writeln!(
                f,
                "{:<28} {gradient:>11.3e} {update:>11.3e} {weight:>11.3e}",
                parameter.name
            )?;
        }
        Ok(())
    }
}
