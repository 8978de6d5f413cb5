//! Running statistics of batch normalisations: stored beside the parameters, with names of their own.

use super::{Entry, Network};
use crate::graph::Op;
use crate::graph::names::RUNNING;
use crate::kernel::MatrixShape;
use crate::optim::fixed_layers;
use crate::plan::{Role, running_places};
use crate::{ParameterGroup, Result};

impl Network {
    /// Writes the initial statistics: mean 0 and variance 1.
    pub(super) fn write_first_running(&mut self) -> Result<()> {
        let (places, _) = running_places(&self.graph);
        for (number, place) in places.into_iter().enumerate() {
            let cols = self.graph.running[number].cols;
            let values = [vec![0.0; cols], vec![1.0; cols]].concat();
            let padded = MatrixShape::new(2, cols).pad(&values);
            self.executor.write(
                Role::Running,
                place,
                bytemuck::cast_slice::<f32, u32>(&padded),
            )?;
        }
        Ok(())
    }

    /// Index of the batch normalisation with this name, and the row of its statistics (0 is the mean, 1 the variance).
    pub(super) fn running_number(&self, name: &str) -> Option<(usize, usize)> {
        let (layer, end) = name.rsplit_once('.')?;
        let row = RUNNING.iter().position(|known| *known == end)?;
        let number = self
            .graph
            .running
            .iter()
            .position(|running| running.name == layer)?;
        Some((number, row))
    }

    /// For each batch normalisation, whether the groups make it use the running statistics in training.
    pub(crate) fn fixed_statistics(&self, groups: &[ParameterGroup]) -> Result<Vec<bool>> {
        let layers = self
            .graph
            .running
            .iter()
            .map(|running| running.name.as_str());
        let layers: Vec<&str> = layers.collect();
        fixed_layers(groups, &layers)
    }

    /// For each batch normalisation, whether one of its parameters is trained, given which of all parameters are.
    pub(crate) fn moving_statistics(&self, trained: &[bool]) -> Vec<bool> {
        let mut moving = vec![false; self.graph.running.len()];
        for node in &self.graph.nodes {
            if let Op::BatchNorm(norm) = &node.op {
                let trains =
                    |value| matches!(self.graph.op(value), Op::Parameter(p) if trained[p.number]);
                moving[norm.number] = trains(norm.gamma) || trains(norm.beta);
            }
        }
        moving
    }

    /// Whether this is the name of a running variance.
    pub(crate) fn is_variance(&self, name: &str) -> bool {
        self.running_number(name).is_some_and(|(_, row)| row == 1)
    }

    /// Reads one row of statistics.
    pub(super) async fn read_running(&self, number: usize, row: usize) -> Result<Vec<f32>> {
        let (first, cols) = self.running_place(number, row);
        let words = self
            .executor
            .read(Role::Running, first..first + cols)
            .await?;
        Ok(bytemuck::cast_slice(&words).to_vec())
    }

    pub(super) fn write_running(
        &mut self,
        number: usize,
        row: usize,
        values: &[f32],
    ) -> Result<()> {
        let (first, _) = self.running_place(number, row);
        self.executor
            .write(Role::Running, first, bytemuck::cast_slice(values))
    }

    /// Offset and length of a row of statistics, in floats.
    fn running_place(&self, number: usize, row: usize) -> (usize, usize) {
        let shape = MatrixShape::new(2, self.graph.running[number].cols);
        (
            running_places(&self.graph).0[number] + row * shape.ld(),
            shape.cols,
        )
    }

    /// Statistics as named tensors.
    pub(super) async fn running_entries(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for number in 0..self.graph.running.len() {
            for (row, end) in RUNNING.into_iter().enumerate() {
                let values = self.read_running(number, row).await?;
                entries.push(Entry {
                    name: format!("{}.{end}", self.graph.running[number].name),
                    shape: vec![values.len()],
                    values,
                });
            }
        }
        Ok(entries)
    }

    /// The names and lengths of the statistics.
    pub(super) fn running_names(&self) -> Vec<(String, usize)> {
        let names = |running: &crate::graph::Running| {
            RUNNING.map(|end| (format!("{}.{end}", running.name), running.cols))
        };
        self.graph.running.iter().flat_map(names).collect()
    }
}
