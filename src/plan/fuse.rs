//! Fusion: operations that are computed within the call of another operation. Each operation's rule is in `plan/emit/`,
//! beside its lowering.
//!
//! | operation | is computed within |
//! |---|---|
//! | a product that only a bias add reads | the bias add |
//! | a product or biased product that an activation reads | the activation; z is written too if others read it |
//! | a product that only an activation's derivative reads | the derivative |
//! | a column sum of dz that is a parameter's gradient | a product dzᵀ·x that is one too |
//!
//! A convolution counts as a product, and its weight gradient as a product dzᵀ·x.

use crate::graph::{Graph, Op, Value};
use crate::kernel::Layout;
use std::collections::{HashMap, VecDeque};

/// The readers of each value, and the operation that hosts it if it is fused.
#[derive(Debug)]
pub(crate) struct Fusion {
    /// For each node, the nodes that read it, in descending order; `ROOT` if it is a result of the plan.
    pub(crate) users: Vec<Vec<usize>>,
    /// For each fused node, its host: the node within whose call it is computed.
    pub(crate) host: Vec<Option<usize>>,
    /// For each product that hosts a column sum, that column sum.
    pub(crate) column_sum: Vec<Option<Value>>,
    /// For each value x, the products xᵀ·B, and weight gradients of convolutions whose grid is x, that only the plan's
    /// caller reads and that host no column sum yet.
    weight_gradients: HashMap<Value, VecDeque<Value>>,
}

/// Entry of `users` that stands for the plan's caller.
pub(crate) const ROOT: usize = usize::MAX;

/// Whether an operation is a product, whose call may host a bias and an activation.
pub(crate) fn is_product(op: &Op) -> bool {
    matches!(op, Op::Matmul(_) | Op::BatchMatmul(_) | Op::Convolve(_))
}

impl Fusion {
    /// `roots` are the values that must be computed; in training, the gradients of the parameters. `mark` applies an
    /// operation's fusion rule, `Lower::fuse`.
    pub(crate) fn new(graph: &Graph, roots: &[Value], mark: impl Fn(Value, &mut Fusion)) -> Self {
        let count = graph.nodes.len();
        let mut fusion = Fusion {
            users: vec![Vec::new(); count],
            host: vec![None; count],
            column_sum: vec![None; count],
            weight_gradients: HashMap::new(),
        };
        for root in roots {
            fusion.users[root.0].push(ROOT);
        }
        // Goes backward from the last node, so that a node's users are known when its operands are marked.
        for i in (0..count).rev() {
            if fusion.users[i].is_empty() {
                continue;
            }
            graph.nodes[i].op.for_each_operand(|operand| {
                let users = &mut fusion.users[operand.0];
                if users.last() != Some(&i) {
                    users.push(i);
                }
            });
        }
        for root in roots {
            let summed = match graph.op(*root) {
                Op::Matmul(product) if product.layout == Layout::TN => product.a,
                // The sums of a grid with a row for each window.
                Op::ConvolutionWeight(gradient) if !gradient.flat[1] => gradient.grid,
                _ => continue,
            };
            if fusion.users[root.0] == [ROOT] {
                let products = fusion.weight_gradients.entry(summed).or_default();
                products.push_back(*root);
            }
        }
        for i in 0..count {
            if fusion.is_needed(i) {
                mark(graph.value(i), &mut fusion);
            }
        }
        fusion
    }

    /// Whether the node is computed at all.
    pub(crate) fn is_needed(&self, node: usize) -> bool {
        !self.users[node].is_empty()
    }

    /// Whether another node reads this node.
    pub(crate) fn is_read(&self, node: usize) -> bool {
        self.users[node].iter().any(|&user| user != ROOT)
    }

    /// Whether a reader other than its host exists, so that the node must be written.
    pub(crate) fn is_kept(&self, node: usize) -> bool {
        self.users[node].len() > 1
    }

    /// The next product xᵀ·B that is the gradient of one parameter, to host the column sum of x.
    pub(super) fn take_weight_gradient(&mut self, x: Value) -> Option<Value> {
        self.weight_gradients.get_mut(&x)?.pop_front()
    }
}
