//! A network on a device: its parameters, prediction, gradients, files.

use crate::data::{check_finite, check_labels};
use crate::executor::{Executor, PlanId};
use crate::graph::{Graph, Op, Value};
use crate::kernel::program::Element;
use crate::kernel::update::ALL_FINITE;
use crate::kernel::{MatrixShape, row_reduce};
use crate::plan::{Arena, BufferSpec, Plan, Request, Role, Task, lower};
use crate::{Device, Error, Result};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows that [`Network::predict`] computes at a time.
const MOST_PREDICT_ROWS: usize = 256;

/// A network whose parameters lie on a device.
///
/// Made by [`Sequential::build`](crate::Sequential::build) or [`Graph::build`]; trained by a
/// [`Trainer`](crate::Trainer).
#[derive(Debug)]
pub struct Network {
    pub(crate) device: Device,
    pub(crate) graph: Graph,
    pub(crate) output: Value,
    pub(crate) arena: Arena,
    pub(crate) executor: Executor,
    pub(super) plans: HashMap<(usize, bool), (PlanId, Plan)>,
    /// Tells one network from another.
    id: u64,
}

impl Graph {
    /// Builds a network that computes `output`: its parameters on the device, drawn from the seed.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no input or the output has not one row per sample;
    /// [`Limit`](Error::Limit) if a parameter is too large for the device.
    pub fn build(self, output: Value, device: &Device, seed: u64) -> Result<Network> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        if !self.nodes.iter().any(|node| node.op == Op::Input) {
            return Err(Error::argument("the number of inputs of a graph", "1", 0));
        }
        if self.shape(output).rows != crate::graph::Rows::Batch {
            return Err(Error::argument(
                "the output of a network",
                "a value with one row per sample",
                self.shape(output),
            ));
        }
        let sizes = self.parameters.iter().map(|p| (p.name.clone(), p.shape));
        let arena = Arena::new(sizes, device.report().max_binding_bytes)?;
        let mut executor = Executor::new(device);
        for (segment, &len) in arena.segments.iter().enumerate() {
            executor.reserve(BufferSpec {
                role: Role::Parameters(segment),
                element: Element::Float,
                len,
            })?;
        }
        let mut network = Network {
            device: device.clone(),
            output,
            arena,
            executor,
            plans: HashMap::new(),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            graph: self,
        };
        for number in 0..network.graph.parameters.len() {
            let parameter = &network.graph.parameters[number];
            let values = parameter.init.draw(seed, number, parameter.shape);
            network.write_parameter(number, &values)?;
        }
        Ok(network)
    }
}

impl Network {
    /// The operations of the graph, in their order.
    pub(crate) fn operations(&self) -> Vec<String> {
        let name = |node: &crate::graph::Node| node.op.describe();
        self.graph.nodes.iter().map(name).collect()
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The device it lies on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Values of a sample.
    pub fn inputs(&self) -> usize {
        let input = self.graph.nodes.iter().find(|node| node.op == Op::Input);
        input.map_or(0, |node| node.shape.cols)
    }

    /// Values of its output per sample.
    pub fn outputs(&self) -> usize {
        self.graph.shape(self.output).cols
    }

    /// Trainable numbers: for dense layers, the sum of inputs·outputs + outputs.
    pub fn parameter_count(&self) -> usize {
        self.graph
            .parameters
            .iter()
            .map(|p| p.shape.rows * p.shape.cols)
            .sum()
    }

    /// A table of the parameters: name, shape, count; and the total.
    pub fn summary(&self) -> String {
        let mut table = String::new();
        for parameter in &self.graph.parameters {
            let count = parameter.shape.rows * parameter.shape.cols;
            table.push_str(&format!(
                "{:<24} {:>16} {count:>12}\n",
                parameter.name,
                format!("{:?}", parameter.dimensions())
            ));
        }
        table.push_str(&format!(
            "{:<24} {:>16} {:>12}\n",
            "total",
            "",
            self.parameter_count()
        ));
        table
    }

    /// The network's output (logits, for a classifier) for any number of samples, row by row; computed 256 rows at a
    /// time.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the values are not whole samples; [`NonFiniteData`](Error::NonFiniteData) if one is NaN
    /// or infinite.
    pub async fn predict_async(&mut self, x: &[f32]) -> Result<Vec<f32>> {
        let rows = self.rows("predict", x)?;
        let mut outputs = Vec::with_capacity(rows * self.outputs());
        for chunk in x.chunks(MOST_PREDICT_ROWS * self.inputs()) {
            let rows = chunk.len() / self.inputs();
            // Few sizes, so few plans: the rows are filled up with zeros.
            let batch = rows.next_power_of_two();
            let id = self.plan(
                batch,
                Task::Predict {
                    output: self.output,
                },
            )?;
            self.write_input(chunk, batch)?;
            let plan = &self.plans[&(batch, false)].1;
            let region = plan
                .output
                .unwrap_or_else(|| unreachable!("a predict plan has an output"));
            let role = plan.buffers[region.buffer].role;
            let fetch = [(role, region.offset..region.offset + region.len)];
            let ticket = self.executor.run_and_fetch(&[id], &fetch)?;
            let shape = self.graph.shape(self.output).at(rows);
            let padded = |words: &[u32]| {
                shape.unpad(&bytemuck::cast_slice::<u32, f32>(words)[..shape.floats()])
            };
            outputs.extend(self.executor.collect(ticket, padded).await?);
        }
        Ok(outputs)
    }

    /// The class of each sample: the place of its first greatest output.
    ///
    /// # Errors
    /// As [`Network::predict_async`].
    pub async fn classify_async(&mut self, x: &[f32]) -> Result<Vec<u32>> {
        let outputs = self.predict_async(x).await?;
        let class = |logits: &[f32]| {
            let greatest = |best: usize, i: usize| if logits[i] > logits[best] { i } else { best };
            (0..logits.len()).fold(0, greatest) as u32
        };
        Ok(outputs.chunks_exact(self.outputs()).map(class).collect())
    }

    /// [`Network::classify_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn classify(&mut self, x: &[f32]) -> Result<Vec<u32>> {
        pollster::block_on(self.classify_async(x))
    }

