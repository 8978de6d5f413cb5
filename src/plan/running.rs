//! Layout of the running statistics of batch normalisations: one after the other in one buffer.

use crate::graph::Graph;
use crate::kernel::MatrixShape;
use crate::kernel::base::matrix::aligned;

/// The offset of each batch normalisation's statistics in floats, and the total number of floats.
pub(crate) fn running_places(graph: &Graph) -> (Vec<usize>, usize) {
    let (mut places, mut floats) = (Vec::new(), 0);
    for running in &graph.running {
        places.push(floats);
        let shape = MatrixShape::new(2, running.cols);
        floats += aligned(shape.floats());
    }
    (places, floats)
}
