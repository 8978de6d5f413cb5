//! Activations as layers of a stack.

use super::Sequential;
use super::layer::Layer;
use crate::Activation;

impl Sequential {
    /// Appends an activation: y = f(z).
    pub fn activation(self, f: Activation) -> Self {
        self.layer(Layer::Activation(f))
    }

    /// [`Activation::Relu`].
    pub fn relu(self) -> Self {
        self.activation(Activation::Relu)
    }

    /// [`Activation::LeakyRelu`] with PyTorch's slope of 0.01.
    pub fn leaky_relu(self) -> Self {
        self.activation(Activation::LeakyRelu { slope: 0.01 })
    }

    /// [`Activation::Sigmoid`].
    pub fn sigmoid(self) -> Self {
        self.activation(Activation::Sigmoid)
    }

    /// [`Activation::Tanh`].
    pub fn tanh(self) -> Self {
        self.activation(Activation::Tanh)
    }

    /// [`Activation::Gelu`].
    pub fn gelu(self) -> Self {
        self.activation(Activation::Gelu)
    }

    /// [`Activation::GeluTanh`].
    pub fn gelu_tanh(self) -> Self {
        self.activation(Activation::GeluTanh)
    }

    /// [`Activation::Silu`].
    pub fn silu(self) -> Self {
        self.activation(Activation::Silu)
    }

    /// [`Activation::Mish`].
    pub fn mish(self) -> Self {
        self.activation(Activation::Mish)
    }

    /// [`Activation::HardSwish`].
    pub fn hard_swish(self) -> Self {
        self.activation(Activation::HardSwish)
    }

    /// [`Activation::Relu6`].
    pub fn relu6(self) -> Self {
        self.activation(Activation::Relu6)
    }

    /// [`Activation::Elu`] with PyTorch's α of 1.
    pub fn elu(self) -> Self {
        self.activation(Activation::Elu { alpha: 1.0 })
    }

    /// [`Activation::Selu`].
    pub fn selu(self) -> Self {
        self.activation(Activation::Selu)
    }

    /// [`Activation::Softplus`] with PyTorch's β of 1 and threshold of 20.
    pub fn softplus(self) -> Self {
        self.activation(Activation::Softplus {
            beta: 1.0,
            threshold: 20.0,
        })
    }

    /// [`Activation::Softsign`].
    pub fn softsign(self) -> Self {
        self.activation(Activation::Softsign)
    }
}
