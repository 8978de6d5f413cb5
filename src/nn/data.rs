//! Data sets of a network: their arrays in the order of its inputs, checked.

use super::Network;
use super::checks::{is_length, is_token, no_length, no_token};
use crate::data::Array;
use crate::graph::GraphInput;
use crate::{Dataset, Error, Result, Shape};

impl Network {
    /// The inputs that data sets have arrays for, by their index: all that carry no state.
    pub(crate) fn data_inputs(&self) -> Vec<usize> {
        let inputs = 0..self.graph.inputs.len();
        inputs.filter(|&input| !self.carries(input)).collect()
    }

    /// Shape of the samples that an augmentation moves: those of the first input that carries no state.
    pub(crate) fn augmented_shape(&self) -> &Shape {
        let first = self.data_inputs().first().copied().unwrap_or(0);
        &self.graph.inputs[first].sample
    }

    /// Whether a trainer carries the values of an input from step to step.
    pub(crate) fn carries(&self, input: usize) -> bool {
        let mut carried = self.graph.carried.iter();
        carried.any(|carried| carried.input == input)
    }

    /// The data set with its arrays in the order of [`Network::data_inputs`]. Refuses a data set that does not fit. A
    /// flat sample fits a shape of several dimensions with the same number of values.
    pub(crate) fn arranged(&self, operation: &'static str, data: &Dataset) -> Result<Dataset> {
        let numbers = self.data_inputs();
        let inputs: Vec<&GraphInput> = numbers.iter().map(|&i| &self.graph.inputs[i]).collect();
        let arrays = match (&inputs[..], data.arrays()) {
            ([_], [only]) if only.name.is_none() => vec![only],
            _ => by_name(operation, &inputs, data)?,
        };
        for (input, array) in inputs.iter().zip(&arrays) {
            let of_input = match inputs.len() {
                1 => String::new(),
                _ => format!(" for the input {}", input.name),
            };
            check_shape(operation, &input.sample, array, &of_input)?;
        }
        for (place, number) in numbers.iter().enumerate() {
            let input = &self.graph.inputs[*number];
            if let Some(longest) = input.longest {
                check_lengths(arrays[place], data.len(), longest)?;
            }
            if let Some(vocabulary) = input.vocabulary {
                let of = |&other: &usize| self.graph.inputs[other].lengths_of == Some(*number);
                let lengths = numbers.iter().position(of).map(|of| arrays[of]);
                let steps = input.sample.lengths()[0];
                check_tokens(arrays[place], lengths, [data.len(), steps], vocabulary)?;
            }
            let lengths = input.lengths_of;
            let of = lengths.and_then(|of| numbers.iter().position(|&number| number == of));
            if let Some(of) = of {
                let steps = inputs[of].sample.lengths()[0];
                check_lengths(arrays[place], data.len(), steps)?;
            }
        }
        Ok(data.with_arrays(arrays.into_iter().cloned().collect()))
    }
}

/// The array of each input.
fn by_name<'a>(
    operation: &'static str,
    inputs: &[&GraphInput],
    data: &'a Dataset,
) -> Result<Vec<&'a Array>> {
    let array = |input: &&GraphInput| {
        let mut arrays = data.arrays().iter();
        arrays.find(|array| array.name() == input.name)
    };
    let arrays: Vec<&Array> = inputs.iter().filter_map(array).collect();
    if arrays.len() == inputs.len() && arrays.len() == data.arrays().len() {
        return Ok(arrays);
    }
    let wanted: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    let found: Vec<&str> = data.arrays().iter().map(Array::name).collect();
    Err(Error::shape(
        operation,
        format!(
            "a data set with an array for each of the inputs {}, by name (`Dataset::named`, `Dataset::with_input`)",
            wanted.join(", ")
        ),
        found.join(", "),
    ))
}

fn check_shape(
    operation: &'static str,
    wanted: &Shape,
    array: &Array,
    of_input: &str,
) -> Result<()> {
    if array.features != wanted.elements() {
        return Err(Error::shape(
            operation,
            format!("samples of {} values{of_input}", wanted.elements()),
            format!("samples of {} values", array.features),
        ));
    }
    let found = &array.sample;
    let flat = |shape: &Shape| shape.dims().len() < 2;
    let long = |shape: &Shape| {
        let lengths = shape.lengths().into_iter();
        lengths.filter(|&length| length != 1).collect::<Vec<_>>()
    };
    if !flat(wanted) && !flat(found) && long(wanted) != long(found) {
        let (wanted, found) = (
            format!("samples {wanted}{of_input}"),
            format!("samples {found}"),
        );
        return Err(Error::shape(operation, wanted, found));
    }
    Ok(())
}

/// Refuses lengths of sequences that are no integers from 0 to `steps`.
fn check_lengths(array: &Array, samples: usize, steps: usize) -> Result<()> {
    if array
        .largest_whole()
        .is_some_and(|most| most <= steps as f32)
    {
        return Ok(());
    }
    let lengths = (0..samples).map(|sample| array.value(sample, 0));
    let mut wrong = lengths
        .enumerate()
        .filter(|&(_, length)| !is_length(length, steps));
    match wrong.next() {
        None => Ok(()),
        Some((sample, length)) => Err(no_length(steps, format!("{length} for sample {sample}"))),
    }
}

/// Refuses numbers that are no tokens of a vocabulary of this size, except past a sample's length.
fn check_tokens(
    array: &Array,
    lengths: Option<&Array>,
    [samples, steps]: [usize; 2],
    vocabulary: usize,
) -> Result<()> {
    if array
        .largest_whole()
        .is_some_and(|most| most < vocabulary as f32)
    {
        return Ok(());
    }
    for sample in 0..samples {
        let length = lengths.map_or(steps, |lengths| lengths.value(sample, 0) as usize);
        let places = array.features / steps * length.min(steps);
        let mut values = (0..places).map(|place| array.value(sample, place));
        if let Some(place) = values.position(|value| !is_token(value, vocabulary)) {
            return Err(no_token(
                vocabulary,
                [sample, place],
                array.value(sample, place),
            ));
        }
    }
    Ok(())
}
