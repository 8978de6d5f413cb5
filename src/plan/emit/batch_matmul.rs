//! Lowering of products of stacks of matrices, and of the sums of their gradients.

use super::super::compiled::Cost;
use super::matmul::{Factors, Product};
use super::{Emitter, Lower, op};
use crate::graph::{Graph, Value};
use crate::kernel::{Along, ColumnSum, DimensionSum, Epilogue, MatrixShape, Side};

impl Lower for op::BatchMatmul {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let epilogue = match emitter.gradient_guard(value) {
            None => Epilogue::Plain,
            Some(id) => Epilogue::Gradient { id },
        };
        let product = Product {
            value,
            factors: Factors::BatchMatmul(self),
            bias: None,
        };
        emitter.product(product, epilogue, None, value);
    }

    fn tests_gradient(&self, _: &Graph) -> bool {
        true
    }

    fn lower_bound(&self, value: Value, shape: &dyn Fn(Value) -> MatrixShape) -> Cost {
        let numbers = [self.a, self.b, value].map(|value| shape(value).elements());
        Cost {
            bytes: 4 * numbers.iter().sum::<u64>(),
            flops: 2 * numbers[2] * self.stacked.sizes[2] as u64,
        }
    }
}

impl Lower for op::StackSum {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let mut operands = emitter.operands(&[self.x, value]);
        let [outer, inner] = [self.outer.at(emitter.spec.batch), self.inner];
        // A matrix is a row here, padding included, which is 0 and stays so.
        let floats = emitter.shape(self.x).floats() / (outer * inner).max(1);
        if self.sums_columns() {
            let summed = if self.over[1] { outer * inner } else { outer };
            let shape = MatrixShape::new(summed, outer * inner / summed.max(1) * floats);
            let gradient = emitter.gradient_guard(value);
            operands.extend(gradient.map(|_| emitter.state()));
            emitter.push(ColumnSum { shape, gradient }, operands);
        } else {
            let along = Along {
                side: Side::Rows,
                length: inner,
                inner: 1,
            };
            let shape = MatrixShape::new(outer * inner, floats);
            emitter.push(DimensionSum { along, shape }, operands);
        }
    }

    fn tests_gradient(&self, _: &Graph) -> bool {
        self.sums_columns()
    }
}

impl op::StackSum {
    /// Whether the sum is over the outer index, so that it adds up whole rows of matrices.
    fn sums_columns(&self) -> bool {
        self.over[0]
    }
}
