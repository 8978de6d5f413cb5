//! The Jacobian of a network: the derivative of every output with respect to every input.

use super::inputs::Samples;
use super::predict::Prediction;
use super::{Inputs, Network, Purpose};
use crate::data::Targets;
use crate::graph::{Graph, Op, Supervision, Value};
use crate::kernel::MatrixShape;
use crate::kernel::base::binding::Scalar;
use crate::plan::{BufferSpec, Plan, PlanSpec, Role, Task, lower};
use crate::{Error, Result};
use std::borrow::Cow;

impl Network {
    /// Computes the Jacobian of the output with respect to the inputs for each sample: J\[i, j\] = ∂yᵢ/∂xⱼ, in row-major
    /// order as [samples, outputs, inputs] (PyTorch: `torch.func.vmap(torch.func.jacrev(f))`).
    ///
    /// `outputs` and `inputs` count all elements of a sample, as [`output_features`](Network::output_features) and
    /// [`input_features`](Network::input_features) do. If the network has several inputs, a row has the elements of all
    /// of them, in the order of [`input_names`](Network::input_names). The network computes as in prediction: dropout is
    /// the identity, and batch normalisation uses the running statistics. Where a function has a kink, the derivative is
    /// that of training, such as 0 for ReLU at 0.
    ///
    /// It takes one backward pass with a row for each sample and output, [`set_prediction_rows`
    /// ](Network::set_prediction_rows) of them at a time.
    ///
    /// ```
    /// use wgrad::{Device, Sequential};
    /// # fn main() -> wgrad::Result<()> {
    /// // y = W·x + b: the Jacobian is W.
    /// let network = Sequential::new(3).dense(2).build(&Device::cpu(), 1)?;
    /// let jacobian = network.jacobian(&[0.5, -1.0, 2.0])?;
    /// assert_eq!(jacobian, network.parameter("layers.0.weight")?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`predict`](Network::predict_async); [`Argument`](Error::Argument) if the output of a sample depends on
    /// other samples, or the network draws random numbers; [`OutOfMemory`](Error::OutOfMemory) if the operating system
    /// has no memory for the result.
    pub async fn jacobian_async<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<f32>> {
        let samples = self.samples("jacobian", x)?;
        self.check_function()?;
        let outputs = self.graph.shape(self.output).elements();
        let inputs = self.graph.inputs.iter();
        let inputs: usize = inputs.map(|input| input.sample.elements()).sum();
        let rows = samples.rows.saturating_mul(outputs);
        // A backward pass takes about twice the operations of a forward pass.
        let submit = (self.max_rows_per_submit() / 3).max(1);
        let most = self.prediction_rows.min(submit);
        Network::check_batch_of(&self.input_gradient()?.0, most.min(rows).max(2))?;
        // It may be far larger than the samples, and than memory.
        let (mut jacobian, total) = (Vec::new(), rows.saturating_mul(inputs));
        jacobian
            .try_reserve_exact(total)
            .map_err(|error| Error::OutOfMemory {
                what: format!("a Jacobian of {rows} × {inputs} numbers"),
                needed: (total as u64).saturating_mul(4),
                available: 0,
                message: format!("the operating system: {error}"),
            })?;
        for first in (0..rows).step_by(most) {
            let count = most.min(rows - first);
            // A single row is summed in another order than several: it is computed as one of two.
            let batch = count.max(2);
            let pairs = || (first..first + count).map(|row| (row / outputs, row % outputs));
            let mut arrays: Vec<Vec<f32>> = Vec::new();
            for array in &samples.arrays {
                let width = array.len() / samples.rows;
                let copies =
                    pairs().flat_map(|(sample, _)| array[sample * width..][..width].iter());
                arrays.push(copies.copied().collect());
            }
            let mut seeds = vec![0.0; count * outputs];
            for (row, (_, output)) in pairs().enumerate() {
                seeds[row * outputs + output] = 1.0;
            }
            arrays.push(seeds);
            let chunk = Samples {
                arrays: arrays.into_iter().map(Cow::Owned).collect(),
                rows: count,
            };
            let mut buffers = self.batch_buffers(batch, Targets::default());
            buffers.push(BufferSpec {
                role: Role::Input(self.graph.inputs.len()),
                scalar: Scalar::Float,
                len: MatrixShape::new(batch, outputs).floats(),
            });
            let prediction = Prediction {
                purpose: Purpose::Jacobian,
                buffers,
                words: MatrixShape::new(batch, inputs).floats(),
            };
            let loan = self.start_prediction(prediction, &chunk, batch, 0)?;
            let shape = MatrixShape::new(count, inputs);
            let unpadded = |words: &[u32]| {
                shape.unpad(&bytemuck::cast_slice::<u32, f32>(words)[..shape.floats()])
            };
            jacobian.extend(loan.finish(unpadded).await?);
        }
        Ok(jacobian)
    }

    /// Blocking form of [`Network::jacobian_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn jacobian<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<f32>> {
        pollster::block_on(self.jacobian_async(x))
    }

    /// Refuses a network whose output is not a function of its own sample.
    fn check_function(&self) -> Result<()> {
        let needed = self.graph.ancestors([self.output].into_iter());
        let nodes = self.graph.nodes.iter().zip(needed);
        let random = nodes
            .filter(|(_, needed)| *needed)
            .any(|(node, _)| matches!(node.op, Op::Random(_)));
        let found = if self.predicts_whole {
            "the output of a sample depends on other samples"
        } else if random {
            "the network draws random numbers"
        } else {
            return Ok(());
        };
        let expected = "an output that is a function of its own sample";
        Err(Error::argument(
            "the network of a Jacobian",
            expected,
            found,
        ))
    }

    /// The graph that computes a gradient of the inputs, and that gradient.
    fn input_gradient(&self) -> Result<(Graph, Value)> {
        self.graph.with_input_gradient(self.output)
    }

    /// The plan of a Jacobian.
    pub(super) fn lower_jacobian(&self, batch: usize) -> Plan {
        let (graph, gradient) = self
            .input_gradient()
            .unwrap_or_else(|error| unreachable!("the caller has it too: {error}"));
        lower(&PlanSpec {
            graph: &graph,
            output: gradient,
            ..self.plan_spec(batch, Task::Predict, Supervision::default())
        })
    }
}
