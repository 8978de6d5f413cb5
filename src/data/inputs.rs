//! Data sets with several inputs per sample, by name.

use super::{Array, Dataset, SampleValues, next_id};
use crate::{Error, Result, Shape};

impl Dataset {
    /// Samples of the input of this name, without labels, each of this shape. Further inputs, labels, target values
    /// and lengths are added by the methods that start with `with`.
    ///
    /// ```
    /// use wgrad::{Dataset, Device, Graph, Init, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let image = graph.named_input("image", [2, 2, 3])?;
    /// let age = graph.named_input("age", 1)?;
    /// let image = graph.flatten(image)?;
    /// let both = graph.concat(&[image, age], 1)?;
    /// let y = graph.dense(both, 2, Init::default())?;
    ///
    /// let pixels = vec![255u8; 2 * 2 * 2 * 3]; // two images of bytes
    /// let data = Dataset::named("image", [2, 2, 3], pixels)?
    ///     .with_input("age", 1, vec![0.3, 0.5])?
    ///     .with_labels(vec![0, 1], 2)?;
    /// let mut trainer = Trainer::builder(graph.build(y, &Device::cpu(), 1)?).build()?;
    /// assert!(trainer.epoch(&data)?.loss > 0.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there is at least one whole sample; [`Argument`](Error::Argument) if the name is
    /// empty, or a whole number is above 2²⁴; [`NonFiniteData`](Error::NonFiniteData) if a value is NaN or infinite.
    pub fn named(
        name: &str,
        sample: impl Into<Shape>,
        values: impl Into<SampleValues>,
    ) -> Result<Self> {
        check_name(name, false)?;
        Self::of(Array::new(Some(name), sample.into(), values.into(), None)?)
    }

    /// The same samples with an array for a further input of the network. The array of a data set without names belongs
    /// to the input `input`, which [`Graph::input`](crate::Graph::input) adds. Gathering it takes one dispatch more a
    /// step.
    ///
    /// # Errors
    /// Those of [`Dataset::named`]; [`Shape`](Error::Shape) unless there is one whole sample for each sample of the
    /// data set; [`Argument`](Error::Argument) if the name is taken.
    pub fn with_input(
        mut self,
        name: &str,
        sample: impl Into<Shape>,
        values: impl Into<SampleValues>,
    ) -> Result<Self> {
        check_name(name, self.arrays.iter().any(|array| array.name() == name))?;
        let array = Array::new(Some(name), sample.into(), values.into(), Some(self.len))?;
        self.arrays.push(array);
        self.id = next_id();
        Ok(self)
    }

    /// The same samples with their lengths, for the input of this name ([`Graph::lengths`](crate::Graph::lengths)): the
    /// number of steps of each sample that are no padding, from 0 on. They belong to the input that was added last,
    /// whose first dimension is the number of steps.
    ///
    /// Labels past a length count in a loss like any others: mark them with a label that the loss ignores
    /// ([`with_labels`](Dataset::with_labels)).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there is one length for each sample; [`Argument`](Error::Argument) if a length is
    /// above the number of steps, or the name is empty or taken.
    pub fn with_lengths(mut self, name: &str, lengths: Vec<u32>) -> Result<Self> {
        let of = self.last_array();
        let steps = of.sample.lengths().first().copied().unwrap_or(0);
        if let Some(length) = lengths.iter().find(|&&length| length as usize > steps) {
            return Err(Error::argument(
                "the length of a sequence",
                format!(
                    "from 0 to {steps}, the number of steps of the input {}",
                    of.name()
                ),
                length,
            ));
        }
        self = self.with_input(name, 1, lengths)?;
        if let Some(array) = self.arrays.last_mut() {
            array.is_lengths = true;
        }
        Ok(self)
    }

    /// The array that was added last, other than lengths: the first one cannot be lengths.
    fn last_array(&self) -> &Array {
        let mut arrays = self.arrays.iter().rev();
        arrays
            .find(|array| !array.is_lengths)
            .unwrap_or(&self.arrays[0])
    }

    /// Replaces the array that was added last, other than lengths.
    pub(super) fn with_last(mut self, change: impl FnOnce(Array) -> Result<Array>) -> Result<Self> {
        let last = self.arrays.iter().rposition(|array| !array.is_lengths);
        let last = &mut self.arrays[last.unwrap_or(0)];
        *last = change(last.clone())?;
        Ok(self)
    }
}

/// Refuses an empty name, and one that another array has.
fn check_name(name: &str, taken: bool) -> Result<()> {
    if name.is_empty() || taken {
        return Err(Error::argument(
            "the name of an input",
            "at least one character, and unique in its data set",
            format!("{name:?}"),
        ));
    }
    Ok(())
}
