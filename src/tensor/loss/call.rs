//! The kernels of one loss call, and what they return.

use super::target::{LossOutput, TensorTarget, check_target};
use crate::device::{Memory, Operand};
use crate::kernel::base::guard;
use crate::kernel::base::row_reduce;
use crate::kernel::base::state::state_at;
use crate::kernel::loss::{Against, ENTRY, Output, Totals, row_weights};
use crate::kernel::{Loss, MatrixShape, RowLoss, RowWeights};
use crate::tensor::{Tensor, calls, same_device};
use crate::{Error, Result};

/// A loss call with checked arguments.
pub(super) struct Call<'a> {
    loss: &'a Loss,
    inputs: Vec<&'a Tensor>,
    target: TensorTarget<'a>,
    against: Against,
}

impl<'a> Call<'a> {
    pub(super) async fn new(
        operation: &'static str,
        loss: &'a Loss,
        first: &'a Tensor,
        others: &[&'a Tensor],
        target: TensorTarget<'a>,
    ) -> Result<Self> {
        let mut inputs = vec![first];
        inputs.extend(others);
        let (shape, criterion) = (first.shape, loss.criterion);
        loss.check(shape.cols)?;
        if inputs.len() != criterion.inputs() {
            let wanted = format!("{} inputs for {}", criterion.inputs(), criterion.name());
            return Err(Error::shape(operation, wanted, inputs.len()));
        }
        if shape.rows == 0 || shape.cols == 0 {
            return Err(Error::shape(
                operation,
                "at least one row and column",
                shape,
            ));
        }
        for input in others {
            calls::expect(operation, "input", input.shape, shape)?;
        }
        same_device(operation, &first.device, others)?;
        let against = check_target(operation, loss, first, target).await?;
        Ok(Call {
            loss,
            inputs,
            target,
            against,
        })
    }

    pub(super) async fn reduce(&self) -> Result<LossOutput> {
        let (device, shape) = (&self.inputs[0].device, self.inputs[0].shape);
        let mut gradients = Vec::new();
        for input in &self.inputs {
            gradients.push(Tensor::room(device, shape)?.with_rows_of(input));
        }
        let mut outputs: Vec<&mut Memory> = gradients.iter_mut().map(|g| &mut g.memory).collect();
        let totals = self.run(Output::Gradients, &mut outputs).await?;
        let loss = self.loss.value(&totals, shape.cols) as f32;
        // The rows' losses are finite, but their sum or a multiple of it may not be.
        if !loss.is_finite() {
            return Err(self.non_finite().await?);
        }
        Ok(LossOutput {
            loss,
            correct: totals.correct,
            counted: totals.counted,
            gradients,
        })
    }

    pub(super) async fn run(&self, output: Output, outputs: &mut [&mut Memory]) -> Result<Totals> {
        let (device, shape) = (&self.inputs[0].device, self.inputs[0].shape);
        let (loss, against) = (self.loss, self.against);
        let parts = row_reduce::sums(shape);
        let stride = parts + row_weights::entries(shape);
        let mut ring = device.floats("loss", vec![0.0; ENTRY * stride])?;
        let mut state = device.words("state", state_at(0).to_vec())?;
        let weights = if loss.class_weights.is_empty() {
            None
        } else {
            let padded = MatrixShape::new(1, loss.class_weights.len()).pad(&loss.class_weights);
            Some(device.floats("class weights", padded)?)
        };
        let call = RowLoss {
            criterion: loss.criterion,
            shape,
            against,
            class_weights: weights.is_some(),
            counts_values: true,
            ignore: loss.ignore_index,
            factor: loss.gradient_factor(shape, against),
            divide: loss.divides(against),
            scaled: None,
            output,
            clock: true,
            ordinary: false,
            ring_steps: 1,
            ring_stride: stride,
            ring_offset: 0,
            ring_sums: parts,
        };
        if let (Some(sums), TensorTarget::Labels(labels)) = (RowWeights::before(&call), self.target)
        {
            let mut operands = vec![Operand::Read(&labels.memory)];
            operands.extend(
                weights
                    .iter()
                    .filter(|_| call.weighs_rows())
                    .map(Operand::Read),
            );
            operands.extend([Operand::Write(&mut ring), Operand::Read(&state)]);
            device.run(sums, &mut operands)?;
        }
        let mut operands: Vec<Operand<'_>> = Vec::new();
        operands.extend(self.inputs.iter().map(|input| Operand::Read(&input.memory)));
        match self.target {
            TensorTarget::Labels(labels) => operands.push(Operand::Read(&labels.memory)),
            TensorTarget::Values(values) => operands.push(Operand::Read(&values.memory)),
            TensorTarget::Constant(_) | TensorTarget::None => {}
        }
        operands.extend(weights.iter().map(Operand::Read));
        operands.extend(outputs.iter_mut().map(|output| Operand::Write(output)));
        operands.extend([Operand::Write(&mut ring), Operand::Write(&mut state)]);
        device.run(call, &mut operands)?;
        let sums = ring.download(device).await?;
        if guard::is_set(&state.download(device).await?) {
            return Err(self.non_finite().await?);
        }
        Ok(Totals::of(
            &bytemuck::cast_slice::<u32, f32>(&sums)[..ENTRY * parts],
        ))
    }

    /// The error for a set guard. A non-finite target may be the cause.
    async fn non_finite(&self) -> Result<Error> {
        if let TensorTarget::Values(values) = self.target {
            let found = values.download_async().await?;
            if let Some(place) = found.iter().position(|value| !value.is_finite()) {
                return Ok(Error::NonFiniteData {
                    row: place / values.shape.cols,
                    column: place % values.shape.cols,
                    value: found[place],
                });
            }
        }
        Ok(Error::NonFinite {
            step: Error::OUTSIDE_TRAINING,
            tensor: "the loss".into(),
        })
    }
}
