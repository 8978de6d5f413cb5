//! Arrays of a batch, one per input of a network.

use super::Network;
use super::checks::{check_length, check_tokens};
use crate::data::{Array, check_finite};
use crate::graph::GraphInput;
use crate::{Dataset, Error, Result};
use std::borrow::Cow;

/// Samples of a batch in row-major order, one array per input of the network.
///
/// It converts by `into()`: from a slice, vector or array of `f32` for a network with one input; from pairs of a name
/// and a slice, in any order, for a network with several inputs ([`Graph::named_input`](crate::Graph::named_input)); from
/// a [`&Dataset`](Dataset), for all of its samples. A carried state ([`Graph::carry`](crate::Graph::carry)) may be left
/// out.
/// Tokens are `u32`: [`Inputs::tokens`], and [`Inputs::with_tokens`] beside other arrays.
///
/// ```
/// use wgrad::{Device, Graph};
/// # fn main() -> wgrad::Result<()> {
/// let mut graph = Graph::new();
/// let a = graph.named_input("a", 2)?;
/// let b = graph.named_input("b", 2)?;
/// let sum = graph.add(a, b)?;
/// let mut network = graph.build(sum, &Device::cpu(), 0)?;
/// let (a, b) = (vec![1.0, 2.0], vec![3.0, 4.0]); // one sample
/// assert_eq!(network.predict([("b", &b[..]), ("a", &a[..])])?, [4.0, 6.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Inputs<'a>(Arrays<'a>);

#[derive(Clone, Debug)]
enum Arrays<'a> {
    One(Cow<'a, [f32]>),
    Named(Vec<(&'a str, Cow<'a, [f32]>)>),
}

/// Arrays of a batch in the order of a network's inputs, and the number of samples.
#[derive(Clone, Debug)]
pub(crate) struct Samples<'a> {
    pub(crate) arrays: Vec<Cow<'a, [f32]>>,
    pub(crate) rows: usize,
}

impl<'a> From<&'a [f32]> for Inputs<'a> {
    fn from(values: &'a [f32]) -> Self {
        Inputs(Arrays::One(Cow::Borrowed(values)))
    }
}

impl<'a> From<&'a Vec<f32>> for Inputs<'a> {
    fn from(values: &'a Vec<f32>) -> Self {
        values.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [f32; N]> for Inputs<'a> {
    fn from(values: &'a [f32; N]) -> Self {
        values.as_slice().into()
    }
}

impl<'a, const N: usize> From<[(&'a str, &'a [f32]); N]> for Inputs<'a> {
    fn from(arrays: [(&'a str, &'a [f32]); N]) -> Self {
        arrays.as_slice().into()
    }
}

impl<'a> From<&[(&'a str, &'a [f32])]> for Inputs<'a> {
    fn from(arrays: &[(&'a str, &'a [f32])]) -> Self {
        let arrays = arrays.iter();
        Inputs(Arrays::Named(
            arrays.map(|&(name, array)| (name, array.into())).collect(),
        ))
    }
}

impl<'a> From<Vec<(&'a str, &'a [f32])>> for Inputs<'a> {
    fn from(arrays: Vec<(&'a str, &'a [f32])>) -> Self {
        arrays.as_slice().into()
    }
}

impl<'a> From<&'a Dataset> for Inputs<'a> {
    /// All samples of a data set, as the network receives them.
    fn from(data: &'a Dataset) -> Self {
        let values = |array: &Array| {
            let mut values = Vec::with_capacity(data.len() * array.features);
            (0..data.len()).for_each(|sample| array.push_sample(sample, &mut values));
            Cow::Owned(values)
        };
        match data.arrays() {
            [only] if only.name.is_none() => Inputs(Arrays::One(values(only))),
            arrays => {
                let arrays = arrays.iter();
                let named = arrays.map(|array| (array.name(), values(array)));
                Inputs(Arrays::Named(named.collect()))
            }
        }
    }
}

