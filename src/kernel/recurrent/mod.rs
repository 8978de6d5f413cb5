//! Recurrent layers: RNN, LSTM and GRU over batches of sequences.
//!
//! A sequence batch [B, T, D] is a matrix of B·T rows; row b·T + t is time t of sample b. One product computes x·Wᵀ + b
//! for all times. [`RecurrentForward`] then runs the steps: h₋₁·Wᵀ of all gates, and the cell. [`RecurrentBackward`]
//! runs them in the opposite order, and writes the gradients dz of the gates; the gradients of weights and inputs are
//! products of dz. Up to [`sequence::PERSISTENT_UNITS`] units a call runs many steps, else one.

pub(crate) mod backward;
mod backward_twin;
pub(crate) mod cell;
pub(crate) mod forward;
mod forward_twin;
mod groups;
mod gru;
mod launch;
mod lstm;
pub(crate) mod mask_rows;
pub(crate) mod sequence;
mod simple;
mod units;

pub(crate) use backward::RecurrentBackward;
pub use cell::Cell;
pub(crate) use forward::RecurrentForward;
pub(crate) use mask_rows::MaskRows;
pub(crate) use sequence::Sequence;
