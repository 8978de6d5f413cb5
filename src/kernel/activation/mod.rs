//! Activation functions: y = f(z), elementwise, and their derivatives.
//!
//! [`activations!`] is the only list of activations. From it come [`Activation`], [`Activation::ALL`] and the tests of
//! every activation. Its two files, `shaders/activation/x.wgsl` and `src/kernel/activation/x.rs`, define `f(z, alpha,
//! beta)` and `df(saved, alpha, beta)`. `saved` is the output y, or the input z where f′ needs it.

mod celu;
mod elu;
pub(crate) mod exponentials;
mod gelu;
mod gelu_tanh;
mod hard_shrink;
mod hard_sigmoid;
mod hard_swish;
mod hard_tanh;
mod identity;
mod leaky_relu;
mod log_sigmoid;
mod mish;
mod parameters;
mod relu;
mod relu6;
mod selu;
mod sigmoid;
mod silu;
mod soft_shrink;
mod softplus;
mod softsign;
mod step;
mod tanh;
mod tanh_shrink;
mod thresholded_relu;
mod traits;

use crate::Result;
use crate::kernel::base::Real;
use crate::kernel::base::simd::Vectorized;
use traits::Traits;

/// Declares [`Activation`] and everything that has one entry per activation: formula, parameters with PyTorch's
/// defaults, file.
macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident
        $({ $($(#[$field_doc:meta])* $field:ident = $default:expr),* $(,)? })? in $file:ident),* $(,)?) => {
        /// An activation function y = f(z), applied to every element.
        ///
        /// f′ is computed from the output y, so that z need not be kept, or from the input z where y does not determine
        /// f′ accurately.
        ///
        /// ```
        /// use wgrad::Activation;
        /// assert_eq!(Activation::LeakyRelu { slope: 0.1 }.to_string(), "leaky_relu");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
        pub enum Activation {
            $($(#[$doc])* $name $({ $($(#[$field_doc])* $field: f32),* })?),*
        }

        impl Activation {
            /// Every activation, each with PyTorch's default parameters.
            pub const ALL: [Activation; [$(stringify!($name)),*].len()] =
                [$(Activation::$name $({ $($field: $default),* })?),*];

            fn traits(self) -> &'static Traits {
                match self { $(Activation::$name { .. } => &$file::TRAITS),* }
            }

            /// The user's parameters: 0 where the function has none.
            fn settings(self) -> [f32; 2] {
                match self {
                    $(Activation::$name $({ $($field),* })? => parameters::pad([$($($field),*)?])),*
                }
            }

            /// y = f(z) over a slice.
            pub(crate) fn apply<T: Real>(self, z: &[T], y: &mut [T]) {
                T::vectorized(Apply { f: self, z, y });
            }

            /// y = f(y) over a slice.
            pub(crate) fn apply_in_place<T: Real>(self, y: &mut [T]) {
                T::vectorized(ApplyInPlace { f: self, y });
            }

            /// dz = dy ⊙ f′ over slices, in place of dy.
            pub(crate) fn backpropagate<T: Real>(self, saved: &[T], dy: &mut [T]) {
                T::vectorized(Backpropagate { f: self, saved, dy });
            }
        }

        impl<T: Real> Vectorized for Apply<'_, T> {
            const WIDE: bool = true;

            #[inline(always)]
            fn run<const FUSED: bool>(self) {
                let [alpha, beta] = self.f.parameters().map(|p| T::of(p.into()));
                match self.f {
                    $(Activation::$name { .. } => {
                        for (y, &z) in self.y.iter_mut().zip(self.z) {
                            *y = keep_nan(z, $file::f(z, alpha, beta));
                        }
                    })*
                }
            }
        }

        impl<T: Real> Vectorized for ApplyInPlace<'_, T> {
            const WIDE: bool = true;

            #[inline(always)]
            fn run<const FUSED: bool>(self) {
                let [alpha, beta] = self.f.parameters().map(|p| T::of(p.into()));
                match self.f {
                    $(Activation::$name { .. } => {
                        for y in self.y {
                            *y = keep_nan(*y, $file::f(*y, alpha, beta));
                        }
                    })*
                }
            }
        }

        impl<T: Real> Vectorized for Backpropagate<'_, T> {
            const WIDE: bool = true;

            #[inline(always)]
            fn run<const FUSED: bool>(self) {
                let [alpha, beta] = self.f.parameters().map(|p| T::of(p.into()));
                match self.f {
                    $(Activation::$name { .. } => {
                        for (dy, &saved) in self.dy.iter_mut().zip(self.saved) {
                            *dy = *dy * $file::df(saved, alpha, beta);
                        }
                    })*
                }
            }
        }
    };
}

