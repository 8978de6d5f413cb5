//! From a graph to a plan: chooses the calls, then the buffers.

use super::emit::Emitter;
use super::fuse::Fusion;
use super::least::{Cost, least};
use super::operand::{Draft, Operand};
use super::slots::Slots;
use super::{Arena, BufferSpec, Call, Clock, Plan, Region, Role};
use crate::graph::{Derivatives, Graph, Op, Supervision, Term, Value};
use crate::kernel::gather::Source;
use crate::kernel::matrix::ALIGNMENT;
use crate::kernel::program::Element;
use crate::kernel::scaling::Scaling;
use crate::kernel::{Augmentation, Clip, Compute, Optimizer, Scales};

/// What a plan is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task<'a> {
    /// Compute the output from the input.
    Predict,
    /// Compute the losses.
    Evaluate,
    /// Compute the losses and all gradients.
    Differentiate,
    /// Compute mean and variance of the batch at every batch normalisation: they take the place of the next running
    /// statistics. Dropout is the identity, as in evaluation.
    Statistics,
    /// One training step.
    Train(Training<'a>),
}

/// What a training step does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Training<'a> {
    /// The terms of the loss, by number.
    pub(crate) terms: &'a [usize],
    /// For each parameter, whether it is trained.
    pub(crate) trained: &'a [bool],
    /// For each batch normalisation, whether the step moves its running statistics.
    pub(crate) moves: &'a [bool],
    /// For each batch normalisation, whether it takes the running statistics instead of the batch's.
    pub(crate) fixed: &'a [bool],
    /// For each node of the graph, whether a term is made of it.
    pub(crate) computed: &'a [bool],
    pub(crate) optimizer: Optimizer,
    /// Also report the norm of the gradient.
    pub(crate) gradient_norm: bool,
    pub(crate) clip: Option<Clip>,
    /// Whether the update has factors for the parameters.
    pub(crate) grouped: bool,
    /// Each phase has gradients and factors of its own.
    pub(crate) phase: usize,
    /// Whether several micro-batches make one update.
    pub(crate) accumulates: bool,
    /// Whether this is the first micro-batch of its update, and whether it is the last.
    pub(crate) opens: bool,
    pub(crate) updates: bool,
    /// Decay of the moving average of the weights, and whether this update is its first.
    pub(crate) average: Option<(f64, bool)>,
    /// Also measure activations, gradients, updates and weights.
    pub(crate) inspect: bool,
    /// Dry runs come before everything that changes something: see [`crate::kernel::guard`].
    pub(crate) careful: bool,
}

/// A resident data set, as the gather kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GatherSource {
    pub(crate) source: Source,
    pub(crate) samples: usize,
    pub(crate) scaling: Scaling,
    /// Columns of the target values, where there are some.
    pub(crate) target_cols: Option<usize>,
    /// Whether the samples are moved at random, and with which seed.
    pub(crate) augment: Option<(Augmentation, u64)>,
}

/// All that a plan is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) arena: &'a Arena,
    pub(crate) output: Value,
    /// All terms of the loss.
    pub(crate) terms: &'a [Term],
    /// What the batch comes with.
    pub(crate) supervision: Supervision,
    pub(crate) batch: usize,
    pub(crate) task: Task<'a>,
    /// Where the batch comes from; `None`: the host writes it.
    pub(crate) gather: Option<GatherSource>,
    /// Entries of the step table, and places of the metric ring.
    pub(crate) table_steps: usize,
    /// Of the random numbers that are drawn on the device.
    pub(crate) seed: u64,
    /// The largest batch whose loss sums a place of the metric ring must hold.
    pub(crate) ring_batch: usize,
}

impl Request<'_> {
    /// The scales of accumulating steps.
    pub(crate) fn scales(&self) -> Scales {
        Scales {
            steps: self.table_steps,
            terms: self.terms.len(),
        }
    }

    /// Whether the step is one of several that make an update.
    pub(crate) fn accumulates(&self) -> bool {
        matches!(
            self.task,
            Task::Train(Training {
                accumulates: true,
                ..
            })
        )
    }
}

/// Compiles a plan.
pub(crate) fn lower(request: &Request<'_>) -> Plan {
    let mut graph = request.graph.clone();
    let mut output = request.output;
    let (mut losses, mut gradients) = (Vec::new(), Vec::new());
    let numbered: Vec<(usize, &Term)> = request.terms.iter().enumerate().collect();
    let everything = vec![true; graph.parameters.len()];
    match request.task {
        Task::Predict | Task::Statistics => {}
        Task::Evaluate => losses = graph.push_losses(&numbered),
        Task::Differentiate => {
            Derivatives { losses, gradients } = graph.differentiate(&numbered, &everything);
        }
        Task::Train(Training {
            terms,
            trained,
            fixed,
            ..
        }) => {
            graph.fix_statistics(fixed);
            let active: Vec<_> = terms.iter().map(|&term| numbered[term]).collect();
            Derivatives { losses, gradients } = graph.differentiate(&active, trained);
        }
    }
    let values = losses.iter_mut().chain(gradients.iter_mut().flatten());
    let inference = !matches!(request.task, Task::Differentiate | Task::Train(_));
    graph.resolve(inference, values.chain([&mut output]));
    // One value may be the gradient of several parameters: then it is a root several times.
    let mut roots: Vec<Value> = losses
        .iter()
        .chain(gradients.iter().flatten())
        .copied()
        .collect();
    if matches!(request.task, Task::Predict) {
        roots.push(output);
    }
    if matches!(request.task, Task::Statistics) {
        let nodes = graph.nodes.iter().enumerate();
        let normalisations = nodes.filter(|(_, node)| matches!(node.op, Op::BatchNorm { .. }));
        roots.extend(normalisations.map(|(i, _)| graph.value(i)));
    }
    let fusion = Fusion::new(&graph, &roots);
    let (drafts, guards) = Emitter::new(request, &graph, &fusion, &gradients).emit();
    let output = matches!(request.task, Task::Predict).then_some(output);
    Plan {
        guards,
        least: least(request, &graph, |node| fusion.is_needed(node)),
        ..assign_buffers(request, &graph, drafts, output)
    }
}

/// Gives every operand its buffer: values within the step take slots, for as long as they live.
fn assign_buffers(
    request: &Request<'_>,
    graph: &Graph,
    drafts: Vec<Draft>,
    output: Option<Value>,
) -> Plan {
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
        least: Cost::default(),
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
            Op::Targets => (Role::Targets, 0),
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
    plan.number_slots(&slots);
    plan
}

impl Plan {
    /// Numbers the slots from the largest to the smallest. Plans share slots of one number, so that they take little more
    /// memory together than the largest of them.
    fn number_slots(&mut self, slots: &Slots) {
        let mut order: Vec<usize> = (0..slots.lengths.len()).collect();
        order.sort_by_key(|&slot| std::cmp::Reverse(slots.lengths[slot]));
        for buffer in &mut self.buffers {
            if let Role::Slot(slot) = &mut buffer.role {
                let place = order.iter().position(|old| old == slot);
                *slot = place.unwrap_or(*slot);
            }
        }
    }

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

impl Task<'_> {
    /// The clock whose state, table and ring the plan uses.
    pub(crate) fn clock(&self) -> Clock {
        match self {
            Task::Train(_) => Clock::Training,
            _ => Clock::Evaluation,
        }
    }
}

#[cfg(test)]
mod tests;
