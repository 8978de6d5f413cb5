//! Layout of the constants of a graph: one after the other in one buffer.

use crate::graph::Graph;
use crate::kernel::base::matrix::aligned;

/// The offset of each constant in floats, and the total number of floats.
pub(crate) fn constant_places(graph: &Graph) -> (Vec<usize>, usize) {
    let (mut places, mut floats) = (Vec::new(), 0);
    for constant in &graph.constants {
        places.push(floats);
        floats += aligned(constant.shape.floats());
    }
    (places, floats)
}
