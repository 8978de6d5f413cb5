//! Networks on a device: parameters, loss terms and plans.

use super::plans::{Plans, Purpose};
use crate::executor::Executor;
use crate::graph::{Graph, Shape, Supervision, Term, Value};
use crate::kernel::Loss;
use crate::kernel::base::binding::Scalar;
use crate::plan::{
    Arena, BufferSpec, Guarded, PlanSpec, Role, Task, class_weights, constant_places, guarded_name,
    loss_sums, running_places, term_sums,
};
use crate::{Device, Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

/// Default number of rows that [`Network::predict`] computes at a time.
pub(super) const PREDICT_ROWS: usize = 256;

/// A network with its parameters on a device.
///
/// [`Sequential::build`](crate::Sequential::build) and [`Graph::build`] create it; a [`Trainer`](crate::Trainer) trains
/// it.
///
/// Any number of threads and futures may share it to predict and to read parameters, without a lock. Concurrent
/// predictions give the same bits as sequential ones. They queue for the network's buffers: the CPU computes one at a
/// time, on all of its threads, and a GPU runs one while others are uploaded and read. A future that is dropped at any
/// moment leaves the network usable.
#[derive(Debug)]
pub struct Network {
    pub(crate) device: Device,
    pub(crate) graph: Graph,
    pub(crate) output: Value,
    pub(crate) arena: Arena,
    pub(crate) executor: Executor,
    /// Loss terms: the objective that training minimises.
    pub(crate) terms: Vec<Term>,
    /// Whether the loss is the default: a single softmax cross-entropy term, which takes labels only.
    pub(super) default_loss: bool,
    pub(super) plans: Mutex<Plans>,
    /// Whether the output of a sample depends on the others of its batch.
    pub(super) predicts_whole: bool,
    /// Number of rows that predictions compute at a time.
    pub(super) prediction_rows: usize,
    /// Maximum number of prediction rows in one submit; computed on first use.
    pub(super) rows_per_submit: OnceLock<usize>,
    /// Unique id of the network.
    id: u64,
    /// Number of host writes so far with values too large for ordinary training steps: see
    /// [`crate::kernel::base::guard`].
    pub(crate) wild_writes: u64,
}

/// Buffers of a graph's running statistics.
fn running_buffers(graph: &Graph) -> impl Iterator<Item = BufferSpec> + use<> {
    let (_, len) = running_places(graph);
    let roles = [Role::Running, Role::NextRunning].into_iter();
    let scalar = Scalar::Float;
    roles
        .filter(move |_| len > 0)
        .map(move |role| BufferSpec { role, scalar, len })
}

/// The buffer of a graph's constants, if it has any.
fn constant_buffer(graph: &Graph) -> Option<BufferSpec> {
    let (_, len) = constant_places(graph);
    let (role, scalar) = (Role::Constants, Scalar::Float);
    (len > 0).then_some(BufferSpec { role, scalar, len })
}

impl Graph {
    /// Builds a network that computes `output`. Its initial parameters are drawn from the seed, on the device.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the graph has no input or the output is not a batch; [`Limit`](Error::Limit) if
    /// a parameter is too large for the device; [`OutOfMemory`](Error::OutOfMemory) if all parameters together are.
    pub fn build(self, output: Value, device: &Device, seed: u64) -> Result<Network> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        if self.inputs.is_empty() {
            return Err(Error::argument("the number of inputs of a graph", "1", 0));
        }
        let shape = self.known(output)?;
        if !shape.is_batch() || self.depends_on_targets()[output.0] {
            return Err(Error::argument(
                "the output of a network",
                "a batch of values, not made of targets",
                shape,
            ));
        }
        let sizes = self.parameters.iter().map(|p| (p.name.clone(), p.shape));
        let arena = Arena::new(sizes, device.report().max_binding_bytes)?;
        let mut executor = Executor::new(device);
        let segments = arena.segments.iter().enumerate();
        let segments = segments.map(|(segment, &len)| BufferSpec {
            role: Role::Parameters(segment),
            scalar: Scalar::Float,
            len,
        });
        let constants = constant_buffer(&self);
        let buffers = segments.chain(running_buffers(&self)).chain(constants);
        let buffers: Vec<BufferSpec> = buffers.collect();
        executor.reserve_all("a network", &buffers)?;
        let default_loss = self.terms.is_empty();
        let terms = if default_loss {
            vec![Term::of_output(output, Loss::default())]
        } else {
            self.terms.clone()
        };
        let mut network = Network {
            device: device.clone(),
            output,
            terms: Vec::new(),
            default_loss,
            arena,
            executor,
            plans: Mutex::default(),
            predicts_whole: self.mixes_rows(std::iter::once(output)),
            prediction_rows: PREDICT_ROWS,
            rows_per_submit: OnceLock::new(),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            wild_writes: 0,
            graph: self,
        };
        for number in 0..network.graph.parameters.len() {
            let parameter = &network.graph.parameters[number];
            let mut values = parameter
                .init
                .draw(seed, number, parameter.shape, parameter.fans);
            if let Some(row) = parameter.zero_row {
                let cols = parameter.shape.cols;
                values[row * cols..][..cols].fill(0.0);
            }
            network.write_parameter(number, &values)?;
        }
        network.write_first_running()?;
        network.write_constants()?;
        network.set_terms(terms)?;
        network.default_loss = default_loss;
        Ok(network)
    }
}