impl<'a> Inputs<'a> {
    /// The tokens of a network with one input, which are whole numbers below the size of its vocabulary.
    ///
    /// ```
    /// use wgrad::{Device, Inputs, Sequential};
    /// # fn main() -> wgrad::Result<()> {
    /// let network = Sequential::new(3).embedding(10, 4).build(&Device::cpu(), 1)?;
    /// assert_eq!(network.predict(Inputs::tokens(&[9, 0, 4]))?.len(), 3 * 4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn tokens(tokens: &[u32]) -> Self {
        Inputs(Arrays::One(floats(tokens)))
    }

    /// No arrays yet, for a network with several inputs: [`with`](Inputs::with) and
    /// [`with_tokens`](Inputs::with_tokens) add them by name.
    ///
    /// ```
    /// use wgrad::{Attention, Device, Graph, Inputs};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let tokens = graph.named_input("tokens", 3)?;
    /// let mask = graph.named_input("mask", 3)?;
    /// let x = graph.embedding(tokens, 10, 4, None)?;
    /// let y = graph.multi_head_attention(x, Some(mask), Attention::new(2))?;
    /// let network = graph.build(y, &Device::cpu(), 1)?;
    /// // The third token is padding.
    /// let x = Inputs::named().with_tokens("tokens", &[9, 4, 0]).with("mask", &[1.0, 1.0, 0.0]);
    /// assert_eq!(network.predict(x)?.len(), 3 * 4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn named() -> Self {
        Inputs(Arrays::Named(Vec::new()))
    }

    /// Adds the array of the input of this name.
    pub fn with(self, name: &'a str, values: &'a [f32]) -> Self {
        self.and(name, Cow::Borrowed(values))
    }

    /// Adds the tokens of the input of this name.
    pub fn with_tokens(self, name: &'a str, tokens: &[u32]) -> Self {
        self.and(name, floats(tokens))
    }

    fn and(self, name: &'a str, array: Cow<'a, [f32]>) -> Self {
        let mut named = match self.0 {
            // The name of the input of `Graph::input`.
            Arrays::One(array) => vec![("input", array)],
            Arrays::Named(named) => named,
        };
        named.push((name, array));
        Inputs(Arrays::Named(named))
    }
}

/// Tokens as floats: exact below 2²⁴, the largest vocabulary, and at least 2²⁴ otherwise.
fn floats(tokens: &[u32]) -> Cow<'static, [f32]> {
    tokens.iter().map(|&token| token as f32).collect()
}

impl Samples<'_> {
    /// Up to `rows` samples from `first` on.
    pub(crate) fn part(&self, first: usize, rows: usize) -> Samples<'_> {
        let rows = rows.min(self.rows - first);
        let part = |array: &[f32]| {
            let width = array.len() / self.rows;
            first * width..(first + rows) * width
        };
        let arrays = self.arrays.iter();
        Samples {
            arrays: arrays
                .map(|array| Cow::Borrowed(&array[part(array)]))
                .collect(),
            rows,
        }
    }
}

impl Network {
    /// Names of the inputs, in the order of the graph.
    pub fn input_names(&self) -> Vec<&str> {
        let inputs = self.graph.inputs.iter();
        inputs.map(|input| input.name.as_str()).collect()
    }

    /// The carried states that a batch of the user's leaves out, as indices of inputs.
    pub(crate) fn left_out(&self, x: &Inputs<'_>) -> Vec<usize> {
        let is_given = |number: usize| match &x.0 {
            Arrays::One(_) => self.graph.inputs.len() == 1,
            Arrays::Named(named) => {
                let name = &self.graph.inputs[number].name;
                named.iter().any(|(given, _)| given == name)
            }
        };
        let inputs = 0..self.graph.inputs.len();
        inputs
            .filter(|&number| self.carries(number) && !is_given(number))
            .collect()
    }

