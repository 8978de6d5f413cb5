//! Lowering of matrix products, with the operations that are fused into them.

use super::super::compiled::Cost;
use super::{Emitter, Lower, Op, Operand, op};
use crate::graph::Value;
use crate::kernel::{ColumnSum, Epilogue, Layout, Matmul, MatrixShape};

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

impl op::Matmul {
    /// The kernel of the plain product, for a result and an A of these shapes.
    fn kernel(&self, shape: MatrixShape, a: MatrixShape) -> Matmul {
        Matmul::plain(shape.rows, shape.cols, inner(self.layout, a), self.layout)
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
    BatchMatmul(&'a op::BatchMatmul),
    Convolve(&'a op::Convolve),
}

impl<'a> Emitter<'a> {
    /// The product of this value, if `host` computes it.
    pub(super) fn hosted(&self, value: Value, host: Value) -> Option<Product<'a>> {
        let factors = match self.graph.op(value) {
            Op::Matmul(matmul) => Factors::Matmul(matmul),
            Op::BatchMatmul(matmul) => Factors::BatchMatmul(matmul),
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
            Factors::Matmul(&op::Matmul { a, b, .. })
            | Factors::BatchMatmul(&op::BatchMatmul { a, b, .. }) => [a, b],
            Factors::Convolve(&op::Convolve { x, w, .. }) => [x, w],
        };
        let shape = self.shape(product.value);
        let column_sum = self.fusion.column_sum[product.value.0];
        let matmul = match product.factors {
            Factors::Matmul(matmul) => Some(matmul.kernel(shape, self.shape(a))),
            Factors::BatchMatmul(batch) => Some(batch.stacked.matmul(self.spec.batch)),
            Factors::Convolve(_) => None,
        };
        let matmul = matmul.map(|call| self.in_place(call, [a, b]));
        let [a, b] = matmul.as_ref().map_or([a, b], |(_, sources)| *sources);
        let is_plain = matches!(epilogue, Epilogue::Plain | Epilogue::Gradient { .. });
        if let (Some((call, _)), None, true) = (&matmul, product.bias, is_plain) {
            let parts = call.parts();
            if parts > 1 {
                return self.split_product(call, parts, [a, b], product.value, epilogue, out);
            }
        }
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
        match (matmul, product.factors) {
            (Some((call, _)), _) => {
                let matmul = Matmul {
                    bias,
                    epilogue,
                    bias_gradient: column_sum.is_some(),
                    ..call
                };
                self.push(matmul, operands);
            }
            (None, Factors::Convolve(convolve)) => {
                self.push(convolve.kernel(shape, bias, epilogue), operands);
            }
            (None, Factors::Matmul(_) | Factors::BatchMatmul(_)) => {
                unreachable!("products of matrices have a call")
            }
        }
    }

    /// Appends the calls of a product whose K is split: the products of the parts, their sum in order, and the column
    /// sum of A if the product hosts one.
    fn split_product(
        &mut self,
        call: &Matmul,
        parts: usize,
        [a, b]: [Value; 2],
        value: Value,
        epilogue: Epilogue,
        out: Value,
    ) {
        let floats = call.out().floats();
        let scratch = Operand::Scratch {
            of: value,
            floats: parts * floats,
        };
        let operands = vec![self.operand(a), self.operand(b), scratch];
        self.push(call.split(parts), operands);
        // The result of a part is a row here, padding included, which is 0 and stays so.
        let shape = MatrixShape::new(parts, floats);
        let gradient = match epilogue {
            Epilogue::Gradient { id } => Some(id),
            _ => None,
        };
        let mut operands = vec![scratch, self.operand(out)];
        operands.extend(gradient.map(|_| self.state()));
        self.push(ColumnSum { shape, gradient }, operands);
        if let Some(sum) = self.fusion.column_sum[value.0] {
            let mut operands = self.operands(&[a, sum]);
            // The column sum's guard id follows the product's.
            let gradient = self.gradient_guard(sum);
            operands.extend(gradient.map(|_| self.state()));
            let shape = self.shape(a);
            self.push(ColumnSum { shape, gradient }, operands);
        }
    }
}
