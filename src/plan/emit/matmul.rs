//! Lowering of matrix products, with the operations that are fused into them.

use super::super::compiled::Cost;
use super::{Emitter, Lower, Op, op};
use crate::graph::Value;
use crate::kernel::{Epilogue, Layout, Matmul, MatrixShape};

impl Lower for op::Matmul {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let epilogue = match emitter.gradient_guard(value) {
            None => Epilogue::Plain,
            Some(id) => Epilogue::Gradient { id },
        };
        let product = Product {
            value,
            factors: Factors::Matmul(self),
            bias: None,
        };
        emitter.product(product, epilogue, None, value);
    }

    fn tests_gradient(&self, _: &crate::graph::Graph) -> bool {
        true
    }

    fn lower_bound(&self, value: Value, shape: &dyn Fn(Value) -> MatrixShape) -> Cost {
        let [a, b, c] = [self.a, self.b, value].map(shape);
        let numbers = |shape: MatrixShape| shape.elements();
        Cost {
            bytes: 4 * (numbers(a) + numbers(b) + numbers(c)),
            flops: 2 * numbers(c) * inner(self.layout, a) as u64,
        }
    }
}

/// Length of the inner dimension K of a product, given the shape of A.
fn inner(layout: Layout, a: MatrixShape) -> usize {
    match layout {
        Layout::NN | Layout::NT => a.cols,
        Layout::TN => a.rows,
    }
}

/// A product that another operation hosts, with its bias if any.
pub(super) struct Product<'a> {
    pub(super) value: Value,
    pub(super) factors: Factors<'a>,
    pub(super) bias: Option<Value>,
}

/// The operation that a product is.
#[derive(Clone, Copy)]
pub(super) enum Factors<'a> {
    Matmul(&'a op::Matmul),
    Convolve(&'a op::Convolve),
}

impl<'a> Emitter<'a> {
    /// The product of this value, if `host` computes it.
    pub(super) fn hosted(&self, value: Value, host: Value) -> Option<Product<'a>> {
        let factors = match self.graph.op(value) {
            Op::Matmul(matmul) => Factors::Matmul(matmul),
            Op::Convolve(convolve) => Factors::Convolve(convolve),
            _ => return None,
        };
        let is_hosted = self.fusion.host[value.0] == Some(host.0);
        is_hosted.then_some(Product {
            value,
            factors,
            bias: None,
        })
    }

    /// The product of this value with its bias, if `host` computes both.
    pub(super) fn hosted_with_bias(&self, value: Value, host: Value) -> Option<Product<'a>> {
        if let Op::BiasAdd(add) = self.graph.op(value) {
            let is_hosted = self.fusion.host[value.0] == Some(host.0);
            let product = self.hosted(add.x, value).filter(|_| is_hosted)?;
            let bias = Some(add.bias);
            return Some(Product { bias, ..product });
        }
        self.hosted(value, host)
    }

    /// Appends the call of a product with its epilogue, which writes `out`. `second` is z where z is kept, or the saved
    /// operand of a derivative.
    pub(super) fn product(
        &mut self,
        product: Product<'_>,
        epilogue: Epilogue,
        second: Option<Value>,
        out: Value,
    ) {
        let [a, b] = match product.factors {
            Factors::Matmul(&op::Matmul { a, b, .. }) => [a, b],
            Factors::Convolve(&op::Convolve { x, w, .. }) => [x, w],
        };
        let shape = self.shape(product.value);
        let column_sum = self.fusion.column_sum[product.value.0];
        let second = second.map(|second| self.operand(second));
        let mut operands = self.operands(&[a, b]);
        operands.extend(product.bias.map(|bias| self.operand(bias)));
        if matches!(epilogue, Epilogue::Derivative(_)) {
            operands.extend(second);
        }
        operands.push(self.operand(out));
        if matches!(epilogue, Epilogue::Keep(_)) {
            operands.extend(second);
        }
        if let Some(sum) = column_sum {
            operands.push(self.operand(sum));
            // The column sum's guard id follows the product's.
            self.gradient_guard(sum);
        }
        if matches!(epilogue, Epilogue::Gradient { .. }) {
            operands.push(self.state());
        }
        let bias = product.bias.is_some();
        match product.factors {
            Factors::Matmul(&op::Matmul { layout, .. }) => {
                let matmul = Matmul {
                    m: shape.rows,
                    n: shape.cols,
                    k: inner(layout, self.shape(a)),
                    layout,
                    bias,
                    epilogue,
                    bias_gradient: column_sum.is_some(),
                };
                self.push(matmul, operands);
            }
            Factors::Convolve(convolve) => {
                self.push(convolve.kernel(shape, bias, epilogue), operands);
            }
        }
    }
}
