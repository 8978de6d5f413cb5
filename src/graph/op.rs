//! How the values of a graph are made of each other.

use super::{Activation, Layout, Value};
use crate::kernel::random::Draw;

/// How a value is made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    /// The batch of samples.
    Input,
    /// The batch's target values.
    Targets,
    /// The parameter with this number.
    Parameter(usize),
    Matmul {
        a: Value,
        b: Value,
        layout: Layout,
    },
    BiasAdd {
        x: Value,
        bias: Value,
    },
    Activation {
        z: Value,
        f: Activation,
    },
    Add {
        a: Value,
        b: Value,
    },
    Hadamard {
        a: Value,
        b: Value,
    },
    Scale {
        a: Value,
        factor: f32,
    },
    Softmax {
        x: Value,
        log: bool,
    },
    /// x, as a constant to differentiation.
    StopGradient {
        x: Value,
    },
    /// The same number everywhere.
    Fill {
        value: f32,
    },
    /// The columns from `start` on.
    Columns {
        x: Value,
        start: usize,
    },
    /// The columns of a, then those of b.
    Concatenate {
        a: Value,
        b: Value,
    },
    /// max(x, 0) + slope·min(x, 0), a slope for each column or one for all.
    Prelu {
        x: Value,
        slope: Value,
    },
    /// x with each element zero at this rate, the others scaled up; x itself in inference. `number` tells the
    /// operations that draw random numbers apart.
    Dropout {
        x: Value,
        rate: f32,
        number: u32,
    },
    /// Random numbers; 1 with probability p, else 0, where there is a p.
    Random {
        draw: Draw,
        p: Option<Value>,
        number: u32,
    },
    /// γ(x − mean)/√(variance + ε) + β over the batch, or the running statistics in inference. Part 1: what the backward
    /// pass needs, mean and 1/√(variance + ε) (see `kernel::spread::Spread::save`).
    BatchNorm {
        x: Value,
        gamma: Value,
        beta: Value,
        /// Of its running statistics.
        number: usize,
        epsilon: f32,
        momentum: f32,
        /// Whether training too takes the running statistics.
        fixed: bool,
    },
    LayerNorm {
        x: Value,
        gamma: Value,
        beta: Value,
        epsilon: f32,
    },
    // What follows only the lowering makes.
    /// The loss with this number among the terms. The value is the gradient with respect to the first input, the parts
    /// are those of the others; the loss itself goes to the metric ring.
    Loss {
        term: usize,
        inputs: Vec<Value>,
        /// Where it is a value of the graph.
        target: Option<Value>,
    },
    /// A further result of another operation, written by the same call.
    Part {
        of: Value,
        index: usize,
    },
    /// dy ⊙ f′(saved).
    ActivationBackward {
        dy: Value,
        saved: Value,
        f: Activation,
    },
    ColumnSum {
        x: Value,
    },
    /// x in the columns from `start` on, zeros in the others.
    PlaceColumns {
        x: Value,
        start: usize,
    },
    /// The gradient of x, and what the gradient of the slope is the column sum of.
    PreluBackward {
        dy: Value,
        x: Value,
        slope: Value,
    },
    PreluSlope {
        dy: Value,
        x: Value,
    },
    /// The gradient of x; parts 1 and 2: those of γ and β.
    BatchNormBackward {
        dy: Value,
        x: Value,
        saved: Value,
        gamma: Value,
    },
    /// The gradient of x where the running statistics of this number are taken; and what that of γ is the column sum of.
    FixedNormBackward {
        dy: Value,
        gamma: Value,
        number: usize,
        epsilon: f32,
    },
    FixedNormGain {
        dy: Value,
        x: Value,
        number: usize,
        epsilon: f32,
    },
    /// The gradient of x; part 1: what the gradient of γ is the column sum of.
    LayerNormBackward {
        dy: Value,
        x: Value,
        gamma: Value,
        epsilon: f32,
    },
    SoftmaxBackward {
        dy: Value,
        y: Value,
        log: bool,
    },
}

