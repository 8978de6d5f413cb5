//! From a graph to a plan: chooses the calls, then the buffers.

use super::emit::Emitter;
use super::fuse::Fusion;
use super::operand::{Draft, Operand};
use super::slots::Slots;
use super::{Arena, BufferSpec, Call, Clock, Plan, Region, Role};
use crate::graph::{Graph, Op, Value};
use crate::kernel::gather::Source;
use crate::kernel::matrix::ALIGNMENT;
use crate::kernel::program::Element;
use crate::kernel::{Compute, Optimizer};

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Task {
    /// Compute a value from the input.
    Predict { output: Value },
    /// Compute loss and correct count.
    Evaluate { logits: Value },
    /// Compute loss, correct count and all gradients.
    Differentiate { logits: Value },
    /// One training step.
    Train {
        logits: Value,
        optimizer: Optimizer,
        /// Also report the norm of the gradient.
        gradient_norm: bool,
    },
}

/// A resident data set, as the gather kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GatherSource {
    pub(crate) source: Source,
    pub(crate) samples: usize,
    pub(crate) scale: f32,
    pub(crate) shift: f32,
}

/// All that a plan is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) arena: &'a Arena,
    pub(crate) batch: usize,
    pub(crate) task: Task,
    /// Where the batch comes from; `None`: the host writes it.
    pub(crate) gather: Option<GatherSource>,
    /// Entries of the step table, and places of the metric ring.
    pub(crate) table_steps: usize,
    /// Loss sums per place of the metric ring: enough for the largest batch of the network's plans.
    pub(crate) ring_stride: usize,
}

/// Compiles a plan.
pub(crate) fn lower(request: &Request<'_>) -> Plan {
    let mut graph = request.graph.clone();
    let (mut roots, mut gradients) = (Vec::new(), Vec::new());
    match request.task {
        Task::Predict { output } => roots.push(output),
        Task::Evaluate { logits } => {
            let shape = graph.shape(logits);
            roots.push(graph.push(Op::CrossEntropy { logits }, shape));
        }
        Task::Train { logits, .. } | Task::Differentiate { logits } => {
            let loss;
            (loss, gradients) = graph.differentiate(logits);
            roots.push(loss);
            // One value may be the gradient of several parameters: then it is a root several times.
            roots.extend(gradients.iter().flatten());
        }
    }
    let fusion = Fusion::new(&graph, &roots);
    let (drafts, guards) = Emitter::new(request, &graph, &fusion, &gradients).emit();
    Plan {
        guards,
        ..assign_buffers(request, &graph, drafts)
    }
}

/// Gives every operand its buffer: values within the step take slots, for as long as they live.
fn assign_buffers(request: &Request<'_>, graph: &Graph, drafts: Vec<Draft>) -> Plan {
    let output = match request.task {
        Task::Predict { output } => Some(output),
        _ => None,
    };
    let mut last_use = vec![None; graph.nodes.len()];
    for (i, draft) in drafts.iter().enumerate() {
        for operand in &draft.operands {
            if let Operand::Value(value) = operand {
                last_use[value.0] = Some(i);
            }
        }
    }
    if let Some(output) = output {
        last_use[output.0] = Some(drafts.len());
    }
    let mut plan = Plan {
        batch: request.batch,
        buffers: Vec::new(),
        calls: Vec::new(),
        output: None,
        guards: Vec::new(),
    };
    let mut slots = Slots::default();
    let mut slot_of: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    for (i, draft) in drafts.into_iter().enumerate() {
        let bindings = draft.kernel.bindings();
        assert_eq!(
            bindings.len(),
            draft.operands.len(),
            "{}",
            draft.kernel.label()
        );
        let mut args = Vec::with_capacity(bindings.len());
        for (operand, binding) in draft.operands.iter().zip(&bindings) {
            let (role, offset, len) = match *operand {
                Operand::Role { role, offset, len } => (role, offset, len),
                Operand::Value(value) => {
                    let floats = graph.shape(value).at(request.batch).floats();
                    let slot = *slot_of[value.0].get_or_insert_with(|| slots.take(floats));
                    (Role::Slot(slot), 0, floats)
                }
            };
            let buffer = plan.add_buffer(role, binding.element, offset + len);
            args.push(Region {
                buffer,
                offset,
                len,
            });
        }
        for operand in &draft.operands {
            let Operand::Value(value) = operand else {
                continue;
            };
            if last_use[value.0] == Some(i) {
                // An operand that stands twice gives its slot back once.
                if let Some(slot) = slot_of[value.0].take() {
                    slots.release(slot);
                }
            }
        }
        plan.calls.push(Call {
            kernel: draft.kernel,
            args,
        });
    }
    if let Some(output) = output {
        let len = graph.shape(output).at(request.batch).floats();
        let (role, offset) = match graph.op(output) {
            Op::Input => (Role::Input, 0),
            Op::Parameter(number) => {
                let place = request.arena.places[*number];
                (Role::Parameters(place.segment), place.offset)
            }
            _ => (
                Role::Slot(slot_of[output.0].expect("the output was computed")),
                0,
            ),
        };
        let buffer = plan.add_buffer(role, Element::Float, offset + len);
        plan.output = Some(Region {
            buffer,
            offset,
            len,
        });
    }
    plan
}

impl Plan {
    /// The number of the buffer of this role, with room for `len` elements.
    fn add_buffer(&mut self, role: Role, element: Element, len: usize) -> usize {
        let len = len.next_multiple_of(ALIGNMENT);
        match self.buffer(role) {
            Some(i) => {
                debug_assert_eq!(self.buffers[i].element, element, "{role:?}");
                self.buffers[i].len = self.buffers[i].len.max(len);
                i
            }
            None => {
                self.buffers.push(BufferSpec { role, element, len });
                self.buffers.len() - 1
            }
        }
    }
}

impl Task {
    /// The clock whose state, table and ring the plan uses.
    pub(crate) fn clock(&self) -> Clock {
        match self {
            Task::Train { .. } => Clock::Training,
            _ => Clock::Evaluation,
        }
    }
}

#[cfg(test)]
mod tests;
