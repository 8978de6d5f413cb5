//! Elementwise kernels: each output element depends only on the input elements at the same place.
//!
//! `out[i, j] = op(a[i, j], b[i, j])`, all matrices [rows, cols]. One file per operation, `shaders/elementwise/x.wgsl`
//! and `src/kernel/elementwise/x.rs`; the loop around them is `shaders/elementwise/elementwise.wgsl` and this file.

pub(crate) mod activate;
pub(crate) mod activate_backward;
pub(crate) mod add;
pub(crate) mod bias_add;
pub(crate) mod div;
pub(crate) mod exp;
pub(crate) mod fill;
pub(crate) mod gradient_copy;
pub(crate) mod log;
pub(crate) mod mul;
pub(crate) mod normalize;
pub(crate) mod normalize_backward;
pub(crate) mod normalize_gain;
pub(crate) mod powf;
pub(crate) mod prelu;
pub(crate) mod prelu_backward;
pub(crate) mod prelu_slope;
pub(crate) mod repeat_column;
pub(crate) mod repeat_row;
pub(crate) mod running_spread;
pub(crate) mod scale;
pub(crate) mod sqrt;
pub(crate) mod sub;

use crate::kernel::activation::Activation;
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, guard,
    matrix,
};

const SOURCE: &str = include_str!("../../../shaders/elementwise/elementwise.wgsl");

/// The operation on each element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    /// y = f(z).
    Activate(Activation),
    /// dz = dy ⊙ f′(saved).
    ActivateBackward(Activation),
    /// z = x + b, b a vector added to every row.
    BiasAdd,
    /// a + b.
    Add,
    /// a ⊙ b.
    Mul,
    /// a − b.
    Sub,
    /// a / b.
    Div,
    /// eᵃ.
    Exp,
    /// ln a.
    Log,
    /// √a.
    Sqrt,
    /// aᵖ, with the exponent p.
    Powf(f32),
    /// A row a [1, cols], in every row.
    RepeatRow,
    /// A column a [rows, 1], in every column.
    RepeatColumn,
    /// factor · a.
    Scale(f32),
    /// a, tested for NaN and infinity: the tensor's id goes to the non-finite guard.
    GradientCopy(u32),
    /// The number in every element; no input.
    Fill(f32),
    /// y = x where x > 0, else a·x. The slope a is [cols], or one number if `shared`.
    PRelu { shared: bool },
    /// dx = dy where x > 0, else a·dy. Inputs dy, x, a.
    PReluBackward { shared: bool },
    /// dy ⊙ min(x, 0), whose column sums are da.
    PReluSlope,
    /// y = γ·(x − mean)/√(variance + ε) + β. Inputs x, γ, β, running [2, cols] (mean, variance).
    Normalize { epsilon: f32 },
    /// dx = dy·γ/√(variance + ε). Inputs dy, γ, running.
    NormalizeBackward { epsilon: f32 },
    /// dy ⊙ (x − mean)/√(variance + ε), whose column sums are dγ. Inputs dy, x, running.
    NormalizeGain { epsilon: f32 },
}

#[cfg(test)]
impl Op {
    /// One of every operation, for the shader tests, except those with an activation, which [`Activation::ALL`] lists.
    pub(crate) const ALL: &[Op] = &[
        Op::BiasAdd,
        Op::Add,
        Op::Mul,
        Op::Sub,
        Op::Div,
        Op::Exp,
        Op::Log,
        Op::Sqrt,
        Op::Powf(2.0),
        Op::RepeatRow,
        Op::RepeatColumn,
        Op::Scale(2.0),
        Op::GradientCopy(1),
        Op::Fill(2.0),
        Op::PRelu { shared: false },
        Op::PRelu { shared: true },
        Op::PReluBackward { shared: false },
        Op::PReluBackward { shared: true },
        Op::PReluSlope,
        Op::Normalize { epsilon: 1e-5 },
        Op::NormalizeBackward { epsilon: 1e-5 },
        Op::NormalizeGain { epsilon: 1e-5 },
    ];
}

/// One elementwise operation over a matrix. Arguments: the inputs in the order of the formula, then the output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Elementwise {
    pub(crate) op: Op,
    pub(crate) shape: MatrixShape,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// Total number of `vec4` elements.
        count: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        /// The activation's parameters. Otherwise, alpha is the factor, the number to fill with, the exponent, or ε,
        /// and beta is the kind of exponent, or ε·2⁶⁴.
        alpha: f32,
        beta: f32,
        /// Id for the non-finite guard.
        id: u32,
        _pad: [u32; 2],
    }
}

