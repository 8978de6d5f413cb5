//! Products, activations, sums and softmax as tensor calls.

use super::Tensor;
use crate::kernel::{
    Activation, ColumnSum, Elementwise, Epilogue, Layout, Matmul, MatrixShape, Op, Softmax,
    SoftmaxBackward,
};
use crate::{Error, Result};

impl Tensor {
    /// The matrix product of A (`self`) and B in one of three [`Layout`]s, in one dispatch.
    ///
    /// A network splits some products with a K from 16,384 on into parts, which keep a GPU busy with small results. A tensor
    /// call does not, so that each element is summed in the most accurate order.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the inner dimensions differ.
    pub fn matmul(&self, b: &Tensor, layout: Layout) -> Result<Tensor> {
        let call = self.product("matmul", b, layout)?;
        let shape = call.out();
        Tensor::call("matmul", call, &[self, b], shape)
    }

    /// A dense layer in one call: f(x·Wᵀ + b), with `self` as x [batch, inputs], weight [outputs, inputs] and
    /// bias [1, outputs].
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit.
    pub fn dense(&self, weight: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
        activation.check()?;
        let mut call = self.product("dense", weight, Layout::NT)?;
        expect("dense", "bias", bias.shape, MatrixShape::new(1, call.n))?;
        call.bias = true;
        call.epilogue = Epilogue::Activation(activation);
        let shape = call.out();
        Tensor::call("dense", call, &[self, weight, bias], shape)
    }

    fn product(&self, operation: &'static str, b: &Tensor, layout: Layout) -> Result<Matmul> {
        let (a, b) = (self.shape, b.shape);
        let (m, n, k, inner) = match layout {
            Layout::NN => (a.rows, b.cols, a.cols, b.rows),
            Layout::NT => (a.rows, b.rows, a.cols, b.cols),
            Layout::TN => (a.cols, b.cols, a.rows, b.rows),
        };
        if k != inner {
            return Err(Error::shape(
                operation,
                format!("B with inner dimension {k} for A {a} in layout {layout:?}"),
                b,
            ));
        }
        super::element_count(m, n)?;
        Ok(Matmul::plain(m, n, k, layout))
    }

    pub(super) fn elementwise(
        &self,
        operation: &'static str,
        op: Op,
        others: &[&Tensor],
    ) -> Result<Tensor> {
        let mut inputs = vec![self];
        inputs.extend(others);
        let call = Elementwise {
            op,
            shape: self.shape,
        };
        Tensor::call(operation, call, &inputs, self.shape)
    }

    /// x + b with the vector b [1, cols] added to every row.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if b is not [1, cols].
    pub fn bias_add(&self, bias: &Tensor) -> Result<Tensor> {
        expect(
            "bias_add",
            "bias",
            bias.shape,
            MatrixShape::new(1, self.shape.cols),
        )?;
        self.elementwise("bias_add", Op::BiasAdd, &[bias])
    }

    /// self + other, element by element.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes differ.
    pub fn add(&self, other: &Tensor) -> Result<Tensor> {
        expect("add", "operand", other.shape, self.shape)?;
        self.elementwise("add", Op::Add, &[other])
    }

    /// The elementwise (Hadamard) product self ⊙ other.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes differ.
    pub fn mul(&self, other: &Tensor) -> Result<Tensor> {
        expect("mul", "operand", other.shape, self.shape)?;
        self.elementwise("mul", Op::Mul, &[other])
    }

    /// factor · self.
    ///
    /// # Errors
    /// Errors of the device only.
    pub fn scale(&self, factor: f32) -> Result<Tensor> {
        self.elementwise("scale", Op::Scale(factor), &[])
    }

    /// y = f(z), where `self` is z.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the activation's parameter is outside its range.
    pub fn activate(&self, activation: Activation) -> Result<Tensor> {
        activation.check()?;
        self.elementwise("activate", Op::Activate(activation), &[])
    }

    /// dz = dy ⊙ f′(z), where `self` is dy. `saved` is the activation's output y, or its input z if
    /// [`Activation::derivative_needs_z`] is true.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes differ.
    pub fn activate_backward(&self, activation: Activation, saved: &Tensor) -> Result<Tensor> {
        activation.check()?;
        expect("activate_backward", "saved", saved.shape, self.shape)?;
        self.elementwise(
            "activate_backward",
            Op::ActivateBackward(activation),
            &[saved],
        )
    }

