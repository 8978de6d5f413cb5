//! Batches: checks against the network and its losses, and uploads to the device.

use super::Network;
use super::inputs::{Inputs, Samples};
use crate::data::{Targets, check_finite, check_labels};
use crate::graph::op::Attention;
use crate::graph::{Graph, GraphInput, Op, Shape, Supervision, Term};
use crate::kernel::attention::dropout::{MAX_FOURS, fours};
use crate::kernel::base::binding::Scalar;
use crate::kernel::{Criterion, MatrixShape};
use crate::plan::{BufferSpec, Clock, Role};
use crate::{Error, Result};

/// Samples in the layout of each input buffer, with zeros in the rows after them.
pub(super) fn padded_inputs(
    x: &Samples<'_>,
    batch: usize,
) -> impl Iterator<Item = (Role, Vec<f32>)> {
    let inputs = x.arrays.iter().enumerate();
    inputs.map(move |(number, array)| {
        let shape = MatrixShape::new(x.rows, array.len() / x.rows);
        let mut padded = shape.pad(array);
        padded.resize(batch * shape.ld(), 0.0);
        (Role::Input(number), padded)
    })
}

impl Network {
    /// Refuses a batch whose values exceed a 32-bit count.
    pub(crate) fn check_batch_size(&self, batch: usize) -> Result<()> {
        Network::check_batch_of(&self.graph, batch)
    }

    /// The same for a graph derived from the network's.
    pub(super) fn check_batch_of(graph: &Graph, batch: usize) -> Result<()> {
        let nodes = graph.nodes.iter();
        let padded = |shape: &Shape| shape.rows_per_sample() as u64 * (shape.cols() as u64 + 3);
        let widest = nodes.map(|node| padded(&node.shape)).max().unwrap_or(0);
        match (batch as u64).checked_mul(widest) {
            Some(elements) if u32::try_from(elements).is_ok() => Ok(()),
            _ => {
                let most = u64::from(u32::MAX) / widest.max(1);
                Err(Error::argument(
                    "the batch size",
                    format!("at most {most} for this network"),
                    batch,
                ))
            }
        }
    }

    /// Refuses a batch for training, or gradients, in which an attention has more weights than dropout has random words.
    pub(crate) fn check_dropout(&self, batch: usize) -> Result<()> {
        let fours = self.graph.nodes.iter().filter_map(|node| match &node.op {
            Op::Attention(Attention { heads, dropped, .. }) if dropped.is_some() => {
                Some(fours(heads.queries, [heads.heads, heads.keys]))
            }
            _ => None,
        });
        let most = MAX_FOURS / fours.max().unwrap_or(0).max(1);
        if batch as u128 <= most {
            return Ok(());
        }
        Err(Error::argument(
            "the batch size",
            format!(
                "at most {most}, since this network's dropout of attention has at most 2³³ weights"
            ),
            batch,
        ))
    }

    /// Buffers of a batch that the host writes.
    pub(crate) fn batch_buffers(&self, batch: usize, targets: Targets<'_>) -> Vec<BufferSpec> {
        let buffer = |role, scalar, len| BufferSpec { role, scalar, len };
        let floats = |cols| MatrixShape::new(batch, cols).floats();
        // The computation may not need the samples, nor the losses all labels and target values.
        let inputs = self.graph.inputs.iter().enumerate();
        let input = |(number, input): (usize, &GraphInput)| {
            let len = floats(input.sample.elements());
            buffer(Role::Input(number), Scalar::Float, len)
        };
        let mut buffers: Vec<BufferSpec> = inputs.map(input).collect();
        if let Some(labels) = targets.labels {
            buffers.push(buffer(Role::Labels, Scalar::Word, labels.len()));
        }
        if let Some(values) = targets.values {
            let len = floats(values.len() / batch);
            buffers.push(buffer(Role::Targets, Scalar::Float, len));
        }
        buffers
    }

    /// Writes the labels and target values of a batch.
    pub(crate) fn write_targets(&mut self, targets: Targets<'_>, rows: usize) -> Result<()> {
        if let Some(labels) = targets.labels {
            self.executor.write(Role::Labels, 0, labels)?;
        }
        if let Some(values) = targets.values {
            let padded = MatrixShape::new(rows, values.len() / rows).pad(values);
            let words = bytemuck::cast_slice(&padded);
            self.executor.write(Role::Targets, 0, words)?;
        }
        Ok(())
    }

    /// Writes the samples of a training step. States that are `left_out` are carried from the step before.
    pub(crate) fn write_step_input(
        &mut self,
        x: &Samples<'_>,
        rows: usize,
        left_out: &[usize],
    ) -> Result<()> {
        for (number, (role, floats)) in padded_inputs(x, rows).enumerate() {
            let role = match self.carries(number) {
                true => Role::Carried(Clock::Training, number),
                false => role,
            };
            if !left_out.contains(&number) {
                let words = bytemuck::cast_slice(&floats);
                self.executor.write(role, 0, words)?;
            }
        }
        Ok(())
    }

    /// Writes samples to the batch, and zeros to the rows after them.
    pub(crate) fn write_input(&mut self, x: &Samples<'_>, batch: usize) -> Result<()> {
        for (role, floats) in padded_inputs(x, batch) {
            let words = bytemuck::cast_slice(&floats);
            self.executor.write(role, 0, words)?;
        }
        Ok(())
    }

