//! Parameters of a network: access, saving and loading.

use super::file::{Entry, Header, decode, encode, read_tensors};
use super::matching::{Wanted, matching};
use super::{LoadOptions, Network};
use crate::data::check_finite;
use crate::file::write_file;
use crate::kernel::MatrixShape;
use crate::kernel::base::guard::{BOUND, max_abs};
use crate::plan::Role;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

impl Network {
    /// Names of the parameters, in order.
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

    /// Reads the values of a parameter, in row-major order, or of a batch normalisation's `layers.i.running_mean` or
    /// `layers.i.running_var`.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if no parameter has this name.
    pub async fn parameter_async(&self, name: &str) -> Result<Vec<f32>> {
        if let Some((number, row)) = self.running_number(name) {
            return self.read_running(number, row).await;
        }
        let number = self.number(name)?;
        self.read_arena(Role::Parameters, 0, number).await
    }

    /// Blocking form of [`Network::parameter_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn parameter(&self, name: &str) -> Result<Vec<f32>> {
        pollster::block_on(self.parameter_async(name))
    }

    /// Sets the values of a parameter, in row-major order, or of a running mean or variance.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if no parameter has this name, or a running variance is negative;
    /// [`Shape`](Error::Shape) if the number of values is wrong; [`NonFiniteData`](Error::NonFiniteData) if a value is
    /// NaN or infinite.
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
        if self.is_variance(name)
            && let Some(value) = values.iter().find(|&&value| value < 0.0)
        {
            return Err(Error::argument("a running variance", "at least 0", value));
        }
        match running {
            Some((number, row)) => self.write_running(number, row, values),
            None => self.write_parameter(number, values),
        }
    }

    pub(super) fn write_parameter(&mut self, number: usize, values: &[f32]) -> Result<()> {
        self.write_arena(Role::Parameters, 0, number, values)
    }

    /// Writes one tensor of an arena. `copy` is the index of the moment, in whole segments.
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
        if max_abs(&padded) > BOUND {
            self.wild_writes += 1;
        }
        self.executor
            .write(role(place.segment), offset, bytemuck::cast_slice(&padded))
    }

    /// Length in words of a buffer through which all parameters can be read in few pieces, each a tensor or a part of
    /// one.
    pub(crate) fn read_words(&self) -> usize {
        const PIECES: u64 = 256;
        let floats: u64 = self.arena.segments.iter().map(|&f| f as u64).sum();
        (floats / PIECES) as usize
    }

    /// Reads one tensor of an arena.
    pub(crate) async fn read_arena(
        &self,
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

    /// Returns the parameters and running statistics as the bytes of a safetensors file, under their names. Weights are
    /// \[outputs, inputs\], the layout of PyTorch's `Linear`. The metadata include a checksum of all other bytes. Equal
    /// values and names give equal bytes.
    ///
    /// # Errors
    /// Errors of the device only.
    pub async fn to_bytes_async(&self) -> Result<Vec<u8>> {
        encode(self.entries().await?, BTreeMap::new())
    }

    /// Loads with the default [`LoadOptions`]: see [`Network::load_bytes_with`].
    ///
    /// # Errors
    /// Those of [`Network::load_bytes_with`].
    pub fn load_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.load_bytes_with(name, bytes, LoadOptions::default())
    }

    /// Replaces the parameters and running statistics by those in the bytes of a safetensors file, all or none. `name`
    /// is the file name that errors print.
    ///
    /// Tensor names may be the network's own, or have one common prefix, such as `module.layers.0.weight`. They may
    /// also be those of a PyTorch `Sequential`, such as `0.weight` and `2.weight`, or `net.0.weight` and
    /// `net.2.weight`: the numbers are in the order of the layers. `F32`, `F16` and `BF16` load exactly; `F64` is
    /// rounded.
    ///
    /// A file that wgrad has not written is taken to be in PyTorch's order, with channels before height and width:
    /// weights of convolutions [outputs, channels, kh, kw] are rearranged to [outputs, kh, kw, channels], and so are
    /// the columns of a dense layer on flattened images.
    ///
    /// Other tensors of a [`Trainer`](crate::Trainer)'s checkpoint, and PyTorch's `num_batches_tracked`, are ignored.
    ///
    /// # Errors
    /// [`Format`](Error::Format) if the file is damaged; if tensors are missing, unexpected, or of another shape or
    /// type (one error lists them all); if more than one part of the file fits; if a value is not finite, or a variance
    /// is negative.
    pub fn load_bytes_with(
        &mut self,
        name: &str,
        bytes: &[u8],
        options: LoadOptions,
    ) -> Result<()> {
        let header = decode(name, bytes)?;
        let values = self.values(name, &header, bytes, options)?;
        self.set_values(&values)
    }

    /// Saves the bytes of [`Network::to_bytes_async`] to a file, atomically: a reader sees either the old file or the
    /// complete new one, even after an interrupted save. A symbolic link is preserved. The new file keeps the
    /// permission bits of the old one, and its owner and group as far as the system allows.
    ///
    /// The result is a new file under the old name. So other hard links keep the old contents, and access control lists
    /// and extended attributes are not copied. The bytes first go to a temporary file in the same folder, named
    /// `.wgrad-` and 16 hexadecimal digits. A process that is killed while it saves leaves that file behind. No later
    /// save removes it, since its writer may still be running, perhaps on another machine. Delete it when nothing saves
    /// to the folder.
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be written; the old file is then unchanged.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let bytes = pollster::block_on(self.to_bytes_async())?;
        write_file(path.as_ref(), &bytes)
    }

    /// Loads a file with the default [`LoadOptions`]: see [`Network::load_with`].
    ///
    /// # Errors
    /// Those of [`Network::load_with`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.load_with(path, LoadOptions::default())
    }

    /// Loads a file: see [`Network::load_bytes_with`].
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be read; and those of [`Network::load_bytes_with`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load_with(&mut self, path: impl AsRef<Path>, options: LoadOptions) -> Result<()> {
        let path = path.as_ref();
        let bytes = read_tensors(path, |name, header| {
            matching(name, header, &self.wanted_in(header), options).map(drop)
        })?;
        self.load_bytes_with(&path.display().to_string(), &bytes, options)
    }

    /// Parameters and running statistics as named tensors.
    pub(crate) async fn entries(&self) -> Result<Vec<Entry>> {
        let parameters = self.arena_entries(Role::Parameters, 0, str::to_string);
        let mut entries = parameters.await?;
        entries.extend(self.running_entries().await?);
        Ok(entries)
    }

    /// Tensors of an arena, named after their parameters. `copy` is the index of the moment, in whole segments.
    pub(crate) async fn arena_entries(
        &self,
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

    /// Replaces parameters and running statistics by entries of the same names. Errors print `source`.
    pub(crate) fn set_entries(&mut self, source: &str, entries: Vec<Entry>) -> Result<()> {
        let wanted = self.wanted().into_iter();
        let found = wanted.map(|wanted| {
            let entry = entries.iter().find(|entry| entry.name == wanted.name);
            let values = entry.map(|entry| entry.values.clone());
            values.ok_or_else(|| Error::format(source, format!("no tensor {}", wanted.name)))
        });
        let found: Result<Vec<Vec<f32>>> = found.collect();
        self.set_values(&found?)
    }

    /// Tensors that a file must contain: parameters, then running statistics.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let parameters = self.graph.parameters.iter();
        let parameters = parameters.map(|p| (p.name.clone(), p.dimensions()));
        let running = self.running_names().into_iter();
        let running = running.map(|(name, cols)| (name, vec![cols]));
        let all = parameters.chain(running);
        all.map(|(name, shape)| Wanted { name, shape }).collect()
    }

    /// Tensors that this file must contain. A file that wgrad has not written has PyTorch's order of dimensions.
    fn wanted_in(&self, header: &Header) -> Vec<Wanted> {
        let mut wanted = self.wanted();
        if !header.is_own() {
            for (wanted, parameter) in wanted.iter_mut().zip(&self.graph.parameters) {
                wanted.shape = parameter.order.dims(&wanted.shape);
            }
        }
        wanted
    }

    /// Reads and checks the values of each wanted tensor in a file. Does not change the network.
    pub(crate) fn values(
        &self,
        file: &str,
        header: &Header,
        bytes: &[u8],
        options: LoadOptions,
    ) -> Result<Vec<Vec<f32>>> {
        let wanted = self.wanted_in(header);
        let found = matching(file, header, &wanted, options)?;
        let orders = self.graph.parameters.iter().map(Some);
        let orders = orders.chain(std::iter::repeat(None));
        let values = found.into_iter().zip(wanted).zip(orders);
        let values = values.map(|((i, wanted), parameter)| {
            let tensor = &header.tensors[i];
            if self.is_variance(&wanted.name) {
                return tensor.values_not_negative(file, bytes);
            }
            let values = tensor.values(file, bytes)?;
            Ok(match parameter {
                Some(parameter) if !header.is_own() => {
                    parameter.order.restore(&parameter.dims, values)
                }
                _ => values,
            })
        });
        values.collect()
    }

    /// Replaces parameters and running statistics by the values from [`Network::values`].
    pub(crate) fn set_values(&mut self, values: &[Vec<f32>]) -> Result<()> {
        for (wanted, values) in self.wanted().into_iter().zip(values) {
            self.set_parameter(&wanted.name, values)?;
        }
        Ok(())
    }
}

impl crate::graph::Parameter {
    /// Shape in files: one dimension for vectors.
    pub(crate) fn dimensions(&self) -> Vec<usize> {
        self.dims.clone()
    }
}
