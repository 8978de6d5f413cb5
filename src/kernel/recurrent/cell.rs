//! The cells of recurrent layers.

use super::{gru, lstm, simple};

/// The cell of a recurrent layer: how h and, in an LSTM, c follow from the input x and the state before.
///
/// W are the input weights (`weight_ih`), V the recurrent weights (`weight_hh`), b and d their biases. The order of the
/// gates in the weights is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Cell {
    /// h = tanh(W·x + b + V·h₋₁ + d) (PyTorch's `RNN`).
    Tanh,
    /// h = max(0, W·x + b + V·h₋₁ + d) (PyTorch's `RNN` with `nonlinearity="relu"`).
    Relu,
    /// Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate by Gers et al. 2000): i, f, o = σ(W·x + b +
    /// V·h₋₁ + d), g = tanh(W·x + b + V·h₋₁ + d), each with its own weights, c = f ⊙ c₋₁ + i ⊙ g, h = o ⊙ tanh(c). The
    /// order is i, f, g, o.
    Lstm,
    /// Gated recurrent unit (Cho et al. 2014): r, z = σ(W·x + b + V·h₋₁ + d), n = tanh(W·x + b + r ⊙ (V·h₋₁ + d)), each
    /// with its own weights, h = (1 − z) ⊙ n + z ⊙ h₋₁. The order is r, z, n.
    Gru,
}

impl Cell {
    /// All cells.
    pub const ALL: [Cell; 4] = [Cell::Tanh, Cell::Relu, Cell::Lstm, Cell::Gru];

    /// Number of gates: the weights have as many rows for each unit.
    pub fn gates(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }

    /// Number of vectors in the state: h, and c in an LSTM.
    pub fn states(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu | Cell::Gru => 1,
            Cell::Lstm => 2,
        }
    }

    /// Name in listings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cell::Tanh => "rnn tanh",
            Cell::Relu => "rnn relu",
            Cell::Lstm => "lstm",
            Cell::Gru => "gru",
        }
    }

    /// Number of values that a unit keeps for the backward pass, besides h. The last of them is h before the step.
    pub(crate) fn saved(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 0,
            Cell::Lstm => 6,
            Cell::Gru => 5,
        }
    }

    /// Whether the backward pass carries a value from step to step, besides the gates' gradients.
    pub(crate) fn carries(self) -> bool {
        self.saved() > 0
    }

    /// The cell of the forward pass.
    pub(super) fn forward_source(self) -> &'static str {
        match self {
            Cell::Tanh => simple::TANH,
            Cell::Relu => simple::RELU,
            Cell::Lstm => lstm::FORWARD,
            Cell::Gru => gru::FORWARD,
        }
    }

    /// The cell of the backward pass.
    pub(super) fn backward_source(self) -> &'static str {
        match self {
            Cell::Tanh => simple::TANH_BACKWARD,
            Cell::Relu => simple::RELU_BACKWARD,
            Cell::Lstm => lstm::BACKWARD,
            Cell::Gru => gru::BACKWARD,
        }
    }

    /// The gradient of the initial state.
    pub(super) fn initial_source(self) -> &'static str {
        match self {
            Cell::Tanh | Cell::Relu => simple::INITIAL,
            Cell::Lstm => lstm::INITIAL,
            Cell::Gru => gru::INITIAL,
        }
    }
}
