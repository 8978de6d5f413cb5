//! Buffers of carried states.

use crate::Result;
use crate::graph::Carried;
use crate::kernel::MatrixShape;
use crate::kernel::base::binding::Scalar;
use crate::nn::Network;
use crate::plan::{BufferSpec, Clock, Role};

/// The shape of an input's state for this many rows of a batch.
pub(super) fn state_shape(network: &Network, input: usize, rows: usize) -> MatrixShape {
    MatrixShape::new(rows, network.graph.inputs[input].sample.elements())
}

/// Buffers of the carried states for batches of this many rows.
pub(super) fn state_buffers(network: &Network, rows: usize, clock: Clock) -> Vec<BufferSpec> {
    let carried = network.graph.carried.iter();
    let buffer = |carried: &Carried| BufferSpec {
        role: Role::Carried(clock, carried.input),
        scalar: Scalar::Float,
        len: state_shape(network, carried.input, rows).floats(),
    };
    carried.map(buffer).collect()
}

/// Sets the carried states of a clock to 0. Their buffers must exist.
pub(super) fn zero_states(network: &mut Network, rows: usize, clock: Clock) -> Result<()> {
    for BufferSpec { role, len, .. } in state_buffers(network, rows, clock) {
        network.executor.write(role, 0, &vec![0; len])?;
    }
    Ok(())
}
