//! Epilogues: what a matrix product does with each finished value before it is written.
//!
//! A product calls `store(row, col, value)` (shaders/epilogue/store.wgsl), which passes the value through
//! `finish`, zeroes the padding, and writes, and calls `finished()` after the last. Each epilogue is these two, in a file of
//! its own.

pub(crate) mod activation;
pub(crate) mod bias;
pub(crate) mod derivative;
pub(crate) mod gradient;
pub(crate) mod keep;
pub(crate) mod plain;
pub(crate) mod store;

use super::Activation;

/// What `finish` does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Epilogue {
    /// out = value.
    Plain,
    /// out = f(value + bias).
    Activation(Activation),
    /// z = value + bias, out = f(z): for an activation whose derivative needs z.
    Keep(Activation),
    /// out = value ⊙ f′(saved): the step from dy to dz of the layer below.
    Derivative(Activation),
    /// out = value, tested for NaN and infinity: `id` goes to the non-finite guard.
    Gradient {
        /// Place of the tensor in the plan's order, from 1; row sums have the next.
        id: u32,
    },
}

impl Epilogue {
    /// WGSL text defining `finish`, with the activation in front.
    pub(crate) fn source(self) -> [&'static str; 2] {
        match self {
            Epilogue::Plain => ["", plain::SOURCE],
            Epilogue::Activation(f) => [f.source(), activation::SOURCE],
            Epilogue::Keep(f) => [f.source(), keep::SOURCE],
            Epilogue::Derivative(f) => [f.source(), derivative::SOURCE],
            Epilogue::Gradient { .. } => ["", gradient::SOURCE],
        }
    }

    /// The activation's parameters.
    pub(crate) fn parameters(self) -> [f32; 2] {
        match self {
            Epilogue::Activation(f) | Epilogue::Keep(f) | Epilogue::Derivative(f) => f.parameters(),
            Epilogue::Plain | Epilogue::Gradient { .. } => [0.0; 2],
        }
    }
}
