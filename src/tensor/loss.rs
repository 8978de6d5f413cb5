//! Losses of a batch and their gradients.

use super::{Indices, Tensor};
use crate::device::{Memory, Operand};
use crate::kernel::base::guard;
use crate::kernel::base::row_reduce;
use crate::kernel::base::state::state_at;
use crate::kernel::loss::{Against, ENTRY, Output, Totals, row_weights};
use crate::kernel::{Loss, MatrixShape, RowLoss, RowWeights};
use crate::{Error, Result};

/// Target of a loss.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TensorTarget<'a> {
    /// One label per row.
    Labels(&'a Indices),
    /// A matrix of the inputs' shape; [rows, 1] for [`Criterion::CosineEmbedding`](crate::Criterion::CosineEmbedding).
    Values(&'a Tensor),
    /// One value for all elements.
    Constant(f32),
    /// No target, for the criteria [`Criterion::TripletMargin`](crate::Criterion::TripletMargin) and
    /// [`Criterion::Value`](crate::Criterion::Value).
    None,
}

impl<'a> From<&'a Indices> for TensorTarget<'a> {
    fn from(labels: &'a Indices) -> Self {
        TensorTarget::Labels(labels)
    }
}

impl<'a> From<&'a Tensor> for TensorTarget<'a> {
    fn from(values: &'a Tensor) -> Self {
        TensorTarget::Values(values)
    }
}

impl From<f32> for TensorTarget<'_> {
    fn from(value: f32) -> Self {
        TensorTarget::Constant(value)
    }
}

/// Result of [`Tensor::loss`].
#[derive(Debug)]
#[non_exhaustive]
pub struct LossOutput {
    /// Reduced loss, including its factor.
    pub loss: f32,
    /// Number of rows whose prediction equals their label. The prediction is the index of the first maximum. For a
    /// single column it is 1 if the value is above the threshold, else 0; the threshold is 0 for logits and targets ±1,
    /// and ½ for targets 0 and 1. With target values, the label is the index of the first maximal target, or for a
    /// single column 1 if the target is above the midpoint (0 for targets ±1, else ½).
    pub correct: usize,
    /// Number of rows that count for the accuracy: rows with a label that is not ignored, or with target values of a
    /// classification criterion (the cross-entropies, negative log-likelihood, KL divergence, hinge, perceptron). 0 for
    /// other criteria.
    pub counted: usize,
    /// Gradients of [`loss`](LossOutput::loss), one per input.
    pub gradients: Vec<Tensor>,
}

impl Tensor {
    /// Computes a loss and its gradients. `self` is the first input; `others` are the second and third input of
    /// criteria with several inputs. Waits for the result.
    ///
    /// ```
    /// use wgrad::{Criterion, Device, Loss, Reduction, Tensor, Indices};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let x = Tensor::new(&device, [2, 2], &[1.0, 0.0, 3.0, 4.0])?;
    /// let t = Tensor::new(&device, [2, 2], &[1.0, 2.0, 3.0, 3.0])?;
    /// let squared = x.loss(&Loss::half_squared_error(), &[], &t)?; // ½Σ(x − t)²
    /// assert_eq!(squared.loss, 2.5);
    /// assert_eq!(squared.gradients[0].download()?, [0.0, -2.0, 0.0, 1.0]);
    ///
    /// let labels = Indices::new(&device, &[0, 1])?;
    /// let hinge = Loss::from(Criterion::Hinge { margin: 1.0 }).reduction(Reduction::Sum);
    /// let hinge = x.loss(&hinge, &[], &labels)?; // against 1, −1 and −1, 1
    /// assert_eq!((hinge.loss, hinge.correct), (5.0, 2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a setting of the loss is outside its range, or if the criterion does not take
    /// this kind of target; [`Shape`](Error::Shape) if the number of inputs is not the criterion's, their shapes differ
    /// or are empty, or the target does not fit them; [`Label`](Error::Label) if a label is neither below the number of
    /// classes nor the ignored index; [`NonFiniteData`](Error::NonFiniteData) if a target is not finite;
    /// [`NonFinite`](Error::NonFinite) if an input or a row's loss is not finite.
    pub async fn loss_async(
        &self,
        loss: &Loss,
        others: &[&Tensor],
        target: impl Into<TensorTarget<'_>>,
    ) -> Result<LossOutput> {
        let call = Call::new("loss", loss, self, others, target.into()).await?;
        call.reduce().await
    }

    /// Computes the loss of every row, [1, rows], with class weights but without reduction and factor (PyTorch's
    /// reduction `none`, summed over the columns). It is 0 if the label is ignored. Waits for the result.
    ///
    /// # Errors
    /// Those of [`Tensor::loss_async`].
    pub async fn row_losses_async(
        &self,
        loss: &Loss,
        others: &[&Tensor],
        target: impl Into<TensorTarget<'_>>,
    ) -> Result<Tensor> {
        let call = Call::new("row_losses", loss, self, others, target.into()).await?;
        let mut losses = Tensor::room(&self.device, MatrixShape::new(1, self.shape.rows))?;
        call.run(Output::Rows, &mut [&mut losses.memory]).await?;
        Ok(losses)
    }

