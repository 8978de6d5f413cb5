//! Checks of a call's arguments, and the batches of an epoch.

use super::Trainer;
use crate::data::Dataset;
use crate::graph::Supervision;
use crate::{Error, Result};

impl Trainer {
    /// The data set with its arrays in the order of the network's inputs, and its supervision. Refuses a data set that
    /// does not fit the network or its losses.
    pub(super) fn check_data(&self, data: &Dataset) -> Result<(Dataset, Supervision)> {
        let network = &self.network;
        for (what, count) in [
            ("the samples of a data set", data.len()),
            ("the labels of a data set", data.label_words().len()),
        ] {
            if u32::try_from(count).is_err() {
                return Err(Error::argument(what, "below 2³²", count));
            }
        }
        let arranged = network.arranged("data set", data)?;
        let cols = (data.target_cols() > 0).then_some(data.target_cols());
        let given = Supervision {
            labels: data.classes() > 0,
            targets: cols.is_some(),
        };
        // Labels that no loss takes may be any number.
        let read = network.terms.iter().any(|term| term.takes_labels(given));
        let labels = if read { data.labels_per_sample() } else { 1 };
        let labels = given.labels.then_some(labels);
        let supervision = network.check_supervision("data set", labels, cols)?;
        for term in &network.terms {
            if !term.takes_labels(supervision) {
                continue;
            }
            if data.classes() > network.classes(term) {
                return Err(Error::shape(
                    "data set",
                    format!(
                        "at most {} classes for the loss {}",
                        network.classes(term),
                        term.name
                    ),
                    format!("{} classes", data.classes()),
                ));
            }
            if data.lacks_labels() && term.loss.ignore_index != Some(Dataset::NO_LABEL) {
                return Err(Error::argument(
                    "the labels of a data set",
                    format!(
                        "complete, unless the loss {} ignores Dataset::NO_LABEL",
                        term.name
                    ),
                    "missing labels",
                ));
            }
        }
        Ok((arranged, supervision))
    }

    /// Refuses a network that is not the one the trainer was made for.
    pub(super) fn check_network(&self) -> Result<()> {
        if self.network.id() == self.network_id {
            return Ok(());
        }
        let found = "another network in its place";
        Err(Error::argument(
            "a trainer's network",
            "the one that the trainer was built for",
            found,
        ))
    }

    /// Index, in the order of the epoch, of the first sample of a batch.
    pub(super) fn first_sample(&self, batch: usize) -> usize {
        let (epoch, shift) = self.cursor.shifted;
        let shift = if epoch == self.cursor.epoch { shift } else { 0 };
        let first = batch as i64 * self.settings.batch_size as i64 + shift;
        usize::try_from(first).unwrap_or(0)
    }

    /// Number of batches in the current epoch of `samples` samples. Batches taken with another batch size count as full
    /// ones.
    pub(super) fn batches_under_way(&self, samples: usize) -> usize {
        let begun = self.first_sample(self.cursor.position);
        self.cursor.position + self.batches(samples.saturating_sub(begun))
    }

    /// Number of steps in an epoch of this data set: its batches, without a last partial batch if
    /// [`drop_last`](crate::TrainerBuilder::drop_last) is on. A schedule over n epochs needs n times as many steps.
    pub fn steps_per_epoch(&self, data: &Dataset) -> u64 {
        self.batches(data.len()) as u64
    }

    /// Number of batches in an epoch of `samples` samples.
    pub(super) fn batches(&self, samples: usize) -> usize {
        let batch = self.settings.batch_size;
        if self.settings.drop_last {
            samples / batch
        } else {
            samples.div_ceil(batch)
        }
    }
}
