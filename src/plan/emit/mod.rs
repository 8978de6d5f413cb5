//! Lowering: the kernel calls of each operation that is not computed within another's call.
//!
//! Each operation's file has the same name as its file in `graph/op/`. An operation that one elementwise kernel
//! computes needs no file here: [`Elementwise`] names its kernel.

mod activation;
mod attention;
mod average_pool;
mod batch_matmul;
mod batch_norm;
mod bias_add;
mod cached_attention;
mod carry;
mod column_sum;
mod concat;
mod constant;
mod convolution;
mod dropout;
mod embedding;
mod gather;
mod group_norm;
mod input;
mod layer_norm;
mod loss;
mod matmul;
mod max;
mod max_pool;
mod operands;
mod output;
mod pad;
mod parameter;
mod permute;
mod random;
mod recurrence;
mod repeat;
mod reshape;
mod rms_norm;
mod row_sum;
mod slice;
mod softmax;
mod sum;
mod targets;
mod transpose;
mod views;

use super::compiled::Cost;
use super::fuse::Fusion;
use super::guards::Guarded;
use super::inspect::{Inspected, What, inspected};
use super::operand::{Operand, UnplacedCall};
use super::ring::{class_weights, loss_sums};
use super::running::running_places;
use super::spec::{PlanSpec, Task};
use crate::graph::op::{self, Elementwise, Op, operations};
use crate::graph::{Graph, Value};
use crate::kernel::base::guard::ORDINARY;
use crate::kernel::elementwise::Op as Elementary;
use crate::kernel::movement::MovementOp;
use crate::kernel::{self, IncrementStep, Kernel, MatrixShape, Movement};
use std::collections::HashMap;

/// The lowering of an operation to kernel calls.
pub(super) trait Lower {
    /// Appends the calls that compute `value`, the result of the operation.
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>);

    /// Marks the operations that are fused into this operation's call, or the operation that this one is fused into.
    fn fuse(&self, _value: Value, _graph: &Graph, _fusion: &mut Fusion) {}

    /// Whether the operation's call tests its result for NaN and infinity, so that it may write a parameter's gradient
    /// directly to the gradient arena.
    fn tests_gradient(&self, _graph: &Graph) -> bool {
        false
    }

    /// The operand of the result, if it is in its own buffer before any call.
    fn place(&self, _value: Value, _emitter: &Emitter<'_>) -> Option<Operand> {
        None
    }

    /// A lower bound of the cost, for operations whose cost is counted. `shape` gives the shape of a value in memory.
    fn lower_bound(&self, _value: Value, _shape: &dyn Fn(Value) -> MatrixShape) -> Cost {
        Cost::default()
    }
}

/// Lowering of an operation that one elementwise kernel computes from its operands, in order.
impl<T: Elementwise> Lower for T {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let mut inputs = Vec::new();
        self.for_each_operand(&mut |operand| inputs.push(operand));
        emitter.elementwise(self.kernel(emitter.graph), &inputs, value);
    }
}

macro_rules! define_lowering {
    (differentiable: $($forward:ident),*; internal: $($internal:ident),*;) => {
        /// The lowering of an operation.
        pub(super) fn lowering(op: &Op) -> &dyn Lower {
            match op { $(Op::$forward(op) => op,)* $(Op::$internal(op) => op),* }
        }
    };
}
operations!(define_lowering);

/// Appends the calls of a plan, in the order of the operations.
pub(crate) struct Emitter<'a> {
    pub(super) spec: &'a PlanSpec<'a>,
    pub(super) graph: &'a Graph,
    pub(super) fusion: &'a Fusion,
    /// The gradient of each parameter.
    gradients: &'a [Option<Value>],
    /// The values that the carried states of the graph become, in its order.
    carried: &'a [Value],
    /// For each gradient, the first parameter that it belongs to.
    gradient_of: HashMap<Value, usize>,
    /// The further outputs of each operation that has any, in order.
    outputs: HashMap<Value, Vec<Value>>,
    /// The tensors that an inspected step measures, and the total number of floats of their measures.
    pub(super) inspected: (Vec<Inspected>, usize),
    /// Index of each inspected activation in that list, by node.
    inspected_activations: HashMap<usize, usize>,
    /// The offset of each batch normalisation's running statistics in floats, and the total number of floats.
    running: (Vec<usize>, usize),
    /// Offset of each term's class weights, in floats.
    class_weights: Vec<usize>,
    /// Offset of each term's sums in a place of the metric ring, and the total number of entries.
    loss_sums: (Vec<usize>, usize),
    has_loss: bool,
    calls: Vec<UnplacedCall>,
    /// The tensor of each id of the non-finite guard, from id 1 on.
    guards: Vec<Guarded>,
}