    /// Checks a batch for training, and returns its samples, labels and target values.
    pub(crate) fn check_batch<'a>(
        &self,
        operation: &'static str,
        x: impl Into<Inputs<'a>>,
        targets: Targets<'_>,
    ) -> Result<(Samples<'a>, Supervision)> {
        let samples = self.samples(operation, x)?;
        let rows = samples.rows;
        let (labels, values) = (
            targets.labels.map_or(rows, <[u32]>::len),
            targets.values.map_or(0, <[f32]>::len),
        );
        let whole = rows > 0 && labels >= rows && labels.is_multiple_of(rows);
        if !whole || !values.is_multiple_of(rows) {
            return Err(Error::shape(
                operation,
                "at least one sample, and as many labels or target values for each",
                format!("{rows} samples, {labels} labels, {values} target values"),
            ));
        }
        if let Some(values) = targets.values {
            check_finite(values, values.len() / rows)?;
        }
        let cols = targets.values.map(|values| values.len() / rows);
        let of_sample = targets.labels.map(|labels| labels.len() / rows);
        let supervision = self.check_supervision(operation, of_sample, cols)?;
        if let Some(labels) = targets.labels {
            for term in self
                .terms
                .iter()
                .filter(|term| term.takes_labels(supervision))
            {
                check_labels(labels, self.classes(term), term.loss.ignore_index)?;
            }
        }
        self.check_batch_size(rows)?;
        self.check_dropout(rows)?;
        Ok((samples, supervision))
    }

    /// Refuses supervision that does not suit the losses, given the number of labels and of target values per sample. A
    /// loss on a sequence or an image takes one label, or one row of target values, per step or pixel.
    pub(crate) fn check_supervision(
        &self,
        operation: &'static str,
        labels: Option<usize>,
        target_cols: Option<usize>,
    ) -> Result<Supervision> {
        let supervision = Supervision {
            labels: labels.is_some(),
            targets: target_cols.is_some(),
        };
        let of_graph = self.target_cols();
        if of_graph.is_some() && of_graph != target_cols {
            return Err(Error::shape(
                operation,
                format!(
                    "{} target values per sample, the number of the graph's targets",
                    of_graph.unwrap_or(0)
                ),
                format!("{} target values per sample", target_cols.unwrap_or(0)),
            ));
        }
        let takes_labels = |term: &&Term| term.takes_labels(supervision);
        if let (Some(found), None) = (labels, self.terms.iter().find(takes_labels))
            && found != 1
        {
            let found = format!("{found} labels per sample");
            return Err(Error::shape(operation, "one label per sample", found));
        }
        for term in self.terms.iter().filter(|term| term.of_batch()) {
            let shape = self.graph.shape(term.inputs[0]);
            let (outputs, of_sample) = (shape.cols(), shape.rows_per_sample());
            if let Some(found) = labels.filter(|_| term.takes_labels(supervision))
                && found != of_sample
            {
                return Err(Error::shape(
                    operation,
                    format!(
                        "{of_sample} labels per sample, one for each row of {shape}, for the loss {}",
                        term.name
                    ),
                    format!("{found} labels per sample"),
                ));
            }
            if outputs == 1 && matches!(term.loss.criterion, Criterion::SoftmaxCrossEntropy { .. })
            {
                return Err(Error::shape(
                    operation,
                    "at least 2 outputs, since softmax cross-entropy (the default) of 1 is 0; or another loss",
                    "1 output",
                ));
            }
            if self.default_loss && labels.is_none() && target_cols.is_some() {
                return Err(Error::argument(
                    "the loss of a network on target values",
                    "set, for example `Loss::mean_squared_error()` for regression, \
                     `Loss::binary_cross_entropy_with_logits()` for targets 0 and 1, or \
                     `Loss::softmax_cross_entropy()` for class probabilities",
                    "none; the default, softmax cross-entropy, needs labels",
                ));
            }
            if term.loss.ignore_index.is_some() && !term.takes_labels(supervision) {
                return Err(Error::argument(
                    "an ignored label",
                    format!("in the labels of the loss {}", term.name),
                    "target values",
                ));
            }
            let cols = of_sample * term.loss.criterion.target_cols(outputs);
            if !term.takes_labels(supervision) && (target_cols != Some(cols) || term.needs_labels())
            {
                let wanted = if term.needs_labels() {
                    format!("labels for the loss {}", term.name)
                } else {
                    format!(
                        "labels, or {cols} target values per sample, for the loss {}",
                        term.name
                    )
                };
                let found = match target_cols {
                    Some(cols) => format!("{cols} target values per sample"),
                    None => "samples alone".to_string(),
                };
                return Err(Error::shape(operation, wanted, found));
            }
        }
        Ok(supervision)
    }

    /// The least supervision that the losses accept.
    pub(crate) fn usual_supervision(&self) -> Supervision {
        let labels = Supervision {
            labels: true,
            targets: false,
        };
        let terms = || self.terms.iter().filter(|term| term.of_batch());
        Supervision {
            labels: terms().any(|term| term.takes_labels(labels)),
            targets: self.target_cols().is_some() || terms().any(|term| !term.takes_labels(labels)),
        }
    }

    /// Number of columns of the graph's target values.
    pub(super) fn target_cols(&self) -> Option<usize> {
        let targets = self.graph.targets;
        targets.map(|targets| self.graph.shape(targets).cols())
    }

    /// Number of classes of a term.
    pub(crate) fn classes(&self, term: &Term) -> usize {
        term.loss
            .criterion
            .classes(self.graph.shape(term.inputs[0]).cols())
    }
}
