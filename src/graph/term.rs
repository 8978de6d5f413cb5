//! Loss terms: the objective that training minimises.

use super::{Graph, Shape, Value, op};
use crate::kernel::Loss;
use crate::{Error, Result};

/// The target that a loss compares its input with.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LossTarget {
    /// The labels or target values of the batch, for each row of the loss's input: one per sample, step of a sequence,
    /// or pixel of an image. Criteria of classes (softmax cross-entropy, negative log-likelihood, cross-entropy,
    /// multi-class margin) take the labels, or the target values where there are no labels; the others take the target
    /// values, or the labels as one-hot rows where there are none.
    Batch,
    /// A value of the graph with the input's shape, for example the graph's input for an autoencoder. It counts as a
    /// constant: no gradient flows into it.
    Value(Value),
    /// The same number for all elements.
    Constant(f32),
}

/// One term of the loss.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) name: String,
    pub(crate) loss: Loss,
    pub(crate) inputs: Vec<Value>,
    pub(crate) target: LossTarget,
}

/// The labels and target values that come with the samples of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Supervision {
    pub(crate) labels: bool,
    pub(crate) targets: bool,
}

impl Term {
    /// The term of a network without other terms: the trainer's loss on the output.
    pub(crate) fn of_output(output: Value, loss: Loss) -> Self {
        Term {
            name: "loss".to_string(),
            loss,
            inputs: vec![output],
            target: LossTarget::Batch,
        }
    }

    /// The values that the term reads.
    pub(crate) fn values(&self) -> impl Iterator<Item = Value> {
        let target = match self.target {
            LossTarget::Value(value) => Some(value),
            LossTarget::Batch | LossTarget::Constant(_) => None,
        };
        self.inputs.iter().copied().chain(target)
    }

    /// The description in checkpoints, with values by number.
    pub(crate) fn describe(&self) -> String {
        let inputs: Vec<usize> = self.inputs.iter().map(|input| input.0).collect();
        let target = match self.target {
            LossTarget::Batch => "batch".to_string(),
            LossTarget::Value(value) => format!("value {}", value.0),
            LossTarget::Constant(constant) => format!("{constant:?}"),
        };
        format!(
            "{} {:?} of {inputs:?} against {target}",
            self.name, self.loss
        )
    }

    /// Whether the term uses the labels of a batch with this supervision.
    pub(crate) fn takes_labels(&self, given: Supervision) -> bool {
        let classes = self.loss.criterion.weighs_columns();
        self.of_batch() && given.labels && (classes || !given.targets)
    }

    /// Whether the term needs labels, which target values cannot replace.
    pub(crate) fn needs_labels(&self) -> bool {
        self.loss.criterion.takes_labels_only()
    }

    /// Whether the target comes with the batch.
    pub(crate) fn of_batch(&self) -> bool {
        self.loss.criterion.has_target() && self.target == LossTarget::Batch
    }
}

impl Graph {
    /// Adds a term to the loss that training minimises: the sum of all terms, each scaled by its [`Loss::scaled`].
    /// Terms may apply to any value: to the output, to inner layers (auxiliary losses), to several branches. A graph
    /// without terms has the trainer's loss on its output.
    ///
    /// Most criteria take one input; [`Criterion`](crate::Criterion) states which take two or three, of equal shape.
    ///
    /// ```
    /// use wgrad::{Activation, Graph, Init, Loss, LossTarget};
    /// # fn main() -> wgrad::Result<()> {
    /// // An autoencoder: the target is the input.
    /// let mut graph = Graph::new();
    /// let x = graph.input(8)?;
    /// let code = graph.dense(x, 3, Init::default())?;
    /// let code = graph.activation(code, Activation::Tanh)?;
    /// let y = graph.dense(code, 8, Init::default())?;
    /// graph.loss("reconstruction", &[y], LossTarget::Value(x), Loss::mean_squared_error())?;
    /// # let _ = graph.build(y, &wgrad::Device::cpu(), 1)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the name is taken, the number of inputs is not the criterion's, or a setting of
    /// the loss is out of range; [`Shape`](Error::Shape) if the inputs or the target have other shapes, or no batch.
    pub fn loss(
        &mut self,
        name: &str,
        inputs: &[Value],
        target: LossTarget,
        loss: impl Into<Loss>,
    ) -> Result<()> {
        if self.terms.iter().any(|term| term.name == name) {
            return Err(Error::argument(
                "the name of a loss",
                "unique in its graph",
                name,
            ));
        }
        let term = Term {
            name: name.to_string(),
            loss: loss.into(),
            inputs: inputs.to_vec(),
            target,
        };
        self.check_term(&term)?;
        self.terms.push(term);
        Ok(())
    }

