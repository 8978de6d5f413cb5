//! Reading, writing, saving and loading a network's parameters.

use super::{Entry, Network, decode, encode};
use crate::data::check_finite;
use crate::file::{read_file, write_file};
use crate::kernel::MatrixShape;
use crate::plan::Role;
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::Path;

impl Network {
    /// The names of the parameters, in their order.
    pub fn parameter_names(&self) -> Vec<&str> {
        self.graph
            .parameters
            .iter()
            .map(|p| p.name.as_str())
            .collect()
    }

    fn number(&self, name: &str) -> Result<usize> {
        let number = self.graph.parameters.iter().position(|p| p.name == name);
        number.ok_or_else(|| {
            Error::argument(
                "a parameter's name",
                self.parameter_names().join(", "),
                name,
            )
        })
    }

    /// The values of a parameter, row by row; or a batch normalisation's `layers.i.running_mean` or
    /// `layers.i.running_var`.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is none of this name.
    pub async fn parameter_async(&mut self, name: &str) -> Result<Vec<f32>> {
        if let Some((number, row)) = self.running_number(name) {
            return self.read_running(number, row).await;
        }
        let number = self.number(name)?;
        self.read_arena(Role::Parameters, 0, number).await
    }

    /// [`Network::parameter_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn parameter(&mut self, name: &str) -> Result<Vec<f32>> {
        pollster::block_on(self.parameter_async(name))
    }

    /// Replaces the values of a parameter, row by row; or of a running mean or variance.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is none of this name; [`Shape`](Error::Shape) if there are too few or too
    /// many values; [`NonFiniteData`](Error::NonFiniteData) if one is NaN or infinite.
    pub fn set_parameter(&mut self, name: &str, values: &[f32]) -> Result<()> {
        let running = self.running_number(name);
        let (number, shape) = match running {
            Some((number, _)) => (number, MatrixShape::new(1, self.graph.running[number].cols)),
            None => {
                let number = self.number(name)?;
                (number, self.graph.parameters[number].shape)
            }
        };
        if values.len() != shape.rows * shape.cols {
            return Err(Error::shape(
                "set_parameter",
                format!("{shape} for {name}"),
                format!("{} values", values.len()),
            ));
        }
        check_finite(values, shape.cols)?;
        match running {
            Some((number, row)) => self.write_running(number, row, values),
            None => self.write_parameter(number, values),
        }
    }

    pub(super) fn write_parameter(&mut self, number: usize, values: &[f32]) -> Result<()> {
        self.write_arena(Role::Parameters, 0, number, values)
    }

    /// Writes one tensor of an arena; `copy` counts whole segments, for moments.
    pub(crate) fn write_arena(
        &mut self,
        role: fn(usize) -> Role,
        copy: usize,
        number: usize,
        values: &[f32],
    ) -> Result<()> {
        let place = self.arena.places[number];
        let offset = copy * self.arena.segments[place.segment] + place.offset;
        let padded = place.shape.pad(values);
        self.executor
            .write(role(place.segment), offset, bytemuck::cast_slice(&padded))
    }

    /// Reads one tensor of an arena.
    pub(crate) async fn read_arena(
        &mut self,
        role: fn(usize) -> Role,
        copy: usize,
        number: usize,
    ) -> Result<Vec<f32>> {
        let place = self.arena.places[number];
        let offset = copy * self.arena.segments[place.segment] + place.offset;
        let words = self
            .executor
            .read(role(place.segment), offset..offset + place.shape.floats())
            .await?;
        Ok(place.shape.unpad(bytemuck::cast_slice(&words)))
    }

    /// The parameters (and running statistics) as the bytes of a safetensors file: under their names, weights as \[outputs, inputs\], the layout of
    /// PyTorch's `Linear`.
    ///
    /// # Errors
    /// Only the device's.
    pub async fn to_bytes_async(&mut self) -> Result<Vec<u8>> {
        encode(&self.entries().await?, HashMap::new())
    }

    /// Replaces the parameters by those in the bytes of a safetensors file: by name, or, for PyTorch's `0.weight`,
    /// `2.weight` of a `Sequential`, by order. All or none are replaced. `name` stands in errors.
    ///
    /// # Errors
    /// [`Format`](Error::Format) if a parameter is missing, of another shape, or not finite.
    pub fn load_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let (entries, _) = decode(name, bytes)?;
        self.set_entries(name, entries)
    }

    /// Saves [`Network::to_bytes_async`] to a file. One that was there stays whole if the save is interrupted.
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be written.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let bytes = pollster::block_on(self.to_bytes_async())?;
        write_file(path.as_ref(), &bytes)
    }

    /// [`Network::load_bytes`] from a file.
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be read; and those of [`Network::load_bytes`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.load_bytes(&path.display().to_string(), &read_file(path)?)
    }

    /// The parameters and running statistics as named tensors.
    pub(crate) async fn entries(&mut self) -> Result<Vec<Entry>> {
        let parameters = self.arena_entries(Role::Parameters, 0, str::to_string);
        let mut entries = parameters.await?;
        entries.extend(self.running_entries().await?);
        Ok(entries)
    }

    /// The tensors of an arena, named after their parameters; `copy` counts whole segments, for moments.
    pub(crate) async fn arena_entries(
        &mut self,
        role: fn(usize) -> Role,
        copy: usize,
        name: impl Fn(&str) -> String,
    ) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for number in 0..self.graph.parameters.len() {
            let values = self.read_arena(role, copy, number).await?;
            let parameter = &self.graph.parameters[number];
            entries.push(Entry {
                name: name(&parameter.name),
                shape: parameter.dimensions(),
                values,
            });
        }
        Ok(entries)
    }

    /// Replaces the parameters by named tensors.
    pub(crate) fn set_entries(&mut self, file: &str, mut entries: Vec<Entry>) -> Result<()> {
        let known = |entry: &Entry| self.graph.parameters.iter().any(|p| p.name == entry.name);
        if !entries.iter().any(known) {
            rename_by_order(&mut entries);
        }
        let parameters = self.graph.parameters.iter();
        let mut wanted: Vec<(String, Vec<usize>)> = parameters
            .map(|p| (p.name.clone(), p.dimensions()))
            .collect();
        let running = self.running_names().into_iter();
        wanted.extend(running.map(|(name, cols)| (name, vec![cols])));
        let mut found = Vec::new();
        for (name, dimensions) in wanted {
            let entry = entries.iter().find(|entry| entry.name == name);
            let entry = entry.ok_or_else(|| Error::format(file, format!("no tensor {name}")))?;
            if entry.shape != dimensions {
                return Err(Error::format(
                    file,
                    format!(
                        "{name} has shape {:?}, expected {dimensions:?}",
                        entry.shape
                    ),
                ));
            }
            check_values(file, entry)?;
            found.push(entry);
        }
        for entry in found {
            self.set_parameter(&entry.name, &entry.values)?;
        }
        Ok(())
    }
}

