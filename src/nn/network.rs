//! A network on a device: its parameters, prediction, gradients, files.

use crate::data::{Targets, check_finite, check_labels};
use crate::executor::{Executor, PlanId};
use crate::graph::{Graph, Op, Supervision, Term, Value};
use crate::kernel::program::Element;
use crate::kernel::update::ALL_FINITE;
use crate::kernel::{Loss, MatrixShape};
use crate::plan::{
    Arena, BufferSpec, Clock, Plan, Request, Role, Task, class_weights, loss_sums, lower,
};
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
    /// What training makes small, and gradients are of.
    pub(crate) terms: Vec<Term>,
    pub(super) plans: HashMap<PlanKey, (PlanId, Plan)>,
    /// Tells one network from another.
    id: u64,
}

/// What tells the plans of a network apart: the batch, and for gradients what it comes with.
type PlanKey = (usize, Option<Supervision>);

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
        let terms = if self.terms.is_empty() {
            vec![Term::of_output(output, Loss::default())]
        } else {
            self.terms.clone()
        };
        let mut network = Network {
            device: device.clone(),
            output,
            terms: Vec::new(),
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
        network.reserve_running()?;
        network.set_terms(terms)?;
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

    /// Its input, which every network has.
    pub(crate) fn input(&self) -> Value {
        let node = self
            .graph
            .nodes
            .iter()
            .position(|node| node.op == Op::Input);
        self.graph.value(node.unwrap_or(0))
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
        for (number, chunk) in x.chunks(MOST_PREDICT_ROWS * self.inputs()).enumerate() {
            let rows = chunk.len() / self.inputs();
            // Few sizes, so few plans: the rows are filled up with zeros.
            let batch = rows.next_power_of_two();
            let id = self.plan(batch, None)?;
            self.write_input(chunk, batch)?;
            let plan = &self.plans[&(batch, None)].1;
            let state = Role::State(Clock::Evaluation);
            if plan.buffer(state).is_some() {
                // Random numbers differ from chunk to chunk.
                self.executor
                    .write(state, 0, &[number as u32, 0, ALL_FINITE, 0])?;
            }
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

    /// Puts other terms in the place of the loss.
    pub(crate) fn set_terms(&mut self, terms: Vec<Term>) -> Result<()> {
        for term in &terms {
            self.graph.check_term(term)?;
        }
        let (weights, _) = class_weights(&terms);
        if !weights.is_empty() {
            let (role, element, len) = (Role::ClassWeights, Element::Float, weights.len());
            self.executor.reserve(BufferSpec { role, element, len })?;
            self.executor
                .write(role, 0, bytemuck::cast_slice(&weights))?;
        }
        self.plans
            .retain(|(_, supervision), _| supervision.is_none());
        self.terms = terms;
        Ok(())
    }

    /// Places for the loss sums of a batch.
    pub(crate) fn loss_sums(&self, batch: usize) -> usize {
        loss_sums(&self.graph, &self.terms, batch)
    }

    /// Those of one term.
    pub(crate) fn term_sums(&self, term: &Term, batch: usize) -> usize {
        loss_sums(&self.graph, std::slice::from_ref(term), batch)
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

    /// The plan for a batch size, made when first wanted: of prediction, or of the gradients of a batch that comes with
    /// this.
    pub(super) fn plan(
        &mut self,
        batch: usize,
        supervision: Option<Supervision>,
    ) -> Result<PlanId> {
        let key = (batch, supervision);
        if let Some((id, _)) = self.plans.get(&key) {
            return Ok(*id);
        }
        let task = match supervision {
            None => Task::Predict,
            Some(_) => Task::Differentiate,
        };
        let plan = lower(&self.request(batch, task, supervision.unwrap_or_default()));
        let id = self.executor.add(&plan)?;
        self.plans.insert(key, (id, plan));
        Ok(id)
    }

    /// A plan to be made, of one batch that the host writes.
    pub(crate) fn request<'a>(
        &'a self,
        batch: usize,
        task: Task<'a>,
        supervision: Supervision,
    ) -> Request<'a> {
        Request {
            graph: &self.graph,
            arena: &self.arena,
            output: self.output,
            terms: &self.terms,
            supervision,
            batch,
            task,
            gather: None,
            seed: 0,
            table_steps: 1,
            ring_batch: batch,
        }
    }

    /// Writes what a batch comes with.
    pub(crate) fn write_targets(&mut self, targets: Targets<'_>, rows: usize) -> Result<()> {
        // The losses may not need all that came.
        let mut write = |role, element, words: &[u32]| {
            let len = words.len();
            self.executor.reserve(BufferSpec { role, element, len })?;
            self.executor.write(role, 0, words)
        };
        if let Some(labels) = targets.labels {
            write(Role::Labels, Element::Word, labels)?;
        }
        if let Some(values) = targets.values {
            let padded = MatrixShape::new(rows, values.len() / rows).pad(values);
            write(Role::Targets, Element::Float, bytemuck::cast_slice(&padded))?;
        }
        Ok(())
    }

    /// Writes samples to the batch, and zeros to the rows after them.
    pub(crate) fn write_input(&mut self, x: &[f32], batch: usize) -> Result<()> {
        let shape = MatrixShape::new(x.len() / self.inputs(), self.inputs());
        let mut padded = shape.pad(x);
        padded.resize(batch * shape.ld(), 0.0);
        // What is computed may not need the samples.
        let (role, element, len) = (Role::Input, Element::Float, padded.len());
        self.executor.reserve(BufferSpec { role, element, len })?;
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

    /// How many samples a batch has, and what it comes with, if it is fit for training.
    pub(crate) fn check_batch(
        &self,
        operation: &'static str,
        x: &[f32],
        targets: Targets<'_>,
    ) -> Result<(usize, Supervision)> {
        let rows = self.rows(operation, x)?;
        let (labels, values) = (
            targets.labels.map_or(rows, <[u32]>::len),
            targets.values.map_or(0, <[f32]>::len),
        );
        if rows == 0 || rows != labels || !values.is_multiple_of(rows) {
            return Err(Error::shape(
                operation,
                "at least one sample, and one label or row of target values for each",
                format!("{rows} samples, {labels} labels, {values} target values"),
            ));
        }
        if let Some(values) = targets.values {
            check_finite(values, values.len() / rows)?;
        }
        let cols = targets.values.map(|values| values.len() / rows);
        let supervision = self.check_supervision(operation, targets.labels.is_some(), cols)?;
        if let Some(labels) = targets.labels {
            for term in self
                .terms
                .iter()
                .filter(|term| term.takes_labels(supervision))
            {
                check_labels(labels, self.classes(term), term.loss.ignore_index)?;
            }
        }
        self.check_batch_size(rows)?;
        Ok((rows, supervision))
    }

    /// Refuses what comes with the samples where a loss needs something else.
    pub(crate) fn check_supervision(
        &self,
        operation: &'static str,
        labels: bool,
        target_cols: Option<usize>,
    ) -> Result<Supervision> {
        let supervision = Supervision {
            labels,
            targets: target_cols.is_some(),
        };
        for term in self.terms.iter().filter(|term| term.of_batch()) {
            let cols = term
                .loss
                .criterion
                .target_cols(self.graph.shape(term.inputs[0]).cols);
            if !term.takes_labels(supervision) && (target_cols != Some(cols) || term.needs_labels())
            {
                let wanted = if term.needs_labels() {
                    format!("labels for the loss {}", term.name)
                } else {
                    format!(
                        "labels, or {cols} target values a sample, for the loss {}",
                        term.name
                    )
                };
                let found = match target_cols {
                    Some(cols) => format!("{cols} target values a sample"),
                    None => "samples alone".to_string(),
                };
                return Err(Error::shape(operation, wanted, found));
            }
        }
        Ok(supervision)
    }

    /// What a batch that the losses can take comes with, at the least.
    pub(crate) fn usual_supervision(&self) -> Supervision {
        let labels = Supervision {
            labels: true,
            targets: false,
        };
        let terms = || self.terms.iter().filter(|term| term.of_batch());
        Supervision {
            labels: terms().any(|term| term.takes_labels(labels)),
            targets: terms().any(|term| !term.takes_labels(labels)),
        }
    }

    /// How many classes a term tells apart.
    pub(crate) fn classes(&self, term: &Term) -> usize {
        term.loss
            .criterion
            .classes(self.graph.shape(term.inputs[0]).cols)
    }
}
