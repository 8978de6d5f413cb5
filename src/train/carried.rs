//! States that a trainer carries from step to step: reset, reading, and their place in checkpoints.

use super::Trainer;
use super::resume::Saved;
use super::state_buffers::{state_shape, zero_states};
use crate::graph::Carried;
use crate::graph::names::CARRIED;
use crate::nn::{Entry, Header, Wanted, matching_by_name};
use crate::plan::{Clock, Role};
use crate::{Error, Result};

impl Trainer {
    /// Sets the states that [`Graph::carry`](crate::Graph::carry) carries to 0, for batches of your own that start new
    /// sequences. An epoch on a data set does so itself.
    ///
    /// # Errors
    /// Errors of the device only.
    pub fn reset_state(&mut self) -> Result<()> {
        let batch = self.settings.batch_size;
        zero_states(&mut self.network, batch, Clock::Training)
    }

    /// Returns the carried state of the input of this name after the last step, [batch size, values]: a row for each
    /// row of a batch.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if no input of this name carries a state; also errors of the device.
    pub async fn state_async(&mut self, name: &str) -> Result<Vec<f32>> {
        self.resync().await?;
        let graph = &self.network.graph;
        let mut carried = graph.carried.iter();
        let Some(carried) = carried.find(|carried| graph.inputs[carried.input].name == name) else {
            let expected = "the name of an input that carries one (`Graph::carry`)";
            let found = format!("{name:?}");
            return Err(Error::argument("a carried state", expected, found));
        };
        self.read_state(carried.input).await
    }

    /// Blocking form of [`Trainer::state_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn state(&mut self, name: &str) -> Result<Vec<f32>> {
        pollster::block_on(self.state_async(name))
    }

    /// The state of an input.
    async fn read_state(&self, input: usize) -> Result<Vec<f32>> {
        let shape = state_shape(&self.network, input, self.settings.batch_size);
        let role = Role::Carried(Clock::Training, input);
        let words = self.network.executor.read(role, 0..shape.floats()).await?;
        Ok(shape.unpad(bytemuck::cast_slice(&words)))
    }

    /// The states as tensors of a checkpoint.
    pub(super) async fn written_states(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for (input, Wanted { name, shape }) in self.wanted_states() {
            let values = self.read_state(input).await?;
            entries.push(Entry {
                name,
                shape,
                values,
            });
        }
        Ok(entries)
    }

    /// Reads the states of a checkpoint; zeros, if its batches had other rows.
    pub(super) fn read_states(
        &self,
        file: &str,
        header: &Header,
        bytes: &[u8],
        saved: &Saved,
    ) -> Result<Vec<(usize, Vec<f32>)>> {
        let (inputs, wanted): (Vec<usize>, Vec<Wanted>) = self.wanted_states().into_iter().unzip();
        let mut states = Vec::new();
        if !saved.same_streams {
            let zeros = |wanted: &Wanted| vec![0.0; wanted.shape.iter().product()];
            return Ok(inputs.into_iter().zip(wanted.iter().map(zeros)).collect());
        }
        let found = matching_by_name(file, header, &wanted)?;
        for (input, tensor) in inputs.into_iter().zip(found) {
            states.push((input, tensor.values(file, bytes)?));
        }
        Ok(states)
    }

    /// Writes the state of an input.
    pub(super) fn write_state_of(&mut self, input: usize, values: &[f32]) -> Result<()> {
        let shape = state_shape(&self.network, input, self.settings.batch_size);
        let padded = shape.pad(values);
        let role = Role::Carried(Clock::Training, input);
        self.network
            .executor
            .write(role, 0, bytemuck::cast_slice(&padded))
    }

    /// The inputs that carry a state, and the state's tensor in a checkpoint.
    fn wanted_states(&self) -> Vec<(usize, Wanted)> {
        let graph = &self.network.graph;
        let wanted = |carried: &Carried| {
            let shape = state_shape(&self.network, carried.input, self.settings.batch_size);
            let name = format!("{CARRIED}.{}", graph.inputs[carried.input].name);
            let shape = vec![shape.rows, shape.cols];
            (carried.input, Wanted { name, shape })
        };
        graph.carried.iter().map(wanted).collect()
    }
}