/// Refuses tensors of a file that hold NaN or infinity.
pub(crate) fn check_values(file: &str, entry: &Entry) -> Result<()> {
    match entry.values.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(value) => Err(Error::format(file, format!("{} holds {value}", entry.name))),
    }
}

impl crate::graph::Parameter {
    /// The shape in files: one dimension for vectors.
    pub(crate) fn dimensions(&self) -> Vec<usize> {
        if self.vector {
            vec![self.shape.cols]
        } else {
            vec![self.shape.rows, self.shape.cols]
        }
    }
}

/// Turns the names of a PyTorch `Sequential`, `0.weight`, `0.bias`, `2.weight`, into `layers.0.weight`, `layers.0.bias`,
/// `layers.1.weight`: the numbers that occur, counted in their order. Other files stay as they are.
fn rename_by_order(entries: &mut [Entry]) {
    let index = |name: &str| {
        name.split_once('.')
            .and_then(|(head, _)| head.parse::<u32>().ok())
    };
    let mut indices: Vec<u32> = entries
        .iter()
        .filter_map(|entry| index(&entry.name))
        .collect();
    if indices.len() != entries.len() {
        return;
    }
    indices.sort_unstable();
    indices.dedup();
    for entry in entries {
        let (head, rest) = entry.name.split_once('.').unwrap_or(("", &entry.name));
        let layer = head
            .parse()
            .ok()
            .and_then(|number| indices.binary_search(&number).ok())
            .unwrap_or(0);
        entry.name = format!("layers.{layer}.{rest}");
    }
}