impl Compute for Elementwise {
    fn label(&self) -> String {
        let shape = self.shape;
        match self.op {
            Op::Activate(f) => format!("{f} {shape}"),
            Op::ActivateBackward(f) => format!("{f} backward {shape}"),
            Op::BiasAdd => format!("bias add {shape}"),
            Op::Add => format!("add {shape}"),
            Op::Mul => format!("mul {shape}"),
            Op::Sub => format!("sub {shape}"),
            Op::Div => format!("div {shape}"),
            Op::Exp => format!("exp {shape}"),
            Op::Log => format!("log {shape}"),
            Op::Sqrt => format!("sqrt {shape}"),
            Op::Powf(exponent) => format!("power {exponent} {shape}"),
            Op::RepeatRow => format!("repeat row {shape}"),
            Op::RepeatColumn => format!("repeat column {shape}"),
            Op::Scale(factor) => format!("scale {factor} {shape}"),
            Op::GradientCopy(_) => format!("gradient copy {shape}"),
            Op::Fill(value) => format!("fill {value} {shape}"),
            Op::PRelu { .. } => format!("prelu {shape}"),
            Op::PReluBackward { .. } => format!("prelu backward {shape}"),
            Op::PReluSlope => format!("prelu slope {shape}"),
            Op::Normalize { .. } => format!("normalize {shape}"),
            Op::NormalizeBackward { .. } => format!("normalize backward {shape}"),
            Op::NormalizeGain { .. } => format!("normalize gain {shape}"),
        }
    }

