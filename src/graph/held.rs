//! Held graphs: every value that differentiation treats as a constant really is constant.
//!
//! No gradient flows through `stop_gradient`, into the probabilities of a Bernoulli draw, or into the target of a loss.
//! But these values change when a parameter among their ancestors changes, so a difference of losses would contain more
//! than the gradient. A held graph computes these values from copies of the parameters, which keep their values when
//! the original parameters change.

use super::op::{self, Op};
use super::{Graph, LossTarget, Term, Value};
use std::collections::BTreeMap;

/// The result of [`Graph::held`].
pub(crate) struct Held {
    pub(crate) graph: Graph,
    pub(crate) output: Value,
    pub(crate) terms: Vec<Term>,
    /// For each parameter of the held graph, the index of the original parameter: first the parameters themselves, then
    /// the copies.
    pub(crate) originals: Vec<usize>,
    /// Descriptions of the held values, for reports.
    pub(crate) notes: Vec<String>,
}

impl Graph {
    /// Returns this graph and the terms of its loss, with the constants of differentiation computed from copies of
    /// parameters.
    pub(crate) fn held(&self, terms: &[Term], output: Value) -> Held {
        let live = self.ancestors(terms.iter().flat_map(Term::values));
        let varies = self.reached_from(|op| matches!(op, Op::Parameter(_)), |_| true);
        let (mut roots, mut notes) = (Vec::new(), Vec::new());
        let mut counts = BTreeMap::new();
        for (node, _) in self.nodes.iter().zip(&live).filter(|(_, live)| **live) {
            let Some(what) = node.op.constant_operands() else {
                continue;
            };
            node.op.for_each_operand(|operand| {
                if varies[operand.0] {
                    *counts.entry(what).or_insert(0) += 1;
                    roots.push(operand);
                }
            });
        }
        for (what, count) in counts {
            notes.push(format!("{what} were held constant: {count} in all"));
        }
        for term in terms {
            if let LossTarget::Value(value) = term.target
                && varies[value.0]
            {
                roots.push(value);
                let name = &term.name;
                notes.push(format!("the target of the loss {name} was held constant"));
            }
        }
        let mut held = self.ancestors(roots.into_iter());
        for (i, node) in self.nodes.iter().enumerate() {
            // Output 1 of a batch normalisation directly follows it.
            if let Op::Output(output) = &node.op {
                held[i] |= held[output.of.0];
            }
        }
        self.with_copies(&held, &varies, terms, output, notes)
    }

    /// Returns the graph preceded by a constant copy of the held nodes, which is computed from copies of parameters.
    fn with_copies(
        &self,
        held: &[bool],
        varies: &[bool],
        terms: &[Term],
        output: Value,
        notes: Vec<String>,
    ) -> Held {
        let mut graph = self.clone();
        graph.nodes.clear();
        let mut originals: Vec<usize> = (0..self.parameters.len()).collect();
        // For each node of the old graph, its constant copy and itself in the new graph.
        let mut constant: Vec<Option<Value>> = vec![None; self.nodes.len()];
        let mut moving: Vec<Option<Value>> = vec![None; self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate().filter(|(i, _)| held[*i]) {
            let mut op = node.op.clone();
            if let Op::Parameter(op::Parameter { number, .. }) = &mut op {
                let original = std::mem::replace(number, originals.len());
                originals.push(original);
                let mut copy = self.parameters[original].clone();
                copy.value = graph.value(graph.nodes.len());
                graph.parameters.push(copy);
            }
            replace(&mut op, &constant);
            let copy = graph.push(op);
            constant[i] = Some(copy);
            if !varies[i] {
                moving[i] = Some(copy);
            }
        }
        for (i, node) in self.nodes.iter().enumerate() {
            if moving[i].is_some() {
                continue;
            }
            let mut op = node.op.clone();
            let stands = op.constant_operands().is_some()
                && !op.any_operand(|operand| constant[operand.0].is_none());
            replace(&mut op, if stands { &constant } else { &moving });
            let value = graph.push(op);
            if let Op::Parameter(parameter) = &node.op {
                graph.parameters[parameter.number].value = value;
            }
            moving[i] = Some(value);
        }
        let at = |map: &[Option<Value>], value: Value| {
            map[value.0].unwrap_or_else(|| unreachable!("every node was made anew"))
        };
        let mut terms = terms.to_vec();
        for term in &mut terms {
            let inputs = term.inputs.iter_mut();
            inputs.for_each(|input| *input = at(&moving, *input));
            if let LossTarget::Value(value) = &mut term.target {
                *value = constant[value.0].unwrap_or_else(|| at(&moving, *value));
            }
        }
        Held {
            output: at(&moving, output),
            graph,
            terms,
            originals,
            notes,
        }
    }
}

/// Replaces operands by their values in the new graph. Operands precede the operations that read them.
fn replace(op: &mut Op, map: &[Option<Value>]) {
    op.for_each_operand_mut(|operand| {
        *operand =
            map[operand.0].unwrap_or_else(|| unreachable!("operands come before what reads them"));
    });
}
