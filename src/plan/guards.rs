//! Meaning of the non-finite guard's ids: see [`crate::kernel::base::guard`].

use super::Arena;
use crate::graph::Graph;
use crate::kernel::base::guard::{ALL_FINITE, BLOCK};

/// A tensor that a kernel of a plan tests for NaN and infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// The gradient of the parameter with this number.
    Gradient(usize),
    /// The new running statistics with this number: row 0 is the mean, row 1 the variance.
    Running { number: usize, row: usize },
}

impl Guarded {
    /// The tensor's name in errors.
    fn describe(self, graph: &Graph) -> String {
        match self {
            Guarded::Gradient(number) => {
                format!("the gradient of {}", graph.parameters[number].name)
            }
            Guarded::Running { number, row } => {
                let end = ["running_mean", "running_var"][row];
                format!("the update of {}.{end}", graph.running[number].name)
            }
        }
    }
}

/// Name of the tensor that a guard value refers to; `None` while all are finite. The ids of the blocks of the parameter
/// arena follow those of the tensors: first for the update's dry run, then for the sums of gradients.
pub(crate) fn guarded_name(
    guard: u32,
    guards: &[Guarded],
    graph: &Graph,
    arena: &Arena,
) -> Option<String> {
    let id = match guard {
        ALL_FINITE => return None,
        0 => return Some("the loss".to_string()),
        id => id as usize - 1,
    };
    if let Some(guarded) = guards.get(id) {
        return Some(guarded.describe(graph));
    }
    let blocks: usize = arena.segments.iter().map(|floats| floats / BLOCK).sum();
    let (what, block) = match id - guards.len() {
        block if block < blocks => ("the update of", block),
        block => ("the accumulated gradient of", block - blocks),
    };
    let mut first = 0;
    for (segment, floats) in arena.segments.iter().enumerate() {
        let offset = BLOCK * (block - first.min(block));
        if block >= first && offset < *floats {
            let of_segment = arena.places.iter().enumerate();
            let at_or_before = |(_, place): &(usize, &super::Place)| {
                place.segment == segment && place.offset <= offset
            };
            let last = of_segment.rev().find(at_or_before);
            return last.map(|(number, _)| format!("{what} {}", graph.parameters[number].name));
        }
        first += floats / BLOCK;
    }
    Some(format!("{what} a parameter"))
}
