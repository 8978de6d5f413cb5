//! Operands that products read where they lie, without a copy: ranges of columns, and heads.
//!
//! | operand | read from | rows are apart | heads are apart |
//! |---|---|---|---|
//! | a slice of columns of x | x, from the first of the columns on | a row of x | |
//! | [B, T, H, D] permuted to [B, H, T, D] | the value before | H padded rows of D | a padded row of D |
//! | the same of a slice of columns, reshaped | x, from the first of the columns on | a row of x | D |
//!
//! A value is read in place if all its readers are products that can, and if it starts at a multiple of four floats.
//! Its host in [`Fusion`] is then one of them.

use super::{Emitter, Fusion, Op, op};
use crate::graph::{Graph, Value};
use crate::kernel::matmul::{Stack, View};
use crate::kernel::{Matmul, MatrixShape, Side};
use crate::shape::{Dim, Rows};

/// The value that an operand is read from, and its place.
struct Source {
    value: Value,
    /// Floats in front.
    start: usize,
    /// Floats from one row to the next.
    ld: usize,
    /// Number of heads, and floats from one to the next.
    heads: Option<[usize; 2]>,
}

/// First and last of the columns of a slice, if it is a range of whole rows' columns that products can read in place:
/// it starts with a `vec4`, and ends with one or with the row.
fn columns(slice: &op::Slice, graph: &Graph) -> Option<[usize; 2]> {
    let along = slice.along;
    let cols = graph.shape(slice.x).cols();
    let [start, end] = [slice.start, slice.start + slice.count].map(|i| i * along.inner);
    let fits = along.side == Side::Columns && along.block() == cols;
    let aligned = start.is_multiple_of(4) && (end.is_multiple_of(4) || end == cols);
    (fits && aligned).then_some([start, end])
}

/// Heads, rows and columns of a permutation [B, T, H, D] to [B, H, T, D].
fn heads(value: Value, graph: &Graph) -> Option<[usize; 3]> {
    let Op::Permute(permute) = graph.op(value) else {
        return None;
    };
    match graph.shape(value).dims() {
        &[_, Dim::Fixed(heads), Dim::Fixed(rows), Dim::Fixed(cols)] => {
            (permute.order == [0, 2, 1, 3] && graph.shape(value).row_dims() == 3)
                .then_some([heads, rows, cols])
        }
        _ => None,
    }
}

/// Whether a product takes an operand with heads: one of its own for each product, and as many heads and rows.
fn takes_heads(product: &op::BatchMatmul, value: Value, graph: &Graph) -> bool {
    let stacked = &product.stacked;
    let own = stacked.own == [[true; 2]; 2] && stacked.inner == 1;
    let Some([heads, ..]) = heads(value, graph) else {
        return false;
    };
    let counted = match (stacked.outer, graph.shape(value).is_batch()) {
        (Rows::PerSample(count), true) => count == heads,
        (Rows::Fixed(count), false) => count.is_multiple_of(heads.max(1)),
        _ => false,
    };
    own && counted && heads > 0
}

/// Marks a slice that only products read.
pub(super) fn fuse_slice(slice: &op::Slice, value: Value, graph: &Graph, fusion: &mut Fusion) {
    let reads = |&user: &usize| {
        let node = graph.nodes.get(user);
        node.is_some_and(|node| matches!(node.op, Op::Matmul(_) | Op::BatchMatmul(_)))
    };
    let users = &fusion.users[value.0];
    if columns(slice, graph).is_some() && users.iter().all(reads) {
        fusion.host[value.0] = users.last().copied();
    }
}

/// Marks a permutation to heads that only products read, and a slice of columns that it alone reads, through a reshape.
pub(super) fn fuse_permute(value: Value, graph: &Graph, fusion: &mut Fusion) {
    let takes = |&user: &usize| match graph.nodes.get(user).map(|node| &node.op) {
        Some(Op::BatchMatmul(product)) => takes_heads(product, value, graph),
        _ => false,
    };
    let users = fusion.users[value.0].clone();
    if !users.iter().all(takes) {
        return;
    }
    fusion.host[value.0] = users.last().copied();
    let Op::Permute(permute) = graph.op(value) else {
        return;
    };
    let Op::Reshape(reshape) = graph.op(permute.x) else {
        return;
    };
    let alone = |read: Value, by: Value| fusion.users[read.0] == [by.0];
    if let Op::Slice(slice) = graph.op(reshape.x) {
        let alone = alone(permute.x, value) && alone(reshape.x, permute.x);
        if reshape.is_free() && alone && columns(slice, graph).is_some() {
            fusion.host[reshape.x.0] = Some(value.0);
        }
    }
}

impl Emitter<'_> {
    /// The source of a slice of columns that is read in place.
    fn slice_source(&self, value: Value) -> Option<Source> {
        let Op::Slice(slice) = self.graph.op(value) else {
            return None;
        };
        self.fusion.host[value.0]?;
        let [start, _] = columns(slice, self.graph)?;
        Some(Source {
            value: slice.x,
            start,
            ld: self.shape(slice.x).ld(),
            heads: None,
        })
    }

    /// The source of an operand of a product.
    fn source(&self, value: Value) -> Option<Source> {
        let Op::Permute(permute) = self.graph.op(value) else {
            return self.slice_source(value);
        };
        self.fusion.host[value.0]?;
        let [heads, _, cols] = heads(value, self.graph)?;
        if let Op::Reshape(reshape) = self.graph.op(permute.x)
            && let Some(source) = self.slice_source(reshape.x)
        {
            let heads = Some([heads, cols]);
            return Some(Source { heads, ..source });
        }
        let ld = MatrixShape::new(1, cols).ld();
        Some(Source {
            value: permute.x,
            start: 0,
            ld: heads * ld,
            heads: Some([heads, ld]),
        })
    }

    /// The product with its operands read in place where they are, and the values that it reads.
    pub(super) fn in_place(&self, call: Matmul, operands: [Value; 2]) -> (Matmul, [Value; 2]) {
        let sources = operands.map(|value| self.source(value));
        if sources.iter().all(Option::is_none) {
            return (call, operands);
        }
        let whole = |shape: MatrixShape| View::whole(shape, 1, [true; 2]);
        let mut stack = call.stack.unwrap_or(Stack {
            counts: [1, 1],
            a: whole(call.a()),
            b: whole(call.b()),
        });
        let found = sources.iter().flatten().find_map(|source| source.heads);
        if let Some([heads, _]) = found {
            // One index of samples and heads becomes two.
            stack.counts = [stack.counts[0] / heads, heads];
            for (view, shape) in [(&mut stack.a, call.a()), (&mut stack.b, call.b())] {
                *view = View::whole(shape, heads, [true; 2]);
            }
        }
        let views = [(&mut stack.a, call.a()), (&mut stack.b, call.b())];
        for (source, (view, shape)) in sources.iter().zip(views) {
            let Some(source) = source else { continue };
            view.start = source.start;
            match source.heads {
                Some([_, step]) => view.steps = [shape.rows * source.ld, step],
                // The same rows, which are further apart.
                None => view.steps = view.steps.map(|step| step / view.ld.max(1) * source.ld),
            }
            view.ld = source.ld;
        }
        let values = [0, 1].map(|i| {
            sources[i]
                .as_ref()
                .map_or(operands[i], |source| source.value)
        });
        let stack = Some(stack);
        (Matmul { stack, ..call }, values)
    }
}