/// y = f(z), over slices.
struct Apply<'a, T> {
    f: Activation,
    z: &'a [T],
    y: &'a mut [T],
}

/// y = f(y), over a slice.
struct ApplyInPlace<'a, T> {
    f: Activation,
    y: &'a mut [T],
}

/// dz = dy ⊙ f′, in place of dy.
struct Backpropagate<'a, T> {
    f: Activation,
    saved: &'a [T],
    dy: &'a mut [T],
}

activations!(
    /// y = z; f′ = 1.
    Identity in identity,
    /// Heaviside step of the perceptron: y = 1 where z ≥ 0, else 0; f′ = 0, so no layer before it learns (Rosenblatt
    /// 1958; `torch.heaviside` with 1 at 0).
    Step in step,
    /// Rectified linear unit: y = max(z, 0); f′ = 1 where y > 0, else 0 (also at 0, as in PyTorch).
    Relu in relu,
    /// y = min(max(z, 0), 6); f′ = 1 where 0 < y < 6, else 0 (Krizhevsky 2010; PyTorch's `ReLU6`).
    Relu6 in relu6,
    /// y = z where z > 0, else slope·z; f′ = 1 or slope. PyTorch's default slope is 0.01.
    LeakyRelu {
        /// The factor for negative inputs; must be at least 0, since f′ is derived from the sign of y.
        slope = 0.01,
    } in leaky_relu,
    /// y = z where z > θ, else 0; f′ = 1 where y > 0, else 0 (Konda et al. 2014; ONNX's `ThresholdedRelu` with its
    /// θ = 1; PyTorch's `Threshold(θ, 0)`, which has no default).
    ThresholdedRelu {
        /// θ, at least 0.
        theta = 1.0,
    } in thresholded_relu,
    /// Exponential linear unit: y = z where z > 0, else α(exp z − 1); f′ = 1, or α·exp z = y + α, whose absolute error
    /// near 0 is one rounding of α (Clevert et al. 2015; PyTorch's `ELU` with its α = 1).
    Elu {
        /// α, at least 0, since f′ is derived from y.
        alpha = 1.0,
    } in elu,
    /// Scaled exponential linear unit: y = λz where z > 0, else λα(exp z − 1), λ = 1.0507…, α = 1.6733…; f′ = λ,
    /// or y + λα (Klambauer et al. 2017; PyTorch's `SELU`).
    Selu in selu,
    /// y = z where z > 0, else α(exp(z/α) − 1), smooth at 0 for every α; f′ = 1, or exp(z/α) = y/α + 1 (Barron 2017;
    /// PyTorch's `CELU` with its α = 1; PyTorch accepts any α except 0).
    Celu {
        /// α, from 10⁻⁶ to 10⁶.
        alpha = 1.0,
    } in celu,
    /// Logistic function: y = σ(z) = 1/(1 + exp(−z)); f′ = y(1 − y).
    Sigmoid in sigmoid,
    /// y = min(max(slope·z + offset, 0), 1); f′ = slope where 0 < y < 1, else 0. PyTorch's `Hardsigmoid` is slope ⅙,
    /// offset ½ (Howard et al. 2019); ONNX's and Keras' default is 0.2, ½.
    HardSigmoid {
        /// The slope, from 10⁻⁶ to 10⁶.
        slope = 1.0 / 6.0,
        /// The value at z = 0; at most 10⁶ in magnitude.
        offset = 0.5,
    } in hard_sigmoid,
    /// y = ln σ(z) = −ln(1 + exp(−z)); f′ = σ(−z) = 1 − exp y (PyTorch's `LogSigmoid`).
    LogSigmoid in log_sigmoid,
    /// Hyperbolic tangent: y = tanh z; f′ = 1 − y².
    Tanh in tanh,
    /// y = min(max(z, min), max); f′ = 1 where min < y < max, else 0 (Collobert 2004; PyTorch's `Hardtanh` with its
    /// −1 and 1; ONNX's `Clip`).
    HardTanh {
        /// The minimum of the output; finite.
        min = -1.0,
        /// The maximum of the output; finite and above `min`.
        max = 1.0,
    } in hard_tanh,
    /// y = z − tanh z; f′ = tanh² z, from z (PyTorch's `Tanhshrink`).
    TanhShrink in tanh_shrink,
    /// y = z where |z| > λ, else 0; f′ = 1 where y ≠ 0, else 0 (PyTorch's `Hardshrink` with its λ = ½; a negative λ,
    /// which PyTorch accepts, would give the identity).
    HardShrink {
        /// λ, at least 0.
        lambda = 0.5,
    } in hard_shrink,
    /// y = z − λ where z > λ, z + λ where z < −λ, else 0; f′ = 1 where y ≠ 0, else 0 (PyTorch's `Softshrink` with its
    /// λ = ½).
    SoftShrink {
        /// λ, at least 0.
        lambda = 0.5,
    } in soft_shrink,
    /// y = ln(1 + exp(βz))/β, or z where βz > threshold; f′ = σ(βz) or 1, from z (Dugas et al. 2001; PyTorch's
    /// `Softplus` with its β = 1 and threshold 20).
    Softplus {
        /// β, from 10⁻⁶ to 10⁶.
        beta = 1.0,
        /// The value of βz above which y = z; at least 0.
        threshold = 20.0,
    } in softplus,
    /// y = z/(1 + |z|); f′ = 1/(1 + |z|)², from z (Bergstra et al. 2009; PyTorch's `Softsign`).
    Softsign in softsign,
    /// Sigmoid linear unit, or swish: y = z·σ(z); f′ = σ(z)(1 + z·σ(−z)), from z (Elfwing et al. 2017; PyTorch's
    /// `SiLU`).
    Silu in silu,
    /// y = z·min(max(z + 3, 0), 6)/6; f′ = 0 up to −3, 1 from 3 on, (2z + 3)/6 between, from z (Howard et al. 2019;
    /// PyTorch's
    /// `Hardswish`).
    HardSwish in hard_swish,
    /// Gaussian error linear unit, in its exact form: y = z·Φ(z), Φ the normal distribution function;
    /// f′ = Φ(z) + z·φ(z), from z (Hendrycks and Gimpel 2016; PyTorch's `approximate='none'`).
    Gelu in gelu,
    /// Gaussian error linear unit with Φ(z) ≈ ½(1 + tanh u) = σ(2u), u = √(2/π)(z + 0.044715z³); f′ = σ(2u) +
    /// 2zu′·σ(2u)σ(−2u), from z (Hendrycks and Gimpel 2016; PyTorch's `approximate='tanh'`).
    GeluTanh in gelu_tanh,
    /// y = z·t, t = tanh(ln(1 + exp z)); f′ = t + z(1 − t²)σ(z), from z (Misra 2019; PyTorch's `Mish`).
    Mish in mish,
);

impl Activation {
    /// The name, which is also the stem of its two files.
    pub fn name(self) -> &'static str {
        self.traits().name
    }

    /// WGSL source that defines `f` and `df`, preceded by the functions that it uses.
    pub(crate) fn sources(self) -> [&'static str; 2] {
        self.traits().sources
    }

    /// Whether the derivative is computed from the input z rather than the output y.
    pub fn derivative_needs_z(self) -> bool {
        self.traits().derivative_needs_z
    }

    /// The parameters as kernels take them, [alpha, beta]: 0 where the function has none.
    pub(crate) fn parameters(self) -> [f32; 2] {
        (self.traits().prepare)(self.settings())
    }

    /// # Errors
    ///
    /// [`Argument`](crate::Error::Argument) if a parameter is outside its range.
    pub(crate) fn check(self) -> Result<()> {
        (self.traits().check)(self.settings())
    }
}

/// `result`, or `value` if that is NaN: comparisons in f must not hide a NaN from the guard.
#[inline(always)]
fn keep_nan<T: Real>(value: T, result: T) -> T {
    if value.is_nan() { value } else { result }
}

impl std::fmt::Display for Activation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