    /// [`Network::predict_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn predict(&mut self, x: &[f32]) -> Result<Vec<f32>> {
        pollster::block_on(self.predict_async(x))
    }

    /// The error for a guard that a kernel of a plan with these guards has set.
    pub(crate) fn check_guard(&self, guard: u32, guards: &[usize], step: u64) -> Result<()> {
        let tensor = match guard {
            ALL_FINITE => return Ok(()),
            0 => "the loss".to_string(),
            id => format!(
                "the gradient of {}",
                self.graph.parameters[guards[id as usize - 1]].name
            ),
        };
        Err(Error::NonFinite { step, tensor })
    }

    /// Whether training could change the output.
    pub(crate) fn depends_on_parameters(&self) -> bool {
        self.graph.depends_on_parameters()[self.output.0]
    }

    /// Places for the loss sums of a batch.
    pub(crate) fn loss_sums(&self, batch: usize) -> usize {
        row_reduce::sums(self.graph.shape(self.output).at(batch))
    }

    /// Refuses a batch whose values a device could not count in 32 bits.
    pub(crate) fn check_batch_size(&self, batch: usize) -> Result<()> {
        let widest = self
            .graph
            .nodes
            .iter()
            .map(|node| node.shape.cols + 3)
            .max()
            .unwrap_or(0);
        match batch.checked_mul(widest) {
            Some(elements) if u32::try_from(elements).is_ok() => Ok(()),
            _ => {
                let most = u32::MAX as usize / widest.max(1);
                Err(Error::argument(
                    "the batch size",
                    format!("at most {most} for this network"),
                    batch,
                ))
            }
        }
    }

    /// The plan for a task and batch size, made when first wanted.
    pub(super) fn plan(&mut self, batch: usize, task: Task) -> Result<PlanId> {
        let key = (batch, matches!(task, Task::Differentiate { .. }));
        if let Some((id, _)) = self.plans.get(&key) {
            return Ok(*id);
        }
        let plan = lower(&Request {
            graph: &self.graph,
            arena: &self.arena,
            batch,
            task,
            gather: None,
            table_steps: 1,
            ring_stride: self.loss_sums(batch),
        });
        let id = self.executor.add(&plan)?;
        self.plans.insert(key, (id, plan));
        Ok(id)
    }

    /// Writes samples to the batch, and zeros to the rows after them.
    pub(crate) fn write_input(&mut self, x: &[f32], batch: usize) -> Result<()> {
        let shape = MatrixShape::new(x.len() / self.inputs(), self.inputs());
        let mut padded = shape.pad(x);
        padded.resize(batch * shape.ld(), 0.0);
        self.executor
            .write(Role::Input, 0, bytemuck::cast_slice(&padded))
    }

    /// How many samples the values are.
    fn rows(&self, operation: &'static str, x: &[f32]) -> Result<usize> {
        if !x.len().is_multiple_of(self.inputs()) {
            return Err(Error::shape(
                operation,
                format!("whole samples of {} values", self.inputs()),
                format!("{} values", x.len()),
            ));
        }
        check_finite(x, self.inputs())?;
        Ok(x.len() / self.inputs())
    }

    /// How many samples a labelled batch has, if it is fit for training.
    pub(crate) fn batch_rows(
        &self,
        operation: &'static str,
        x: &[f32],
        labels: &[u32],
    ) -> Result<usize> {
        let rows = self.rows(operation, x)?;
        if rows == 0 || rows != labels.len() {
            return Err(Error::shape(
                operation,
                "at least one sample, and one label for each",
                format!("{rows} samples and {} labels", labels.len()),
            ));
        }
        check_labels(labels, self.outputs())?;
        self.check_batch_size(rows)?;
        Ok(rows)
    }
}
