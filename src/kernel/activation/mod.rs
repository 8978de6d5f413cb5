//! Activation functions: y = f(z), elementwise, and their derivatives.
//!
//! One file per function, `shaders/activation/x.wgsl` and `src/kernel/activation/x.rs`, each with
//! `f(z, alpha)` and `df(saved, alpha)`, where `saved` is the output y, or the input z where f′ needs it.

pub(crate) mod gelu;
pub(crate) mod identity;
pub(crate) mod leaky_relu;
pub(crate) mod relu;
pub(crate) mod sigmoid;
pub(crate) mod tanh;

use super::Real;

/// An activation function y = f(z), applied to every element.
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
    /// Rectified linear unit: y = max(z, 0); f′ = 1 where y > 0, else 0 (also at 0, as in PyTorch).
    Relu,
    /// y = z where z > 0, else slope·z; f′ = 1 or slope. PyTorch's default slope is 0.01.
    LeakyRelu {
        /// The factor for negative inputs; must be at least 0, since f′ is found from the sign of y.
        slope: f32,
    },
    /// Logistic function: y = σ(z) = 1/(1 + exp(−z)); f′ = y(1 − y).
    Sigmoid,
    /// Hyperbolic tangent: y = tanh z; f′ = 1 − y².
    Tanh,
    /// Gaussian error linear unit, in its exact form: y = z·Φ(z), Φ the normal distribution function;
    /// f′ = Φ(z) + z·φ(z) (Hendrycks and Gimpel 2016; PyTorch's `approximate='none'`).
    Gelu,
}

/// Runs `$body` with `$module` bound to the activation's file: the one list that an added activation must extend.
macro_rules! each_activation {
    ($self:expr, $module:ident => $body:expr) => {
        match $self {
            Activation::Identity => {
                use identity as $module;
                $body
            }
            Activation::Relu => {
                use relu as $module;
                $body
            }
            Activation::LeakyRelu { .. } => {
                use leaky_relu as $module;
                $body
            }
            Activation::Sigmoid => {
                use sigmoid as $module;
                $body
            }
            Activation::Tanh => {
                use tanh as $module;
                $body
            }
            Activation::Gelu => {
                use gelu as $module;
                $body
            }
        }
    };
}

impl Activation {
    /// Every activation, each with PyTorch's default parameters.
    pub const ALL: [Activation; 6] = [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.01 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Gelu,
    ];

    /// The name, also of its two source files.
    pub fn name(self) -> &'static str {
        each_activation!(self, function => function::NAME)
    }

    /// WGSL text that defines `f` and `df`.
    pub(crate) fn source(self) -> &'static str {
        each_activation!(self, function => function::SOURCE)
    }

    /// Whether the derivative is computed from z; else it is computed from y.
    pub(crate) fn derivative_needs_z(self) -> bool {
        each_activation!(self, function => function::DERIVATIVE_NEEDS_Z)
    }

    /// The function's parameter, or 0.
    pub(crate) fn alpha(self) -> f32 {
        match self {
            Activation::LeakyRelu { slope } => slope,
            _ => 0.0,
        }
    }

    pub(crate) fn check(self) -> crate::Result<()> {
        match self {
            Activation::LeakyRelu { slope } if !(slope >= 0.0 && slope.is_finite()) => Err(
                crate::Error::argument("the slope of leaky ReLU", "finite and at least 0", slope),
            ),
            _ => Ok(()),
        }
    }

    /// y = f(z) over a slice.
    pub(crate) fn apply<T: Real>(self, z: &[T], y: &mut [T]) {
        let alpha = T::of(self.alpha().into());
        each_activation!(self, function => {
            for (y, &z) in y.iter_mut().zip(z) {
                *y = function::f(z, alpha);
            }
        });
    }

    /// y = f(y) over a slice.
    pub(crate) fn apply_in_place<T: Real>(self, y: &mut [T]) {
        let alpha = T::of(self.alpha().into());
        each_activation!(self, function => {
            for y in y {
                *y = function::f(*y, alpha);
            }
        });
    }

    /// dz = dy ⊙ f′ over slices, in place of dy.
    pub(crate) fn backpropagate<T: Real>(self, saved: &[T], dy: &mut [T]) {
        let alpha = T::of(self.alpha().into());
        each_activation!(self, function => {
            for (dy, &saved) in dy.iter_mut().zip(saved) {
                *dy = *dy * function::df(saved, alpha);
            }
        });
    }
}

impl std::fmt::Display for Activation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