    /// PReLU (He et al. 2015): y = max(x, 0) + a·min(x, 0), where `self` is x. The learnt slope a is [1, cols], one per
    /// column, or [1, 1], shared (PyTorch's `PReLU`).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if a has another shape.
    pub fn prelu(&self, a: &Tensor) -> Result<Tensor> {
        let shared = self.expect_slope("prelu", a)?;
        self.elementwise("prelu", Op::PRelu { shared }, &[a])
    }

    /// Input gradient of [`prelu`](Tensor::prelu) from its output gradient dy (`self`) and its input x:
    /// dx = dy where x > 0, else a·dy.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit.
    pub fn prelu_backward(&self, x: &Tensor, a: &Tensor) -> Result<Tensor> {
        expect("prelu_backward", "x", x.shape, self.shape)?;
        let shared = self.expect_slope("prelu_backward", a)?;
        self.elementwise("prelu_backward", Op::PReluBackward { shared }, &[x, a])
    }

    /// Terms of the slope gradient of [`prelu`](Tensor::prelu) from its output gradient dy (`self`) and its input x: dy
    /// ⊙ min(x, 0). Their column sums are da. For a shared slope, da is the sum of the column sums.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes differ.
    pub fn prelu_slope(&self, x: &Tensor) -> Result<Tensor> {
        expect("prelu_slope", "x", x.shape, self.shape)?;
        self.elementwise("prelu_slope", Op::PReluSlope, &[x])
    }

    /// Checks the slope's shape and returns whether all columns share it.
    fn expect_slope(&self, operation: &'static str, a: &Tensor) -> Result<bool> {
        let shared = a.shape == MatrixShape::new(1, 1);
        if !shared {
            let row = MatrixShape::new(1, self.shape.cols);
            expect(operation, "a slope [1, 1] or", a.shape, row)?;
        }
        Ok(shared)
    }

    /// The sum of every column over all rows: [1, cols]. [`sum_along`](Tensor::sum_along) sums along one dimension.
    ///
    /// # Errors
    /// Errors of the device only.
    pub fn column_sum(&self) -> Result<Tensor> {
        let call = ColumnSum {
            shape: self.shape,
            gradient: None,
        };
        let shape = MatrixShape::new(1, self.shape.cols);
        let sums = Tensor::call("column_sum", call, &[self], shape)?;
        Ok(sums.with_dims(vec![1, self.shape.cols]))
    }

    /// Softmax over each row.
    ///
    /// # Errors
    /// Errors of the device only.
    pub fn softmax(&self) -> Result<Tensor> {
        let call = Softmax {
            log: false,
            shape: self.shape,
        };
        Tensor::call("softmax", call, &[self], self.shape)
    }

    /// The logarithm of the softmax over each row. It avoids the cancellation of a separate logarithm.
    ///
    /// # Errors
    /// Errors of the device only.
    pub fn log_softmax(&self) -> Result<Tensor> {
        let call = Softmax {
            log: true,
            shape: self.shape,
        };
        Tensor::call("log_softmax", call, &[self], self.shape)
    }

    /// Input gradient of [`softmax`](Tensor::softmax) from its output gradient dy (`self`) and its output y.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes differ.
    pub fn softmax_backward(&self, y: &Tensor) -> Result<Tensor> {
        expect("softmax_backward", "y", y.shape, self.shape)?;
        let call = SoftmaxBackward {
            log: false,
            shape: self.shape,
        };
        Tensor::call("softmax_backward", call, &[self, y], self.shape)
    }

    /// Input gradient of [`log_softmax`](Tensor::log_softmax) from its output gradient dy (`self`) and its output y.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes differ.
    pub fn log_softmax_backward(&self, y: &Tensor) -> Result<Tensor> {
        expect("log_softmax_backward", "y", y.shape, self.shape)?;
        let call = SoftmaxBackward {
            log: true,
            shape: self.shape,
        };
        Tensor::call("log_softmax_backward", call, &[self, y], self.shape)
    }
}

pub(super) fn expect(
    operation: &'static str,
    operand: &str,
    found: MatrixShape,
    wanted: MatrixShape,
) -> Result<()> {
    if found == wanted {
        Ok(())
    } else {
        Err(Error::shape(
            operation,
            format!("{operand} {wanted}"),
            found,
        ))
    }
}
