//! Lowering of a graph to a plan: selects the kernel calls, then assigns buffers.

use super::compiled::{BufferSpec, Call, Cost, Plan, Region};
use super::emit::{Emitter, lowering};
use super::fuse::Fusion;
use super::lower_bound::lower_bound;
use super::operand::{Operand, UnplacedCall};
use super::role::Role;
use super::slots::Slots;
use super::spec::{PlanSpec, Task, Training};
use crate::graph::{Derivatives, Graph, Op, Term, Value};
use crate::kernel::Compute;
use crate::kernel::base::binding::Scalar;
use crate::kernel::base::matrix::aligned;
use std::collections::HashMap;

/// Compiles a plan.
pub(crate) fn lower(spec: &PlanSpec<'_>) -> Plan {
    let mut graph = spec.graph.clone();
    let mut output = spec.output;
    let (mut losses, mut gradients) = (Vec::new(), Vec::new());
    let numbered: Vec<(usize, &Term)> = spec.terms.iter().enumerate().collect();
    let everything = vec![true; graph.parameters.len()];
    match spec.task {
        Task::Predict | Task::Statistics => {}
        Task::Evaluate => losses = graph.push_losses(&numbered, spec.supervision),
        Task::Differentiate => {
            Derivatives { losses, gradients } =
                graph.differentiate(&numbered, &everything, spec.supervision);
        }
        Task::Train(Training {
            terms,
            trained,
            fixed,
            ..
        }) => {
            graph.fix_statistics(fixed);
            let active: Vec<_> = terms.iter().map(|&term| numbered[term]).collect();
            Derivatives { losses, gradients } =
                graph.differentiate(&active, trained, spec.supervision);
        }
    }
    let mut carried: Vec<Value> = match spec.task {
        Task::Train(_) | Task::Evaluate => graph.carried.iter().map(|c| c.next).collect(),
        Task::Predict | Task::Differentiate | Task::Statistics => Vec::new(),
    };
    let values = losses.iter_mut().chain(gradients.iter_mut().flatten());
    let values = values.chain(&mut carried);
    graph.resolve(spec.task.is_inference(), values.chain([&mut output]));
    // One value may be the gradient of several parameters; it is then listed several times.
    let mut roots: Vec<Value> = losses
        .iter()
        .chain(gradients.iter().flatten())
        .chain(&carried)
        .copied()
        .collect();
    if matches!(spec.task, Task::Predict) {
        roots.push(output);
    }
    if matches!(spec.task, Task::Statistics) {
        let nodes = graph.nodes.iter().enumerate();
        let normalisations = nodes.filter(|(_, node)| matches!(node.op, Op::BatchNorm(_)));
        roots.extend(normalisations.map(|(i, _)| graph.value(i)));
    }
    let fusion = Fusion::new(&graph, &roots, |value, fusion| {
        lowering(graph.op(value)).fuse(value, &graph, fusion);
    });
    let emitter = Emitter::new(spec, &graph, &fusion, &gradients, &carried);
    let predicted = matches!(spec.task, Task::Predict).then(|| emitter.operand(output));
    let (calls, guards) = emitter.emit();
    Plan {
        guards,
        lower_bound: lower_bound(spec, &graph, |node| fusion.is_needed(node)),
        ..assign_buffers(spec, &graph, calls, predicted)
    }
}