impl Network {
    /// Writes the graph's constants.
    fn write_constants(&mut self) -> Result<()> {
        let (places, _) = constant_places(&self.graph);
        for (constant, place) in self.graph.constants.iter().zip(places) {
            let padded = constant.shape.pad(&constant.values[..]);
            let words = bytemuck::cast_slice::<f32, u32>(&padded);
            self.executor.write(Role::Constants, place, words)?;
        }
        Ok(())
    }

    /// The operations of the graph, in their order.
    pub(crate) fn operations(&self) -> Vec<String> {
        let name = |node: &crate::graph::Node| node.op.describe();
        self.graph.nodes.iter().map(name).collect()
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The network's device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Number of values in a sample, summed over all inputs.
    pub fn input_features(&self) -> usize {
        let inputs = self.graph.inputs.iter();
        inputs.map(|input| input.sample.elements()).sum()
    }

    /// Shape of a sample of the first input, which every network has.
    pub fn input_shape(&self) -> &Shape {
        &self.graph.inputs[0].sample
    }

    /// The first input as the target of a value: reshaped to the value's shape, if the value is its flat form.
    pub(crate) fn input_as_target(&self, value: Value) -> Value {
        let input = &self.graph.inputs[0];
        if self.graph.shape(value) == self.graph.shape(input.flat) {
            input.flat
        } else {
            input.value
        }
    }

    /// Number of output values per sample.
    pub fn output_features(&self) -> usize {
        self.graph.shape(self.output).elements()
    }

    /// Shape of the output for one sample.
    pub fn output_shape(&self) -> Shape {
        self.graph.shape(self.output).sample()
    }

    /// Number of trainable values: for dense layers, the sum of inputs·outputs + outputs.
    pub fn parameter_count(&self) -> usize {
        self.graph
            .parameters
            .iter()
            .map(|p| p.shape.rows * p.shape.cols)
            .sum()
    }

    /// Size in bytes of the network's buffers on its device so far: parameters, intermediate values of the batch sizes
    /// used, and buffers of its trainer. Readback buffers and the kernels' parameter blocks are not included.
    pub fn bytes_allocated(&self) -> u64 {
        self.executor.bytes_allocated()
    }

    /// Table of the parameters with name, shape and count, followed by the total and [`Network::bytes_allocated`].
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
        table.push_str(&format!(
            "{:<24} {:>16} {:>12}\n",
            "bytes on the device",
            "",
            self.bytes_allocated()
        ));
        table
    }

    /// Returns the error for a guard value that a kernel has set, given the tensors by guard id.
    pub(crate) fn check_guard(&self, guard: u32, guards: &[Guarded], step: u64) -> Result<()> {
        match guarded_name(guard, guards, &self.graph, &self.arena) {
            None => Ok(()),
            Some(tensor) => Err(Error::NonFinite { step, tensor }),
        }
    }

    /// Adopts the loss of another network of the same graph.
    pub(crate) fn set_loss_of(&mut self, other: &Network) -> Result<()> {
        self.set_terms(other.terms.clone())?;
        self.default_loss = other.default_loss;
        Ok(())
    }

    /// Replaces the loss terms.
    pub(crate) fn set_terms(&mut self, terms: Vec<Term>) -> Result<()> {
        for term in &terms {
            self.graph.check_term(term)?;
        }
        let (weights, _) = class_weights(&terms);
        if !weights.is_empty() {
            let (role, scalar, len) = (Role::ClassWeights, Scalar::Float, weights.len());
            let buffer = BufferSpec { role, scalar, len };
            self.executor.reserve_all("class weights", &[buffer])?;
            self.executor
                .write(role, 0, bytemuck::cast_slice(&weights))?;
        }
        self.forget(|purpose| !matches!(purpose, Purpose::Predict | Purpose::Statistics));
        self.terms = terms;
        self.default_loss = false;
        Ok(())
    }

    /// Number of metric-ring entries per step, for a batch of this size.
    pub(crate) fn loss_sums(&self, batch: usize) -> usize {
        loss_sums(&self.graph, &self.terms, batch)
    }

    /// Numbers of metric-ring entries of one term: those with sums of losses, which come first, and all of them.
    pub(crate) fn term_sums(&self, term: &Term, batch: usize) -> [usize; 2] {
        [
            term_sums(&self.graph, term, batch),
            loss_sums(&self.graph, std::slice::from_ref(term), batch),
        ]
    }

    /// The spec of a plan for one batch, which the host writes.
    pub(crate) fn plan_spec<'a>(
        &'a self,
        batch: usize,
        task: Task<'a>,
        supervision: Supervision,
    ) -> PlanSpec<'a> {
        PlanSpec {
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
}
