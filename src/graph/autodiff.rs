//! Reverse-mode differentiation: appends to a graph the operations that compute the gradient of its loss.
//!
//! For a matrix product the rules are, with C = op(A)·op(B) and dC the gradient of C:
//!
//! | layout | dA | dB |
//! |---|---|---|
//! | NN: A·B | dC·Bᵀ (NT) | Aᵀ·dC (TN) |
//! | NT: A·Bᵀ | dC·B (NN) | dCᵀ·A (TN) |
//! | TN: Aᵀ·B | B·dCᵀ (NT) | A·dC (NN) |

use super::{Graph, Layout, Op, Rows, Shape, Term, Value};

/// What [`Graph::differentiate`] appends.
pub(crate) struct Derivatives {
    /// The terms' losses.
    pub(crate) losses: Vec<Value>,
    /// The gradient of each parameter, in their order; none where it is not trained or the loss does not depend on it.
    pub(crate) gradients: Vec<Option<Value>>,
}

impl Graph {
    /// Appends the terms' losses, and the gradient of their sum with respect to the parameters that are trained.
    pub(crate) fn differentiate(
        &mut self,
        terms: &[(usize, &Term)],
        trained: &[bool],
    ) -> Derivatives {
        let forward = self.nodes.len();
        let depends = self.depends_on(|number| trained[number]);
        let mut gradients: Vec<Option<Value>> = vec![None; forward];
        let losses = self.push_losses(terms);
        for ((_, term), &loss) in terms.iter().zip(&losses) {
            if term.loss.factor == 0.0 {
                continue;
            }
            for (index, &input) in term.inputs.iter().enumerate() {
                // A loss that writes one gradient writes them all.
                let gradient = match index {
                    0 => loss,
                    index => self.part(loss, index, self.shape(input)),
                };
                if depends[input.0] {
                    self.accumulate(&mut gradients, input, gradient);
                }
            }
        }
        for i in (0..forward).rev() {
            let Some(dy) = gradients[i] else { continue };
            for (operand, pulled) in self.pull_back(self.value(i), dy) {
                if !depends[operand.0] {
                    continue;
                }
                let shape = self.shape(operand);
                let term = match pulled {
                    Pulled::Same => dy,
                    Pulled::Value(value) => value,
                    Pulled::Op(op) => self.push(op, shape),
                };
                self.accumulate(&mut gradients, operand, term);
            }
        }
        let of_parameters = self.parameters.iter().map(|p| gradients[p.value.0]);
        Derivatives {
            gradients: of_parameters.collect(),
            losses,
        }
    }

    /// Adds a term to the gradient of a value.
    fn accumulate(&mut self, gradients: &mut [Option<Value>], value: Value, term: Value) {
        gradients[value.0] = Some(match gradients[value.0] {
            None => term,
            Some(sum) => self.push(Op::Add { a: sum, b: term }, self.shape(value)),
        });
    }

    /// A further result of an operation.
    pub(super) fn part(&mut self, of: Value, index: usize, shape: Shape) -> Value {
        self.push(Op::Part { of, index }, shape)
    }

