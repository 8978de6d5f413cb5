//! Reverse-mode differentiation: appends to a graph the operations that compute the gradient of its loss.
//!
//! For a matrix product the rules are, with C = op(A)·op(B) and dC the gradient of C:
//!
//! | layout | dA | dB |
//! |---|---|---|
//! | NN: A·B | dC·Bᵀ (NT) | Aᵀ·dC (TN) |
//! | NT: A·Bᵀ | dC·B (NN) | dCᵀ·A (TN) |
//! | TN: Aᵀ·B | B·dCᵀ (NT) | A·dC (NN) |

use super::{Graph, Layout, Op, Value};

impl Graph {
    /// Appends the mean softmax cross-entropy of `logits` and all gradients that parameters need. Returns the loss, and
    /// the gradient of each parameter, in their order; none where the loss does not depend on it.
    pub(crate) fn differentiate(&mut self, logits: Value) -> (Value, Vec<Option<Value>>) {
        let forward = self.nodes.len();
        let depends = self.depends_on_parameters();
        let mut gradients: Vec<Option<Value>> = vec![None; forward];
        let loss = self.push(Op::CrossEntropy { logits }, self.shape(logits));
        if depends[logits.0] {
            gradients[logits.0] = Some(loss);
        }
        for i in (0..forward).rev() {
            let Some(dy) = gradients[i] else { continue };
            for (operand, op) in self.pull_back(self.value(i), dy) {
                if !depends[operand.0] {
                    continue;
                }
                let shape = self.shape(operand);
                let term = match op {
                    Pulled::Same => dy,
                    Pulled::Op(op) => self.push(op, shape),
                };
                gradients[operand.0] = Some(match gradients[operand.0] {
                    None => term,
                    Some(sum) => self.push(Op::Add { a: sum, b: term }, shape),
                });
            }
        }
        let of_parameters = self.parameters.iter().map(|p| gradients[p.value.0]);
        (loss, of_parameters.collect())
    }

    /// For each node, whether a parameter is among what it is made of.
    pub(crate) fn depends_on_parameters(&self) -> Vec<bool> {
        let mut depends: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let from_operands = node.op.operands().iter().any(|operand| depends[operand.0]);
            depends.push(matches!(node.op, Op::Parameter(_)) || from_operands);
        }
        depends
    }

    /// The gradients of the operands of `value`, given its own gradient `dy`.
    fn pull_back(&mut self, value: Value, dy: Value) -> Vec<(Value, Pulled)> {
        let matmul = |a, b, layout| Pulled::Op(Op::Matmul { a, b, layout });
        match self.op(value).clone() {
            Op::Input | Op::Parameter(_) => vec![],
            Op::Matmul {
                a,
                b,
                layout: Layout::NN,
            } => {
                vec![
                    (a, matmul(dy, b, Layout::NT)),
                    (b, matmul(a, dy, Layout::TN)),
                ]
            }
            Op::Matmul {
                a,
                b,
                layout: Layout::NT,
            } => {
                vec![
                    (a, matmul(dy, b, Layout::NN)),
                    (b, matmul(dy, a, Layout::TN)),
                ]
            }
            Op::Matmul {
                a,
                b,
                layout: Layout::TN,
            } => {
                vec![
                    (a, matmul(b, dy, Layout::NT)),
                    (b, matmul(a, dy, Layout::NN)),
                ]
            }
            Op::BiasAdd { x, bias } => vec![
                (x, Pulled::Same),
                (bias, Pulled::Op(Op::ColumnSum { x: dy })),
            ],
            Op::Activation { z, f } => {
                let saved = if f.derivative_needs_z() { z } else { value };
                vec![(z, Pulled::Op(Op::ActivationBackward { dy, saved, f }))]
            }
            Op::Add { a, b } => vec![(a, Pulled::Same), (b, Pulled::Same)],
            Op::Hadamard { a, b } => vec![
                (a, Pulled::Op(Op::Hadamard { a: dy, b })),
                (b, Pulled::Op(Op::Hadamard { a: dy, b: a })),
            ],
            Op::Scale { a, factor } => vec![(a, Pulled::Op(Op::Scale { a: dy, factor }))],
            Op::Softmax { x, log } => {
                vec![(x, Pulled::Op(Op::SoftmaxBackward { dy, y: value, log }))]
            }
            Op::CrossEntropy { .. }
            | Op::ActivationBackward { .. }
            | Op::ColumnSum { .. }
            | Op::SoftmaxBackward { .. } => unreachable!("a graph is differentiated once"),
        }
    }
}

/// The gradient of an operand.
enum Pulled {
    /// It is that of the result.
    Same,
    /// It is computed by this operation.
    Op(Op),
}
