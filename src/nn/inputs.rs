//! Arrays of a batch, one per input of a network.

use super::Network;
use crate::data::check_finite;
use crate::{Error, Result};

/// Samples of a batch in row-major order, one array per input of the network.
///
/// It converts by `into()`: from a slice, vector or array of `f32` for a network with one input; from pairs of a name
/// and a slice, in any order, for a network with several inputs ([`Graph::named_input`](crate::Graph::named_input)).
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
    One(&'a [f32]),
    Named(Vec<(&'a str, &'a [f32])>),
}

/// Arrays of a batch in the order of a network's inputs, and the number of samples.
#[derive(Clone, Debug)]
pub(crate) struct Samples<'a> {
    pub(crate) arrays: Vec<&'a [f32]>,
    pub(crate) rows: usize,
}

impl<'a> From<&'a [f32]> for Inputs<'a> {
    fn from(values: &'a [f32]) -> Self {
        Inputs(Arrays::One(values))
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
        Inputs(Arrays::Named(arrays.to_vec()))
    }
}

impl<'a> From<&[(&'a str, &'a [f32])]> for Inputs<'a> {
    fn from(arrays: &[(&'a str, &'a [f32])]) -> Self {
        Inputs(Arrays::Named(arrays.to_vec()))
    }
}

impl<'a> From<Vec<(&'a str, &'a [f32])>> for Inputs<'a> {
    fn from(arrays: Vec<(&'a str, &'a [f32])>) -> Self {
        Inputs(Arrays::Named(arrays))
    }
}

impl Samples<'_> {
    /// Up to `rows` samples from `first` on.
    pub(crate) fn part(&self, first: usize, rows: usize) -> Samples<'_> {
        let rows = rows.min(self.rows - first);
        let part = |array: &&'_ [f32]| {
            let width = array.len() / self.rows;
            first * width..(first + rows) * width
        };
        Samples {
            arrays: self
                .arrays
                .iter()
                .map(|array| &array[part(array)])
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

    /// The arrays in the order of the inputs, checked: each has the same number of samples, and all values are finite.
    pub(crate) fn samples<'a>(
        &self,
        operation: &'static str,
        x: impl Into<Inputs<'a>>,
    ) -> Result<Samples<'a>> {
        let arrays = self.arrays(operation, x.into())?;
        let mut rows = None;
        for (input, array) in self.graph.inputs.iter().zip(&arrays) {
            let width = input.sample.elements();
            let of_input = match arrays.len() {
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
        self.check_arrays(&arrays)?;
        Ok(Samples { arrays, rows })
    }

    /// Refuses lengths that are out of range, and values that are not finite, except past a sample's length.
    fn check_arrays(&self, arrays: &[&[f32]]) -> Result<()> {
        let inputs = &self.graph.inputs;
        for (number, (input, &array)) in inputs.iter().zip(arrays).enumerate() {
            let width = input.sample.elements();
            let lengths = inputs
                .iter()
                .position(|other| other.lengths_of == Some(number));
            let Some(lengths) = lengths else {
                check_finite(array, width)?;
                continue;
            };
            let steps = input.sample.lengths()[0];
            for (sample, &length) in array.chunks(width).zip(arrays[lengths]) {
                if !(0.0..=steps as f32).contains(&length) || length.fract() != 0.0 {
                    return Err(Error::argument(
                        "the length of a sequence",
                        format!("an integer from 0 to {steps}, the number of time steps"),
                        length,
                    ));
                }
                let step = width / steps;
                check_finite(&sample[..length as usize * step], step)?;
            }
        }
        Ok(())
    }

    fn arrays<'a>(&self, operation: &'static str, x: Inputs<'a>) -> Result<Vec<&'a [f32]>> {
        let names = self.input_names();
        let misfit = |found: String| {
            let expected = format!(
                "an array for each of the inputs {}, by name",
                names.join(", ")
            );
            Error::shape(operation, expected, found)
        };
        let named = match x.0 {
            Arrays::One(values) if names.len() == 1 => return Ok(vec![values]),
            Arrays::One(_) => return Err(misfit("one array without a name".to_string())),
            Arrays::Named(named) => named,
        };
        let given = || named.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let fits = named.len() == names.len() && names.iter().all(|name| given().contains(name));
        if !fits {
            return Err(misfit(given().join(", ")));
        }
        let array = |name: &&str| named.iter().find(|(given, _)| given == name);
        let arrays = names.iter().filter_map(array);
        Ok(arrays.map(|(_, array)| *array).collect())
    }
}
