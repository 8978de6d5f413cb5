//! Lowering of convolutions, with the operations that are fused into them, and of their weight gradients.

use super::super::compiled::Cost;
use super::super::operand::Operand;
use super::matmul::{Factors, Product};
use super::{Emitter, Lower, op};
use crate::graph::{Graph, Value};
use crate::kernel::{ConvolutionWeight, Convolve, Epilogue, MatrixShape, WeightSum};

impl Lower for op::Convolve {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let product = Product {
            value,
            factors: Factors::Convolve(self),
            bias: None,
        };
        emitter.product(product, Epilogue::Plain, None, value);
    }

    fn lower_bound(&self, value: Value, shape: &dyn Fn(Value) -> MatrixShape) -> Cost {
        let [x, w, y] = [self.x, self.w, value].map(shape);
        let samples = shape(value).rows / self.result_pixels();
        Cost {
            bytes: 4 * (x.elements() + w.elements() + y.elements()),
            flops: 2 * samples as u64 * self.geometry.multiply_adds(),
        }
    }
}

impl op::Convolve {
    /// Pixels of a sample of the result.
    fn result_pixels(&self) -> usize {
        let place = &self.geometry.place;
        if self.transposed {
            place.pixels()
        } else {
            place.windows()
        }
    }

    /// The kernel that computes it for a result of this shape.
    pub(super) fn kernel(&self, shape: MatrixShape, bias: bool, epilogue: Epilogue) -> Convolve {
        Convolve {
            geometry: self.geometry,
            batch: shape.rows / self.result_pixels(),
            transposed: self.transposed,
            flat: self.flat,
            bias,
            epilogue,
        }
    }
}

impl op::ConvolutionWeight {
    /// Samples of a batch.
    fn samples(&self, grid: MatrixShape) -> usize {
        match self.flat[1] {
            true => grid.rows,
            false => grid.rows / self.geometry.place.windows(),
        }
    }
}

impl Lower for op::ConvolutionWeight {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let column_sum = emitter.fusion.column_sum[value.0];
        let kernel = ConvolutionWeight {
            geometry: self.geometry,
            batch: self.samples(emitter.shape(self.grid)),
            flat: self.flat,
            bias: column_sum.is_some(),
        };
        let parts = Operand::Scratch {
            of: value,
            floats: kernel.floats(),
        };
        let mut operands = emitter.operands(&[self.image, self.grid]);
        operands.push(parts);
        let count = kernel.parts();
        emitter.push(kernel, operands);
        let gradient = emitter.gradient_guard(value);
        let mut operands = vec![parts, emitter.operand(value)];
        if let Some(sum) = column_sum {
            operands.push(emitter.operand(sum));
            // The column sum's guard id follows the weight's.
            emitter.gradient_guard(sum);
        }
        operands.extend(gradient.map(|_| emitter.state()));
        let sum = WeightSum {
            shape: emitter.shape(value),
            parts: count,
            bias: column_sum.is_some(),
            gradient,
        };
        emitter.push(sum, operands);
    }

    fn tests_gradient(&self, _: &Graph) -> bool {
        true
    }

    fn lower_bound(&self, value: Value, shape: &dyn Fn(Value) -> MatrixShape) -> Cost {
        let [image, grid, w] = [self.image, self.grid, value].map(shape);
        Cost {
            bytes: 4 * (image.elements() + grid.elements() + w.elements()),
            flops: 2 * self.samples(grid) as u64 * self.geometry.multiply_adds(),
        }
    }
}
