//! Epilogues: the operations of a matrix product on each finished value before it is written.
//!
//! A product calls `store(row, col, value)` (shaders/matmul/epilogue/store.wgsl), which passes the value through
//! `finish`, zeroes the padding, and writes. After the last value, the product calls `finished()`. Each epilogue is a
//! shader piece that defines `finish` and `finished`.

use crate::kernel::activation::Activation;
use crate::kernel::base::{Real, gradient};

/// Writes one `vec4` of the product through the epilogue, with zeros in the padding.
pub(crate) const STORE: &str = include_str!("../../../shaders/matmul/epilogue/store.wgsl");
/// out = f(value + bias).
const ACTIVATION: &str = include_str!("../../../shaders/matmul/epilogue/activation.wgsl");
/// z = value + bias and out = f(z): both are written.
const KEEP: &str = include_str!("../../../shaders/matmul/epilogue/keep.wgsl");
/// out = value ⊙ f′(saved).
const DERIVATIVE: &str = include_str!("../../../shaders/matmul/epilogue/derivative.wgsl");
/// value + bias, with bias [N] added to every row, before any other epilogue.
pub(crate) const BIAS: &str = include_str!("../../../shaders/matmul/epilogue/bias.wgsl");
/// Replaces [`BIAS`] if there is no bias.
pub(crate) const NO_BIAS: &str =
    "fn with_bias(value: vec4<f32>, col: u32) -> vec4<f32> {\n    return value;\n}\n";

/// Adds the bias to one row.
pub(crate) fn add_bias<T: Real>(bias: &[T], row: &mut [T]) {
    for (value, &bias) in row.iter_mut().zip(bias) {
        *value += bias;
    }
}

/// The operation of `finish`.
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
        /// Guard id of the tensor: its index in the plan's order, from 1. The bias gradient has the next id.
        id: u32,
    },
}

impl Epilogue {
    /// WGSL source that defines `finish`, preceded by the activation.
    pub(crate) fn sources(self) -> [&'static str; 3] {
        let after = |f: Activation, finish| {
            let [exponentials, function] = f.sources();
            [exponentials, function, finish]
        };
        match self {
            Epilogue::Plain => ["", "", gradient::PLAIN],
            Epilogue::Activation(f) => after(f, ACTIVATION),
            Epilogue::Keep(f) => after(f, KEEP),
            Epilogue::Derivative(f) => after(f, DERIVATIVE),
            Epilogue::Gradient { .. } => {
                let [tests, finish] = gradient::SOURCES;
                ["", tests, finish]
            }
        }
    }

    /// The end of a product's label.
    pub(crate) fn label(self) -> String {
        match self {
            Epilogue::Plain | Epilogue::Gradient { .. } => String::new(),
            Epilogue::Activation(f) => format!(", {f}"),
            Epilogue::Keep(f) => format!(", {f}, keep z"),
            Epilogue::Derivative(f) => format!(", times {f}'"),
        }
    }

    /// Id for the non-finite guard, if the epilogue tests the result.
    pub(crate) fn id(self) -> u32 {
        match self {
            Epilogue::Gradient { id } => id,
            _ => 0,
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