    /// The mean softmax cross-entropy of logits (`self`, [batch, classes]) with one label per row:
    /// [`Tensor::loss_async`] of [`Loss::softmax_cross_entropy`].
    ///
    /// # Errors
    /// Those of [`Tensor::loss_async`].
    pub async fn cross_entropy_async(&self, labels: &Indices) -> Result<LossOutput> {
        let loss = Loss::softmax_cross_entropy();
        let call = Call::new("cross_entropy", &loss, self, &[], labels.into()).await?;
        call.reduce().await
    }

    /// Blocking form of [`Tensor::loss_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn loss<'a>(
        &self,
        loss: &Loss,
        others: &[&Tensor],
        target: impl Into<TensorTarget<'a>>,
    ) -> Result<LossOutput> {
        pollster::block_on(self.loss_async(loss, others, target.into()))
    }

    /// Blocking form of [`Tensor::row_losses_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn row_losses<'a>(
        &self,
        loss: &Loss,
        others: &[&Tensor],
        target: impl Into<TensorTarget<'a>>,
    ) -> Result<Tensor> {
        pollster::block_on(self.row_losses_async(loss, others, target.into()))
    }

    /// Blocking form of [`Tensor::cross_entropy_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn cross_entropy(&self, labels: &Indices) -> Result<LossOutput> {
        pollster::block_on(self.cross_entropy_async(labels))
    }
}

/// A loss call with checked arguments.
struct Call<'a> {
    loss: &'a Loss,
    inputs: Vec<&'a Tensor>,
    target: TensorTarget<'a>,
    against: Against,
}

impl<'a> Call<'a> {
    async fn new(
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
            super::calls::expect(operation, "input", input.shape, shape)?;
        }
        super::same_device(operation, &first.device, others)?;
        let against = check_target(operation, loss, first, target).await?;
        Ok(Call {
            loss,
            inputs,
            target,
            against,
        })
    }

    async fn reduce(&self) -> Result<LossOutput> {
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

    async fn run(&self, output: Output, outputs: &mut [&mut Memory]) -> Result<Totals> {
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

/// Refuses a target that the loss does not take, or that does not fit the input.
async fn check_target(
    operation: &'static str,
    loss: &Loss,
    input: &Tensor,
    target: TensorTarget<'_>,
) -> Result<Against> {
    let (criterion, shape) = (loss.criterion, input.shape);
    let wrong = |expected: &str, found: &str| {
        let expected = format!("{expected} for {}", criterion.name());
        Err(Error::argument("the target", expected, found))
    };
    let found = match target {
        TensorTarget::Labels(_) => "labels",
        TensorTarget::Values(_) => "values",
        TensorTarget::Constant(_) => "a constant",
        TensorTarget::None => "none",
    };
    if criterion.has_target() == matches!(target, TensorTarget::None) {
        let expected = if criterion.has_target() {
            "one"
        } else {
            "none"
        };
        return wrong(expected, found);
    }
    let labelled = matches!(target, TensorTarget::Labels(_));
    if !labelled && criterion.takes_labels_only() {
        return wrong("labels", found);
    }
    if !labelled && loss.ignore_index.is_some() {
        return wrong("labels, as one is ignored,", found);
    }
    match target {
        TensorTarget::None => Ok(Against::Nothing),
        TensorTarget::Constant(value) if value.is_finite() => Ok(Against::Constant(value)),
        TensorTarget::Constant(value) => Err(Error::argument("a constant target", "finite", value)),
        TensorTarget::Values(values) => {
            let wanted = MatrixShape::new(shape.rows, criterion.target_cols(shape.cols));
            super::calls::expect(operation, "target", values.shape, wanted)?;
            super::same_device(operation, &input.device, &[values])?;
            Ok(Against::Values)
        }
        TensorTarget::Labels(labels) => {
            if labels.len != shape.rows {
                let wanted = format!("one label for each of {} rows", shape.rows);
                return Err(Error::shape(operation, wanted, labels.len));
            }
            check_labels(loss, labels, criterion.classes(shape.cols)).await?;
            if !labels.device.is_same(&input.device) {
                return Err(Error::DeviceMismatch { operation });
            }
            Ok(Against::Labels)
        }
    }
}

/// Refuses a label that is neither below the number of classes nor the ignored index.
async fn check_labels(loss: &Loss, labels: &Indices, classes: usize) -> Result<()> {
    let is_bad = |label: u32| label as usize >= classes && Some(label) != loss.ignore_index;
    // The maximum label is known, so in most cases no label needs to be read back.
    if (labels.max as usize) < classes {
        return Ok(());
    }
    let words = labels.memory.download(&labels.device).await?;
    match words[..labels.len].iter().position(|&word| is_bad(word)) {
        None => Ok(()),
        Some(row) => Err(Error::Label {
            row,
            label: words[row],
            classes,
        }),
    }
}