    /// For each node, whether one of these values is made of it, or is it.
    pub(crate) fn made_of(&self, values: impl Iterator<Item = Value>) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        values.for_each(|value| needed[value.0] = true);
        for i in (0..self.nodes.len()).rev() {
            if needed[i] {
                self.nodes[i]
                    .op
                    .operands()
                    .iter()
                    .for_each(|operand| needed[operand.0] = true);
            }
        }
        needed
    }

    /// For each node, whether the batch's target values are among what it is made of.
    pub(crate) fn depends_on_targets(&self) -> Vec<bool> {
        let mut depends: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let operands = node.op.operands();
            depends
                .push(node.op == Op::Targets || operands.iter().any(|operand| depends[operand.0]));
        }
        depends
    }

    /// For each node, whether a parameter that `counts` is among what it is made of.
    pub(crate) fn depends_on(&self, counts: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut depends: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            depends.push(match node.op {
                Op::Parameter(number) => counts(number),
                Op::StopGradient { .. } | Op::Random { .. } => false,
                _ => node.op.operands().iter().any(|operand| depends[operand.0]),
            });
        }
        depends
    }

    /// The gradients of the operands of `value`, given its own gradient `dy`.
    fn pull_back(&mut self, value: Value, dy: Value) -> Vec<(Value, Pulled)> {
        let matmul = |a, b, layout| Pulled::Op(Op::Matmul { a, b, layout });
        match self.op(value).clone() {
            Op::Input
            | Op::Targets
            | Op::Parameter(_)
            | Op::StopGradient { .. }
            | Op::Fill { .. }
            | Op::Random { .. } => vec![],
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
            Op::Columns { x, start } => vec![(x, Pulled::Op(Op::PlaceColumns { x: dy, start }))],
            Op::Concatenate { a, b } => {
                let columns = |start| Pulled::Op(Op::Columns { x: dy, start });
                vec![(a, columns(0)), (b, columns(self.shape(a).cols))]
            }
            // The same elements are zero again.
            Op::Dropout { rate, number, x } => {
                vec![(
                    x,
                    Pulled::Op(Op::Dropout {
                        x: dy,
                        rate,
                        number,
                    }),
                )]
            }
            Op::Prelu { x, slope } => {
                let term = self.push(Op::PreluSlope { dy, x }, self.shape(x));
                let sum = Op::ColumnSum { x: term };
                let dslope = if self.shape(slope).cols == self.shape(x).cols {
                    sum
                } else {
                    // One slope for all: the sum over the columns too, as a product with ones.
                    let shape = Shape {
                        rows: Rows::Fixed(1),
                        cols: self.shape(x).cols,
                    };
                    let (a, b) = (
                        self.push(sum, shape),
                        self.push(Op::Fill { value: 1.0 }, shape),
                    );
                    Op::Matmul {
                        a,
                        b,
                        layout: Layout::NT,
                    }
                };
                vec![
                    (x, Pulled::Op(Op::PreluBackward { dy, x, slope })),
                    (slope, Pulled::Op(dslope)),
                ]
            }
            Op::BatchNorm {
                x,
                gamma,
                beta,
                number,
                epsilon,
                fixed: true,
                ..
            } => {
                let dx = Op::FixedNormBackward {
                    dy,
                    gamma,
                    number,
                    epsilon,
                };
                let gain = Op::FixedNormGain {
                    dy,
                    x,
                    number,
                    epsilon,
                };
                let term = self.push(gain, self.shape(x));
                vec![
                    (x, Pulled::Op(dx)),
                    (gamma, Pulled::Op(Op::ColumnSum { x: term })),
                    (beta, Pulled::Op(Op::ColumnSum { x: dy })),
                ]
            }
            Op::BatchNorm { x, gamma, beta, .. } => {
                // The part follows its operation.
                let saved = self.value(value.0 + 1);
                let op = Op::BatchNormBackward {
                    dy,
                    x,
                    saved,
                    gamma,
                };
                let dx = self.push(op, self.shape(x));
                let [dgamma, dbeta] = [1, 2].map(|index| self.part(dx, index, self.shape(gamma)));
                vec![
                    (x, Pulled::Value(dx)),
                    (gamma, Pulled::Value(dgamma)),
                    (beta, Pulled::Value(dbeta)),
                ]
            }
            Op::LayerNorm {
                x,
                gamma,
                beta,
                epsilon,
            } => {
                let op = Op::LayerNormBackward {
                    dy,
                    x,
                    gamma,
                    epsilon,
                };
                let dx = self.push(op, self.shape(x));
                let term = self.part(dx, 1, self.shape(x));
                vec![
                    (x, Pulled::Value(dx)),
                    (gamma, Pulled::Op(Op::ColumnSum { x: term })),
                    (beta, Pulled::Op(Op::ColumnSum { x: dy })),
                ]
            }
            Op::Part { .. } => unreachable!("nothing that is differentiated reads a part"),
            Op::Loss { .. }
            | Op::PlaceColumns { .. }
            | Op::PreluBackward { .. }
            | Op::PreluSlope { .. }
            | Op::BatchNormBackward { .. }
            | Op::FixedNormBackward { .. }
            | Op::FixedNormGain { .. }
            | Op::LayerNormBackward { .. }
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
    /// It is this value.
    Value(Value),
    /// It is computed by this operation.
    Op(Op),
}
