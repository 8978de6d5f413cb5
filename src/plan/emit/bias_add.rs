//! Lowering of the bias add, fused into a product that has no other reader.

use super::super::fuse::is_product;
use super::{Elementary, Emitter, Fusion, Lower, op};
use crate::graph::{Graph, Value};
use crate::kernel::Epilogue;

impl Lower for op::BiasAdd {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        match emitter.hosted(self.x, value) {
            Some(mut product) => {
                product.bias = Some(self.bias);
                emitter.product(product, Epilogue::Plain, None, value);
            }
            None => emitter.elementwise(Elementary::BiasAdd, &[self.x, self.bias], value),
        }
    }

    fn fuse(&self, value: Value, graph: &Graph, fusion: &mut Fusion) {
        let x = self.x;
        if is_product(graph.op(x)) && x != self.bias && fusion.users[x.0] == [value.0] {
            fusion.host[x.0] = Some(value.0);
        }
    }
}