impl<'a> Emitter<'a> {
    pub(crate) fn new(
        spec: &'a PlanSpec<'a>,
        graph: &'a Graph,
        fusion: &'a Fusion,
        gradients: &'a [Option<Value>],
        carried: &'a [Value],
    ) -> Self {
        let mut gradient_of = HashMap::new();
        for (number, gradient) in gradients.iter().enumerate() {
            if let Some(gradient) = *gradient {
                gradient_of.entry(gradient).or_insert(number);
            }
        }
        let mut outputs: HashMap<Value, Vec<Value>> = HashMap::new();
        for (node, made) in graph.nodes.iter().enumerate() {
            if let Op::Output(output) = &made.op {
                outputs
                    .entry(output.of)
                    .or_default()
                    .push(graph.value(node));
            }
        }
        let inspected = match spec.task {
            Task::Train(step) if step.inspect => {
                inspected(spec.graph, step.computed, step.trained, spec.batch)
            }
            _ => (Vec::new(), 0),
        };
        let mut inspected_activations = HashMap::new();
        for (i, item) in inspected.0.iter().enumerate() {
            if let What::Activation(node) = item.what {
                inspected_activations.insert(node, i);
            }
        }
        let mut sums = (Vec::new(), 0);
        for term in spec.terms {
            sums.0.push(sums.1);
            sums.1 += loss_sums(graph, std::slice::from_ref(term), spec.ring_batch);
        }
        Emitter {
            spec,
            graph,
            fusion,
            gradients,
            carried,
            gradient_of,
            outputs,
            inspected,
            inspected_activations,
            running: running_places(graph),
            class_weights: class_weights(spec.terms).1,
            loss_sums: sums,
            has_loss: false,
            calls: Vec::new(),
            guards: Vec::new(),
        }
    }

    /// Emits the gather, the graph's operations in order, then the calls that read the gradients.
    pub(crate) fn emit(mut self) -> (Vec<UnplacedCall>, Vec<Guarded>) {
        if let Some(source) = self.spec.gather {
            self.gather(source);
        }
        let graph = self.graph;
        for (node, made) in graph.nodes.iter().enumerate() {
            if self.fusion.is_needed(node) && self.fusion.host[node].is_none() {
                lowering(&made.op).emit(graph.value(node), &mut self);
                self.inspect_activation(node);
            }
        }
        self.copy_gradients();
        if let Task::Train(training) = self.spec.task {
            self.end_step(training);
        }
        if matches!(self.spec.task, Task::Evaluate) {
            self.carry_states();
            let state = self.state();
            self.push(IncrementStep, vec![state]);
        }
        (self.calls, self.guards)
    }

    pub(super) fn push(&mut self, kernel: impl Into<Kernel>, operands: Vec<Operand>) {
        self.calls.push(UnplacedCall {
            kernel: kernel.into(),
            operands,
        });
    }

    fn elementwise(&mut self, op: Elementary, inputs: &[Value], out: Value) {
        let mut operands = self.operands(inputs);
        operands.push(self.operand(out));
        let shape = self.shape(out);
        self.push(kernel::Elementwise { op, shape }, operands);
    }

    fn movement(&mut self, op: MovementOp, inputs: &[Value], out: Value) {
        let mut operands = self.operands(inputs);
        operands.push(self.operand(out));
        let shape = self.shape(out);
        self.push(Movement { op, shape }, operands);
    }

    /// Appends the statistics of an activation's values, in an inspected step.
    fn inspect_activation(&mut self, node: usize) {
        if let Some(&i) = self.inspected_activations.get(&node) {
            self.measure(self.inspected.0[i]);
        }
    }

    /// Appends copies of the gradients in slots to the gradient arena.
    fn copy_gradients(&mut self) {
        for (number, gradient) in self.gradients.iter().enumerate() {
            let Some(gradient) = *gradient else { continue };
            if self.parameter_of(gradient).is_none() {
                let operands = vec![
                    self.operand(gradient),
                    self.gradient_place(number),
                    self.state(),
                ];
                let op = Elementary::GradientCopy(self.guard(Guarded::Gradient(number)));
                let shape = self.shape(gradient);
                self.push(kernel::Elementwise { op, shape }, operands);
            }
        }
    }

    /// The further outputs of an operation, in order.
    fn outputs(&self, value: Value) -> Vec<Value> {
        self.outputs.get(&value).cloned().unwrap_or_default()
    }

    /// The parameter whose gradient this value is, if its call can write it directly to the gradient arena. This
    /// requires that the value has no other use and that its kernel tests for NaN. (A call cannot read one part of the
    /// arena and write another, since a buffer is bound either to read or to write.) Other gradients take a slot and
    /// are copied.
    pub(super) fn parameter_of(&self, value: Value) -> Option<usize> {
        let number = *self.gradient_of.get(&value)?;
        let only = self.fusion.users[value.0] == [super::fuse::ROOT];
        (only && lowering(self.graph.op(value)).tests_gradient(self.graph)).then_some(number)
    }

    /// Allocates the next guard id and returns it as the kernel takes it: in an ordinary step, with the bit that also
    /// tests for large values.
    fn guard(&mut self, guarded: Guarded) -> u32 {
        self.guards.push(guarded);
        self.guards.len() as u32 | if self.is_ordinary() { ORDINARY } else { 0 }
    }

    /// The guard id of the gradient that a kernel writes, if it writes one.
    fn gradient_guard(&mut self, value: Value) -> Option<u32> {
        let number = self.parameter_of(value)?;
        Some(self.guard(Guarded::Gradient(number)))
    }

    /// Whether this is a training step that relies on bounds instead of dry runs.
    fn is_ordinary(&self) -> bool {
        matches!(self.spec.task, Task::Train(training) if !training.careful)
    }

    /// Guard id of the first block of the parameter arena, after the ids of all tensors so far.
    pub(super) fn first_block_id(&self) -> u32 {
        self.guards.len() as u32 + 1
    }
}
