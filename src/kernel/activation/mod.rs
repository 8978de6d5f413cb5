//! Activation functions: y = f(z), elementwise, and their derivatives.
//!
//! One file per function, `shaders/activation/x.wgsl` and `src/kernel/activation/x.rs`, each with
//! `f(z, alpha, beta)` and `df(saved, alpha, beta)`, where `saved` is the output y, or the input z where f′ needs it.
//! Those with an exponential share `exponentials.wgsl`.

pub(crate) mod celu;
pub(crate) mod elu;
pub(crate) mod exponentials;
pub(crate) mod gelu;
pub(crate) mod gelu_tanh;
pub(crate) mod hard_shrink;
pub(crate) mod hard_sigmoid;
pub(crate) mod hard_swish;
pub(crate) mod hard_tanh;
pub(crate) mod identity;
pub(crate) mod leaky_relu;
pub(crate) mod log_sigmoid;
pub(crate) mod mish;
mod parameters;
pub(crate) mod relu;
pub(crate) mod relu6;
pub(crate) mod selu;
pub(crate) mod sigmoid;
pub(crate) mod silu;
pub(crate) mod soft_shrink;
pub(crate) mod softplus;
pub(crate) mod softsign;
pub(crate) mod step;
pub(crate) mod tanh;
pub(crate) mod tanh_shrink;
pub(crate) mod thresholded_relu;

use super::Real;

