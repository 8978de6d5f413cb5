//! Lowering of column sums, fused into a product of the same matrix where both are gradients of parameters.

use super::super::fuse::ROOT;
use super::{Emitter, Fusion, Lower, op};
use crate::graph::{Graph, Value};
use crate::kernel::ColumnSum;

impl Lower for op::ColumnSum {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let mut operands = emitter.operands(&[self.x, value]);
        let gradient = emitter.gradient_guard(value);
        operands.extend(gradient.map(|_| emitter.state()));
        let shape = emitter.shape(self.x);
        emitter.push(ColumnSum { shape, gradient }, operands);
    }

    fn tests_gradient(&self, _: &Graph) -> bool {
        true
    }

    /// Fuses if both are the gradient of one parameter each and have no reader within the step.
    fn fuse(&self, value: Value, _: &Graph, fusion: &mut Fusion) {
        if fusion.users[value.0] == [ROOT]
            && let Some(product) = fusion.take_weight_gradient(self.x)
        {
            fusion.host[value.0] = Some(product.0);
            fusion.column_sum[product.0] = Some(value);
        }
    }
}
