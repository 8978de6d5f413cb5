//! Which operations are computed within another's call.
//!
//! | operation | is computed within |
//! |---|---|
//! | a product that only a bias add reads | the bias add |
//! | a product or biased product that an activation reads | the activation; z is written too if others read it |
//! | a product that only an activation's derivative reads | the derivative |
//! | a column sum of dz that is a parameter's gradient | a product dzᵀ·x that is one too |

use crate::graph::{Graph, Op, Value};
use crate::kernel::Layout;

/// Who reads each value, and which operation hosts which.
#[derive(Debug)]
pub(crate) struct Fusion {
    /// For each node, the nodes that read it, descending; `ROOT` if it is a result of the plan.
    pub(crate) users: Vec<Vec<usize>>,
    /// For each node, the one within whose call it is computed.
    pub(crate) host: Vec<Option<usize>>,
    /// For each product that hosts one, the column sum.
    pub(crate) column_sum: Vec<Option<Value>>,
}

/// Stands among the users for the plan's caller.
pub(crate) const ROOT: usize = usize::MAX;

impl Fusion {
    /// `roots`: the values that must be computed; in training, the gradients of the parameters.
    pub(crate) fn new(graph: &Graph, roots: &[Value]) -> Self {
        let count = graph.nodes.len();
        let mut fusion = Fusion {
            users: vec![Vec::new(); count],
            host: vec![None; count],
            column_sum: vec![None; count],
        };
        for root in roots {
            fusion.users[root.0].push(ROOT);
        }
        // From the last node back, so that a node's own users are known when its operands are marked.
        for i in (0..count).rev() {
            if fusion.users[i].is_empty() {
                continue;
            }
            for operand in graph.nodes[i].op.operands() {
                let users = &mut fusion.users[operand.0];
                if users.last() != Some(&i) {
                    users.push(i);
                }
            }
        }
        for i in 0..count {
            if fusion.is_needed(i) {
                fusion.host_operands(graph, i, roots);
            }
        }
        fusion
    }

    /// Whether the node is computed at all.
    pub(crate) fn is_needed(&self, node: usize) -> bool {
        !self.users[node].is_empty()
    }

    /// Whether another node reads it.
    pub(crate) fn is_read(&self, node: usize) -> bool {
        self.users[node].iter().any(|&user| user != ROOT)
    }

    /// Whether others than its host read the node, so that it must be written.
    pub(crate) fn is_kept(&self, node: usize) -> bool {
        self.users[node].len() > 1
    }

    fn host_operands(&mut self, graph: &Graph, i: usize, roots: &[Value]) {
        let is_product = |node: usize| matches!(graph.nodes[node].op, Op::Matmul { .. });
        match graph.nodes[i].op {
            Op::Part { of, .. } => self.host[i] = Some(of.0),
            Op::BiasAdd { x, bias } if x != bias && is_product(x.0) && self.users[x.0] == [i] => {
                self.host[x.0] = Some(i)
            }
            Op::Activation { z, .. } => {
                let biased = matches!(graph.nodes[z.0].op, Op::BiasAdd { x, .. } if self.host[x.0] == Some(z.0));
                // Others read z after this call, when it has been written.
                let first = self.users[z.0].iter().all(|&user| user >= i);
                if (is_product(z.0) || biased) && first && self.host[z.0].is_none() {
                    self.host[z.0] = Some(i);
                }
            }
            Op::ActivationBackward { dy, .. } if is_product(dy.0) && self.users[dy.0] == [i] => {
                self.host[dy.0] = Some(i);
            }
            // Both are gradients of one parameter each, and nothing reads them within the step.
            Op::ColumnSum { x } if self.users[i] == [ROOT] => {
                let product = roots.iter().find(|root| {
                    matches!(graph.op(**root), Op::Matmul { a, layout: Layout::TN, .. } if *a == x)
                        && self.users[root.0] == [ROOT]
                        && self.column_sum[root.0].is_none()
                });
                if let Some(product) = product {
                    self.host[i] = Some(product.0);
                    self.column_sum[product.0] = Some(graph.value(i));
                }
            }
            _ => {}
        }
    }
}