/// An activation function y = f(z), applied to every element.
///
/// f′ is computed from the output y, so that z need not be kept, or from the input z where y does not give it, or not
/// well enough.
///
/// ```
/// use wgrad::Activation;
/// assert_eq!(Activation::LeakyRelu { slope: 0.1 }.to_string(), "leaky_relu");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// y = z; f′ = 1.
    Identity,
    /// Heaviside step of the perceptron: y = 1 where z ≥ 0, else 0; f′ = 0, so nothing in front of it learns
    /// (Rosenblatt 1958; `torch.heaviside` with 1 at 0).
    Step,
    /// Rectified linear unit: y = max(z, 0); f′ = 1 where y > 0, else 0 (also at 0, as in PyTorch).
    Relu,
    /// y = min(max(z, 0), 6); f′ = 1 where 0 < y < 6, else 0 (Krizhevsky 2010; PyTorch's `ReLU6`).
    Relu6,
    /// y = z where z > 0, else slope·z; f′ = 1 or slope. PyTorch's default slope is 0.01.
    LeakyRelu {
        /// The factor for negative inputs; must be at least 0, since f′ is found from the sign of y.
        slope: f32,
    },
    /// y = z where z > θ, else 0; f′ = 1 where y > 0, else 0 (Konda et al. 2014; ONNX's `ThresholdedRelu` with its
    /// θ = 1; PyTorch's `Threshold(θ, 0)`, which has no default).
    ThresholdedRelu {
        /// θ, at least 0.
        theta: f32,
    },
    /// Exponential linear unit: y = z where z > 0, else α(exp z − 1); f′ = 1, or α·exp z = y + α, which errs by a
    /// rounding of α where it nears 0 (Clevert et al. 2015; PyTorch's `ELU` with its α = 1).
    Elu {
        /// α, at least 0, since f′ is found from y.
        alpha: f32,
    },
    /// Scaled exponential linear unit: y = λz where z > 0, else λα(exp z − 1), λ = 1.0507…, α = 1.6733…; f′ = λ,
    /// or y + λα (Klambauer et al. 2017; PyTorch's `SELU`).
    Selu,
    /// y = z where z > 0, else α(exp(z/α) − 1), smooth at 0 for every α; f′ = 1, or exp(z/α) = y/α + 1 (Barron 2017;
    /// PyTorch's `CELU` with its α = 1; PyTorch takes any α but 0).
    Celu {
        /// α, from 10⁻⁶ to 10⁶.
        alpha: f32,
    },
    /// Logistic function: y = σ(z) = 1/(1 + exp(−z)); f′ = y(1 − y).
    Sigmoid,
    /// y = min(max(slope·z + offset, 0), 1); f′ = slope where 0 < y < 1, else 0. PyTorch's `Hardsigmoid` is slope ⅙,
    /// offset ½ (Howard et al. 2019); ONNX's and Keras' default is 0.2, ½.
    HardSigmoid {
        /// From 10⁻⁶ to 10⁶.
        slope: f32,
        /// The value at z = 0; at most 10⁶ in magnitude.
        offset: f32,
    },
    /// y = ln σ(z) = −ln(1 + exp(−z)); f′ = σ(−z) = 1 − exp y (PyTorch's `LogSigmoid`).
    LogSigmoid,
    /// Hyperbolic tangent: y = tanh z; f′ = 1 − y².
    Tanh,
    /// y = min(max(z, min), max); f′ = 1 where min < y < max, else 0 (Collobert 2004; PyTorch's `Hardtanh` with its
    /// −1 and 1; ONNX's `Clip`).
    HardTanh {
        /// The least output; finite.
        min: f32,
        /// The greatest output; finite and above `min`.
        max: f32,
    },
    /// y = z − tanh z; f′ = tanh² z, from z (PyTorch's `Tanhshrink`).
    TanhShrink,
    /// y = z where |z| > λ, else 0; f′ = 1 where y ≠ 0, else 0 (PyTorch's `Hardshrink` with its λ = ½; a negative λ,
    /// which PyTorch takes, would be the identity).
    HardShrink {
        /// λ, at least 0.
        lambda: f32,
    },
    /// y = z − λ where z > λ, z + λ where z < −λ, else 0; f′ = 1 where y ≠ 0, else 0 (PyTorch's `Softshrink` with its
    /// λ = ½).
    SoftShrink {
        /// λ, at least 0.
        lambda: f32,
    },
    /// y = ln(1 + exp(βz))/β, or z where βz > threshold; f′ = σ(βz) or 1, from z (Dugas et al. 2001; PyTorch's
    /// `Softplus` with its β = 1 and threshold 20).
    Softplus {
        /// β, from 10⁻⁶ to 10⁶.
        beta: f32,
        /// Where βz is above it, y = z; at least 0.
        threshold: f32,
    },
    /// y = z/(1 + |z|); f′ = 1/(1 + |z|)², from z (Bergstra et al. 2009; PyTorch's `Softsign`).
    Softsign,
    /// Sigmoid linear unit, or swish: y = z·σ(z); f′ = σ(z)(1 + z·σ(−z)), from z (Elfwing et al. 2017; PyTorch's
    /// `SiLU`).
    Silu,
    /// y = z·min(max(z + 3, 0), 6)/6; f′ = 0 up to −3, 1 from 3 on, (2z + 3)/6 between, from z (Howard et al. 2019;
    /// PyTorch's
    /// `Hardswish`).
    HardSwish,
    /// Gaussian error linear unit, in its exact form: y = z·Φ(z), Φ the normal distribution function;
    /// f′ = Φ(z) + z·φ(z), from z (Hendrycks and Gimpel 2016; PyTorch's `approximate='none'`).
    Gelu,
    /// The same with Φ(z) ≈ ½(1 + tanh u) = σ(2u), u = √(2/π)(z + 0.044715z³); f′ = σ(2u) + 2zu′·σ(2u)σ(−2u), from z
    /// (Hendrycks and Gimpel 2016; PyTorch's `approximate='tanh'`).
    GeluTanh,
    /// y = z·t, t = tanh(ln(1 + exp z)); f′ = t + z(1 − t²)σ(z), from z (Misra 2019; PyTorch's `Mish`).
    Mish,
}