impl Op {
    /// The operation with the numbers of its operands: `Matmul NT 0 1`.
    pub(crate) fn describe(&self) -> String {
        let name = match self {
            Op::Input => "Input".to_string(),
            Op::Targets => "Targets".to_string(),
            Op::Parameter(number) => format!("Parameter {number}"),
            Op::Matmul { layout, .. } => format!("Matmul {layout:?}"),
            Op::BiasAdd { .. } => "BiasAdd".to_string(),
            Op::Activation { f, .. } => format!("{f:?}"),
            Op::Add { .. } => "Add".to_string(),
            Op::Hadamard { .. } => "Hadamard".to_string(),
            Op::Scale { factor, .. } => format!("Scale {factor}"),
            Op::Softmax { log, .. } => format!("Softmax log {log}"),
            Op::StopGradient { .. } => "StopGradient".to_string(),
            Op::Fill { value } => format!("Fill {value}"),
            Op::Columns { start, .. } => format!("Columns {start}"),
            Op::Concatenate { .. } => "Concatenate".to_string(),
            Op::Prelu { .. } => "Prelu".to_string(),
            Op::Dropout { rate, .. } => format!("Dropout {rate}"),
            Op::Random { draw, .. } => format!("{draw:?}"),
            Op::BatchNorm {
                epsilon, momentum, ..
            } => format!("BatchNorm {epsilon} {momentum}"),
            Op::LayerNorm { epsilon, .. } => format!("LayerNorm {epsilon}"),
            Op::Loss { term, .. } => format!("Loss {term}"),
            Op::Part { index, .. } => format!("Part {index}"),
            Op::ActivationBackward { f, .. } => format!("Backward {f:?}"),
            Op::ColumnSum { .. } => "ColumnSum".to_string(),
            Op::PlaceColumns { start, .. } => format!("PlaceColumns {start}"),
            Op::PreluBackward { .. } => "PreluBackward".to_string(),
            Op::PreluSlope { .. } => "PreluSlope".to_string(),
            Op::BatchNormBackward { .. } => "BatchNormBackward".to_string(),
            Op::FixedNormBackward { .. } => "FixedNormBackward".to_string(),
            Op::FixedNormGain { .. } => "FixedNormGain".to_string(),
            Op::LayerNormBackward { .. } => "LayerNormBackward".to_string(),
            Op::SoftmaxBackward { log, .. } => format!("SoftmaxBackward log {log}"),
        };
        let operands = self.operands();
        operands
            .iter()
            .fold(name, |text, operand| format!("{text} {}", operand.0))
    }

    /// The values it is made of.
    pub(crate) fn operands(&self) -> Vec<Value> {
        self.clone()
            .operands_mut()
            .into_iter()
            .map(|v| *v)
            .collect()
    }

    /// The values it is made of, to be replaced by others.
    pub(crate) fn operands_mut(&mut self) -> Vec<&mut Value> {
        match self {
            Op::Input | Op::Targets | Op::Parameter(_) | Op::Fill { .. } => vec![],
            Op::Matmul { a, b, .. }
            | Op::Add { a, b }
            | Op::Hadamard { a, b }
            | Op::Concatenate { a, b } => vec![a, b],
            Op::BiasAdd { x, bias } => vec![x, bias],
            Op::Activation { z, .. } => vec![z],
            Op::Scale { a, .. } => vec![a],
            Op::Softmax { x, .. }
            | Op::ColumnSum { x }
            | Op::StopGradient { x }
            | Op::Columns { x, .. }
            | Op::PlaceColumns { x, .. }
            | Op::Dropout { x, .. } => vec![x],
            Op::Prelu { x, slope } => vec![x, slope],
            Op::Random { p, .. } => p.iter_mut().collect(),
            Op::BatchNorm { x, gamma, beta, .. } | Op::LayerNorm { x, gamma, beta, .. } => {
                vec![x, gamma, beta]
            }
            Op::PreluBackward { dy, x, slope } => vec![dy, x, slope],
            Op::PreluSlope { dy, x } => vec![dy, x],
            Op::BatchNormBackward {
                dy,
                x,
                saved,
                gamma,
            } => vec![dy, x, saved, gamma],
            Op::FixedNormBackward { dy, gamma, .. } => vec![dy, gamma],
            Op::FixedNormGain { dy, x, .. } => vec![dy, x],
            Op::LayerNormBackward { dy, x, gamma, .. } => vec![dy, x, gamma],
            Op::Loss { inputs, target, .. } => inputs.iter_mut().chain(target).collect(),
            Op::Part { of, .. } => vec![of],
            Op::ActivationBackward { dy, saved, .. } => vec![dy, saved],
            Op::SoftmaxBackward { dy, y, .. } => vec![dy, y],
        }
    }
}