    fn bindings(&self) -> Vec<Binding> {
        // The inputs, in the order of the formula, have the numbers 1, 2, 4 and 5.
        let inputs: &[&str] = match self.op {
            Op::Activate(_) => &["z"],
            Op::Scale(_)
            | Op::Exp
            | Op::Log
            | Op::Sqrt
            | Op::Powf(_)
            | Op::RepeatRow
            | Op::RepeatColumn
            | Op::GradientCopy(_) => &["a"],
            Op::ActivateBackward(_) => &["dy", "saved"],
            Op::BiasAdd => &["x", "bias"],
            Op::Add | Op::Mul | Op::Sub | Op::Div => &["a", "b"],
            Op::PRelu { .. } => &["x", "a"],
            Op::PReluSlope => &["dy", "x"],
            Op::Fill(_) => &[],
            Op::PReluBackward { .. } => &["dy", "x", "a"],
            Op::NormalizeBackward { .. } => &["dy", "gamma", "running"],
            Op::NormalizeGain { .. } => &["dy", "x", "running"],
            Op::Normalize { .. } => &["x", "gamma", "beta", "running"],
        };
        let mut bindings: Vec<Binding> = [1, 2, 4, 5]
            .into_iter()
            .zip(inputs)
            .map(|(number, name)| Binding::input(number, name, Element::Vec4).with_components())
            .collect();
        bindings.push(Binding::output(3, "out", Element::Vec4));
        if let Op::GradientCopy(_) = self.op {
            bindings.push(Binding::updated(8, "state", Element::AtomicWord));
        }
        bindings
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let ([before, function], operation, [alpha, beta]) = match self.op {
            Op::Activate(f) => (f.sources(), activate::SOURCE, f.parameters()),
            Op::ActivateBackward(f) => (f.sources(), activate_backward::SOURCE, f.parameters()),
            Op::BiasAdd => (["", ""], bias_add::SOURCE, [0.0; 2]),
            Op::Add => (["", ""], add::SOURCE, [0.0; 2]),
            Op::Mul => (["", ""], mul::SOURCE, [0.0; 2]),
            Op::Sub => (["", ""], sub::SOURCE, [0.0; 2]),
            Op::Div => (["", ""], div::SOURCE, [0.0; 2]),
            Op::Exp => (["", ""], exp::SOURCE, [0.0; 2]),
            Op::Log => (["", ""], log::SOURCE, [0.0; 2]),
            Op::Sqrt => (["", ""], sqrt::SOURCE, [0.0; 2]),
            Op::Powf(exponent) => (["", ""], powf::SOURCE, powf::parameters(exponent)),
            Op::RepeatRow => (["", ""], repeat_row::SOURCE, [0.0; 2]),
            Op::RepeatColumn => (["", ""], repeat_column::SOURCE, [0.0; 2]),
            Op::Scale(factor) => (["", ""], scale::SOURCE, [factor, 0.0]),
            Op::GradientCopy(_) => (["", guard::SOURCE], gradient_copy::SOURCE, [0.0; 2]),
            Op::Fill(value) => (["", ""], fill::SOURCE, [value, 0.0]),
            Op::PRelu { shared } => (["", prelu::slope_source(shared)], prelu::SOURCE, [0.0; 2]),
            Op::PReluBackward { shared } => {
                let slope = prelu::slope_source(shared);
                (["", slope], prelu_backward::SOURCE, [0.0; 2])
            }
            Op::PReluSlope => (["", ""], prelu_slope::SOURCE, [0.0; 2]),
            Op::NormalizeBackward { epsilon } => {
                let parameters = running_spread::parameters(epsilon);
                let spread = ["", running_spread::SOURCE];
                (spread, normalize_backward::SOURCE, parameters)
            }
            Op::NormalizeGain { epsilon } => {
                let parameters = running_spread::parameters(epsilon);
                let spread = ["", running_spread::SOURCE];
                (spread, normalize_gain::SOURCE, parameters)
            }
            Op::Normalize { epsilon } => {
                let parameters = running_spread::parameters(epsilon);
                let spread = ["", running_spread::SOURCE];
                (spread, normalize::SOURCE, parameters)
            }
        };
        let id = match self.op {
            Op::GradientCopy(id) => id,
            _ => 0,
        };
        let params = Params {
            count: self.shape.vec4s() as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            alpha,
            beta,
            id,
            _pad: [0; 2],
        };
        Program::assemble(
            Shader {
                constants: &[("WORKGROUP", WORKGROUP as u32)],
                bindings: &self.bindings(),
                pieces: &[matrix::SOURCE, before, function, operation, SOURCE],
            },
            &params,
            self.shape.vec4s().div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let shape = self.shape;
        match self.op {
            Op::Activate(f) => activate::run(f, args.read(), args.write(), shape),
            Op::Scale(factor) => scale::run(T::of(factor.into()), args.read(), args.write(), shape),
            Op::GradientCopy(id) => {
                let (a, out) = (args.read(), args.write());
                gradient_copy::run(id, a, out, args.write_words(), shape);
            }
            Op::ActivateBackward(f) => {
                let (dy, saved) = (args.read(), args.read());
                activate_backward::run(f, dy, saved, args.write(), shape);
            }
            Op::BiasAdd => bias_add::run(args.read(), args.read(), args.write(), shape),
            Op::Add => add::run(args.read(), args.read(), args.write(), shape),
            Op::Mul => mul::run(args.read(), args.read(), args.write(), shape),
            Op::Sub => sub::run(args.read(), args.read(), args.write(), shape),
            Op::Div => div::run(args.read(), args.read(), args.write(), shape),
            Op::Exp => exp::run(args.read(), args.write(), shape),
            Op::Log => log::run(args.read(), args.write(), shape),
            Op::Sqrt => sqrt::run(args.read(), args.write(), shape),
            Op::Powf(exponent) => {
                powf::run(T::of(exponent.into()), args.read(), args.write(), shape);
            }
            Op::RepeatRow => repeat_row::run(args.read(), args.write(), shape),
            Op::RepeatColumn => repeat_column::run(args.read(), args.write(), shape),
            Op::Fill(value) => fill::run(T::of(value.into()), args.write(), shape),
            Op::PRelu { shared } => {
                let (x, a) = (args.read(), args.read());
                prelu::run(x, a, shared, args.write(), shape);
            }
            Op::PReluBackward { shared } => {
                let inputs = [args.read(), args.read(), args.read()];
                prelu_backward::run(inputs, shared, args.write(), shape);
            }
            Op::PReluSlope => prelu_slope::run(args.read(), args.read(), args.write(), shape),
            Op::NormalizeBackward { epsilon } => {
                let inputs = [args.read(), args.read(), args.read()];
                normalize_backward::run(inputs, epsilon, args.write(), shape);
            }
            Op::NormalizeGain { epsilon } => {
                let inputs = [args.read(), args.read(), args.read()];
                normalize_gain::run(inputs, epsilon, args.write(), shape);
            }
            Op::Normalize { epsilon } => {
                let inputs = [args.read(), args.read(), args.read(), args.read()];
                normalize::run(inputs, epsilon, args.write(), shape);
            }
        }
    }
}