    /// The arrays in the order of the inputs, checked: each has the same number of samples, and all values are finite.
    /// A carried state that is left out is 0.
    pub(crate) fn samples<'a>(
        &self,
        operation: &'static str,
        x: impl Into<Inputs<'a>>,
    ) -> Result<Samples<'a>> {
        let given = self.arrays(operation, x.into())?;
        let mut rows = None;
        for (input, array) in self.graph.inputs.iter().zip(&given) {
            let Some(array) = array else { continue };
            let width = input.sample.elements();
            let of_input = match given.len() {
                1 => String::new(),
                _ => format!(" for the input {}", input.name),
            };
            if !array.len().is_multiple_of(width) {
                return Err(Error::shape(
                    operation,
                    format!("whole samples of {width} values{of_input}"),
                    format!("{} values", array.len()),
                ));
            }
            let found = array.len() / width;
            let wanted = *rows.get_or_insert(found);
            if found != wanted {
                return Err(Error::shape(
                    operation,
                    format!("{wanted} samples{of_input}, as many as for the first"),
                    format!("{found} samples"),
                ));
            }
        }
        let rows = rows.unwrap_or(0);
        let zeros = |input: &GraphInput| Cow::Owned(vec![0.0; rows * input.sample.elements()]);
        let inputs = self.graph.inputs.iter().zip(given);
        let arrays = inputs.map(|(input, array)| array.unwrap_or_else(|| zeros(input)));
        let arrays: Vec<Cow<'a, [f32]>> = arrays.collect();
        self.check_arrays(&arrays)?;
        Ok(Samples { arrays, rows })
    }

    /// Refuses lengths that are out of range, numbers that are no tokens, and values that are not finite, except past a
    /// sample's length.
    fn check_arrays(&self, arrays: &[Cow<'_, [f32]>]) -> Result<()> {
        let inputs = &self.graph.inputs;
        for (number, (input, array)) in inputs.iter().zip(arrays).enumerate() {
            let width = input.sample.elements();
            let lengths = inputs
                .iter()
                .position(|other| other.lengths_of == Some(number));
            let Some(lengths) = lengths else {
                check_finite(array, width)?;
                check_tokens(input, array, 0)?;
                if let Some(longest) = input.longest {
                    array
                        .iter()
                        .try_for_each(|&length| check_length(length, longest))?;
                }
                continue;
            };
            let steps = input.sample.lengths()[0];
            let samples = array.chunks(width).zip(arrays[lengths].iter());
            for (row, (sample, &length)) in samples.enumerate() {
                check_length(length, steps)?;
                let step = width / steps;
                let sample = &sample[..length as usize * step];
                check_finite(sample, step)?;
                check_tokens(input, sample, row)?;
            }
        }
        Ok(())
    }

    /// The array of each input; `None` for a carried state that is left out.
    fn arrays<'a>(
        &self,
        operation: &'static str,
        x: Inputs<'a>,
    ) -> Result<Vec<Option<Cow<'a, [f32]>>>> {
        let names = self.input_names();
        let misfit = |found: String| {
            let expected = format!(
                "an array for each of the inputs {}, by name",
                names.join(", ")
            );
            Error::shape(operation, expected, found)
        };
        let needed = self.data_inputs();
        let mut named = match (x.0, &needed[..]) {
            (Arrays::One(values), &[only]) => {
                let mut arrays = vec![None; names.len()];
                arrays[only] = Some(values);
                return Ok(arrays);
            }
            (Arrays::One(values), _) if names.len() == 1 => return Ok(vec![Some(values)]),
            (Arrays::One(_), _) => return Err(misfit("one array without a name".to_string())),
            (Arrays::Named(named), _) => named,
        };
        let given: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
        let known = |name: &&str| names.contains(name);
        let is_given = |&number: &usize| given.contains(&names[number]);
        let twice = (1..given.len()).any(|i| given[..i].contains(&given[i]));
        if twice || !given.iter().all(known) || !needed.iter().all(is_given) {
            return Err(misfit(given.join(", ")));
        }
        let mut take = |name: &&str| {
            let place = named.iter().position(|(given, _)| given == name);
            place.map(|place| named.swap_remove(place).1)
        };
        Ok(names.iter().map(&mut take).collect())
    }
}