/// Runs `$body` with `$module` bound to the activation's file: the one list that an added activation must extend.
macro_rules! each_activation {
    ($self:expr, $module:ident => $body:expr) => {
        each_activation!(@of $self, $module => $body;
            Identity in identity,
            Step in step,
            Relu in relu,
            Relu6 in relu6,
            LeakyRelu in leaky_relu,
            ThresholdedRelu in thresholded_relu,
            Elu in elu,
            Selu in selu,
            Celu in celu,
            Sigmoid in sigmoid,
            HardSigmoid in hard_sigmoid,
            LogSigmoid in log_sigmoid,
            Tanh in tanh,
            HardTanh in hard_tanh,
            TanhShrink in tanh_shrink,
            HardShrink in hard_shrink,
            SoftShrink in soft_shrink,
            Softplus in softplus,
            Softsign in softsign,
            Silu in silu,
            HardSwish in hard_swish,
            Gelu in gelu,
            GeluTanh in gelu_tanh,
            Mish in mish,
        )
    };
    (@of $self:expr, $module:ident => $body:expr; $($variant:ident in $file:ident,)*) => {
        match $self {
            $(Activation::$variant { .. } => {
                use $file as $module;
                $body
            })*
        }
    };
}

impl Activation {
    /// Every activation, each with PyTorch's default parameters.
    pub const ALL: [Activation; 24] = [
        Activation::Identity,
        Activation::Step,
        Activation::Relu,
        Activation::Relu6,
        Activation::LeakyRelu { slope: 0.01 },
        Activation::ThresholdedRelu { theta: 1.0 },
        Activation::Elu { alpha: 1.0 },
        Activation::Selu,
        Activation::Celu { alpha: 1.0 },
        Activation::Sigmoid,
        Activation::HardSigmoid {
            slope: 1.0 / 6.0,
            offset: 0.5,
        },
        Activation::LogSigmoid,
        Activation::Tanh,
        Activation::HardTanh {
            min: -1.0,
            max: 1.0,
        },
        Activation::TanhShrink,
        Activation::HardShrink { lambda: 0.5 },
        Activation::SoftShrink { lambda: 0.5 },
        Activation::Softplus {
            beta: 1.0,
            threshold: 20.0,
        },
        Activation::Softsign,
        Activation::Silu,
        Activation::HardSwish,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Mish,
    ];

    /// The name, also of its two source files.
    pub fn name(self) -> &'static str {
        each_activation!(self, function => function::NAME)
    }

    /// WGSL text that defines `f` and `df`.
    pub(crate) fn source(self) -> &'static str {
        each_activation!(self, function => function::SOURCE)
    }

    /// Whether the derivative is computed from the input z; else it is computed from the output y.
    pub fn derivative_needs_z(self) -> bool {
        each_activation!(self, function => function::DERIVATIVE_NEEDS_Z)
    }

    /// y = f(z) over a slice.
    pub(crate) fn apply<T: Real>(self, z: &[T], y: &mut [T]) {
        let [alpha, beta] = self.parameters().map(|p| T::of(p.into()));
        each_activation!(self, function => {
            for (y, &z) in y.iter_mut().zip(z) {
                *y = keep_nan(z, function::f(z, alpha, beta));
            }
        });
    }

    /// y = f(y) over a slice.
    pub(crate) fn apply_in_place<T: Real>(self, y: &mut [T]) {
        let [alpha, beta] = self.parameters().map(|p| T::of(p.into()));
        each_activation!(self, function => {
            for y in y {
                *y = keep_nan(*y, function::f(*y, alpha, beta));
            }
        });
    }

    /// dz = dy ⊙ f′ over slices, in place of dy.
    pub(crate) fn backpropagate<T: Real>(self, saved: &[T], dy: &mut [T]) {
        let [alpha, beta] = self.parameters().map(|p| T::of(p.into()));
        each_activation!(self, function => {
            for (dy, &saved) in dy.iter_mut().zip(saved) {
                *dy = *dy * function::df(saved, alpha, beta);
            }
        });
    }
}

/// What a function made of a value, but the value where that is a NaN: comparisons must not hide one from the guard.
fn keep_nan<T: Real>(value: T, result: T) -> T {
    if value.is_nan() { value } else { result }
}

impl std::fmt::Display for Activation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