    /// Refuses a term that does not fit the graph.
    pub(crate) fn check_term(&self, term: &Term) -> Result<()> {
        let criterion = term.loss.criterion;
        if term.inputs.len() != criterion.inputs() {
            return Err(Error::argument(
                "the inputs of a loss",
                format!("{} for {}", criterion.inputs(), criterion.name()),
                term.inputs.len(),
            ));
        }
        let shape = self.known(term.inputs[0])?;
        if !shape.is_batch() {
            return Err(Error::shape("loss", "a batch of samples", shape));
        }
        for &input in &term.inputs {
            self.expect("loss", input, &shape)?;
        }
        term.loss.check(shape.cols())?;
        if term.loss.ignore_index.is_some() && term.target != LossTarget::Batch {
            return Err(Error::argument(
                "an ignored label",
                format!("for the loss {} on the labels of the batch", term.name),
                "another target",
            ));
        }
        match term.target {
            LossTarget::Value(value) => {
                let cols = criterion.target_cols(shape.cols());
                if criterion.takes_labels_only() {
                    return Err(Error::argument(
                        "the target of a multi-class margin",
                        "the labels of the batch",
                        "a value",
                    ));
                }
                self.expect("loss", value, &shape.with_cols(cols))
            }
            LossTarget::Constant(value) if !value.is_finite() => {
                Err(Error::argument("the target of a loss", "finite", value))
            }
            LossTarget::Constant(value) if criterion.takes_labels_only() => Err(Error::argument(
                "the target of a multi-class margin",
                "the labels of the batch",
                value,
            )),
            LossTarget::Constant(_) | LossTarget::Batch => Ok(()),
        }
    }

    /// Appends the losses of the terms. The value of a loss is the gradient of its first input.
    pub(crate) fn push_losses(
        &mut self,
        terms: &[(usize, &Term)],
        supervision: Supervision,
    ) -> Vec<Value> {
        let mut losses = Vec::new();
        for (number, term) in terms {
            let target = match term.target {
                LossTarget::Value(value) => term.loss.criterion.has_target().then_some(value),
                LossTarget::Batch => self.target_rows(term, supervision),
                LossTarget::Constant(_) => None,
            };
            losses.push(self.push(op::Loss {
                term: *number,
                inputs: term.inputs.clone(),
                target,
            }));
        }
        losses
    }

    /// The batch's target values in the rows of a term's input, if a sample has several rows: target values have one
    /// row per sample.
    fn target_rows(&mut self, term: &Term, supervision: Supervision) -> Option<Value> {
        let shape = self.shape(term.inputs[0]).clone();
        let values = term.of_batch() && supervision.targets && !term.takes_labels(supervision);
        if !values || shape.rows_per_sample() == 1 {
            return None;
        }
        let rows = shape.with_cols(term.loss.criterion.target_cols(shape.cols()));
        let flat = self.targets.unwrap_or_else(|| {
            let shape = Shape::batch(rows.elements());
            self.push(op::Targets { shape })
        });
        Some(self.push(op::Reshape::new(self, flat, rows)))
    }
}