/// Assigns a buffer to every operand. Values within the step occupy slots while they are live.
fn assign_buffers(
    spec: &PlanSpec<'_>,
    graph: &Graph,
    calls: Vec<UnplacedCall>,
    output: Option<Operand>,
) -> Plan {
    // Slots of the nodes, and then of the scratch memory of the nodes.
    let nodes = graph.nodes.len();
    let holder = |operand: &Operand| match *operand {
        Operand::Value(value) => Some(value.0),
        Operand::Scratch { of, .. } => Some(nodes + of.0),
        Operand::Role { .. } => None,
    };
    let mut last_use = vec![None; 2 * nodes];
    for (i, call) in calls.iter().enumerate() {
        for holder in call.operands.iter().filter_map(holder) {
            last_use[holder] = Some(i);
        }
    }
    if let Some(Operand::Value(output)) = output {
        last_use[output.0] = Some(calls.len());
    }
    let mut plan = Plan {
        batch: spec.batch,
        buffers: Vec::new(),
        calls: Vec::new(),
        output: None,
        guards: Vec::new(),
        lower_bound: Cost::default(),
    };
    let mut buffers = Buffers::default();
    let mut slots = Slots::default();
    let mut slot_of: Vec<Option<usize>> = vec![None; 2 * nodes];
    let mut place = |operand, scalar, slots: &mut Slots, slot_of: &mut [Option<usize>]| {
        let (role, offset, len) = match operand {
            Operand::Role { role, offset, len } => (role, offset, len),
            Operand::Value(value) => {
                let floats = graph.shape(value).at(spec.batch).floats();
                let slot = *slot_of[value.0].get_or_insert_with(|| slots.take(floats));
                (Role::Slot(slot), 0, floats)
            }
            Operand::Scratch { of, floats } => {
                let slot = *slot_of[nodes + of.0].get_or_insert_with(|| slots.take(floats));
                (Role::Slot(slot), 0, floats)
            }
        };
        Region {
            buffer: buffers.take(role, scalar, offset + len),
            offset,
            len,
        }
    };
    for (i, call) in calls.into_iter().enumerate() {
        let bindings = call.kernel.bindings();
        assert_eq!(
            bindings.len(),
            call.operands.len(),
            "{}",
            call.kernel.label()
        );
        let mut args = Vec::with_capacity(bindings.len());
        for (operand, binding) in call.operands.iter().zip(&bindings) {
            args.push(place(*operand, binding.scalar(), &mut slots, &mut slot_of));
        }
        for holder in call.operands.iter().filter_map(holder) {
            if last_use[holder] == Some(i) {
                // An operand that occurs twice releases its slot once.
                if let Some(slot) = slot_of[holder].take() {
                    slots.release(slot);
                }
            }
        }
        plan.calls.push(Call {
            kernel: call.kernel,
            args,
        });
    }
    plan.output = output.map(|output| place(output, Scalar::Float, &mut slots, &mut slot_of));
    plan.buffers = buffers.specs;
    plan.number_slots(&slots);
    plan
}

impl Plan {
    /// Numbers the slots from the largest to the smallest. Plans share slots of equal number, so all plans together
    /// take little more memory than the largest of them.
    fn number_slots(&mut self, slots: &Slots) {
        let mut order: Vec<usize> = (0..slots.lengths.len()).collect();
        order.sort_by_key(|&slot| std::cmp::Reverse(slots.lengths[slot]));
        let mut number = vec![0; order.len()];
        for (i, &slot) in order.iter().enumerate() {
            number[slot] = i;
        }
        for buffer in &mut self.buffers {
            if let Role::Slot(slot) = &mut buffer.role {
                *slot = number[*slot];
            }
        }
    }
}

/// The buffers of a plan while operands are assigned.
#[derive(Default)]
struct Buffers {
    specs: Vec<BufferSpec>,
    /// Index of the buffer of each role.
    of_role: HashMap<Role, usize>,
}

impl Buffers {
    /// Returns the index of the buffer of this role, with room for `len` elements.
    fn take(&mut self, role: Role, scalar: Scalar, len: usize) -> usize {
        let len = aligned(len);
        let specs = &mut self.specs;
        let i = *self.of_role.entry(role).or_insert_with(|| {
            specs.push(BufferSpec { role, scalar, len });
            specs.len() - 1
        });
        debug_assert_eq!(self.specs[i].scalar, scalar, "{role:?}");
        self.specs[i].len = self.specs[i].len.max(len);
        i
    }
}

#[cfg(test)]
mod tests;
