//! A graph in which everything that differentiation takes for a constant really is one.
//!
//! No gradient flows through `stop_gradient`, into the probabilities of a Bernoulli draw, or into the target of a loss.
//! But these values change when a parameter that they are made of is moved, so a difference of losses would see more than
//! the gradient. Here they are made of copies of the parameters: whoever moves a parameter leaves its copy alone.

use super::{Graph, LossTarget, Op, Term, Value};

/// What [`Graph::held`] makes.
pub(crate) struct Held {
    pub(crate) graph: Graph,
    pub(crate) output: Value,
    pub(crate) terms: Vec<Term>,
    /// For each parameter of the graph the number of the original: those of the first graph, then the copies.
    pub(crate) originals: Vec<usize>,
    /// What is held, in words, for reports.
    pub(crate) notes: Vec<String>,
}

impl Graph {
    /// This graph and the terms of its loss, with what is constant to differentiation made of copies of parameters.
    pub(crate) fn held(&self, terms: &[Term], output: Value) -> Held {
        let live = self.made_of(terms.iter().flat_map(Term::values));
        let varies = self.varies();
        let (mut roots, mut notes) = (Vec::new(), Vec::new());
        let (mut stops, mut draws) = (0, 0);
        for (node, _) in self.nodes.iter().zip(&live).filter(|(_, live)| **live) {
            match node.op {
                Op::StopGradient { x } if varies[x.0] => {
                    stops += 1;
                    roots.push(x);
                }
                Op::Random { p: Some(p), .. } if varies[p.0] => {
                    draws += 1;
                    roots.push(p);
                }
                _ => {}
            }
        }
        for (count, what) in [
            (stops, "operands of stop_gradient"),
            (draws, "probabilities of Bernoulli draws"),
        ] {
            if count > 0 {
                notes.push(format!("{what} were held constant: {count} in all"));
            }
        }
        for term in terms {
            if let LossTarget::Value(value) = term.target {
                if varies[value.0] {
                    roots.push(value);
                    let name = &term.name;
                    notes.push(format!("the target of the loss {name} was held constant"));
                }
            }
        }
        let mut held = self.made_of(roots.into_iter());
        for (i, node) in self.nodes.iter().enumerate() {
            // The part of a batch normalisation stands right behind it.
            if let Op::Part { of, .. } = node.op {
                held[i] |= held[of.0];
            }
        }
        self.with_copies(&held, &varies, terms, output, notes)
    }

    /// For each node, whether any parameter is among what it is made of, however it is read.
    fn varies(&self) -> Vec<bool> {
        let mut varies: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let operands = node.op.operands();
            let parameter = matches!(node.op, Op::Parameter(_));
            varies.push(parameter || operands.iter().any(|operand| varies[operand.0]));
        }
        varies
    }

    /// The graph with a second, constant copy of the held nodes in front, made of copies of parameters.
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
        // Where each node of the old graph is in the new one: the constant copy, and itself.
        let mut constant: Vec<Option<Value>> = vec![None; self.nodes.len()];
        let mut moving: Vec<Option<Value>> = vec![None; self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate().filter(|(i, _)| held[*i]) {
            let mut op = node.op.clone();
            if let Op::Parameter(number) = op {
                op = Op::Parameter(originals.len());
                originals.push(number);
                let mut copy = self.parameters[number].clone();
                copy.value = graph.value(graph.nodes.len());
                graph.parameters.push(copy);
            }
            replace(op.operands_mut(), &constant);
            let copy = graph.push(op, node.shape);
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
            let map = match op {
                Op::StopGradient { x } | Op::Random { p: Some(x), .. }
                    if constant[x.0].is_some() =>
                {
                    &constant
                }
                _ => &moving,
            };
            replace(op.operands_mut(), map);
            let value = graph.push(op, node.shape);
            if let Op::Parameter(number) = node.op {
                graph.parameters[number].value = value;
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

/// Puts in the place of operands what they are in the new graph; operands come before what is made of them.
fn replace(operands: Vec<&mut Value>, map: &[Option<Value>]) {
    for operand in operands {
        *operand =
            map[operand.0].unwrap_or_else(|| unreachable!("operands come before what reads them"));
    }
}
