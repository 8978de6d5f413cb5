//! Lowering of activations and their derivatives, fused into the product that computes their operand.

use super::super::fuse::is_product;
use super::{Elementary, Emitter, Fusion, Lower, Op, op};
use crate::graph::{Graph, Value};
use crate::kernel::Epilogue;

impl Lower for op::Activation {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let op::Activation { z, f } = *self;
        let Some(product) = emitter.hosted_with_bias(z, value) else {
            return emitter.elementwise(Elementary::Activate(f), &[z], value);
        };
        let epilogue = if emitter.fusion.is_kept(z.0) {
            Epilogue::Keep(f)
        } else {
            Epilogue::Activation(f)
        };
        emitter.product(product, epilogue, Some(z), value);
    }

    fn fuse(&self, value: Value, graph: &Graph, fusion: &mut Fusion) {
        let z = self.z;
        let op = graph.op(z);
        let biased = matches!(op, Op::BiasAdd(add) if fusion.host[add.x.0] == Some(z.0));
        let product = biased || is_product(op);
        // Other nodes read z only after this call has written it.
        let first = fusion.users[z.0].iter().all(|&user| user >= value.0);
        if product && first && fusion.host[z.0].is_none() {
            fusion.host[z.0] = Some(value.0);
        }
    }
}

impl Lower for op::ActivationBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let op::ActivationBackward { dy, saved, f } = *self;
        match emitter.hosted(dy, value) {
            Some(product) => {
                emitter.product(product, Epilogue::Derivative(f), Some(saved), value);
            }
            None => emitter.elementwise(Elementary::ActivateBackward(f), &[dy, saved], value),
        }
    }

    fn fuse(&self, value: Value, graph: &Graph, fusion: &mut Fusion) {
        let product = is_product(graph.op(self.dy));
        if product && fusion.users[self.dy.0] == [value.0] {
            fusion.host[self.dy.0] = Some(value.0);
        }
    }
}
