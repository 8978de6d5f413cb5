//! Stacks of products, C[i, j] = A[i, j]·B[i, j], in one call: the parameters of the shaders, and the CPU twin.

use super::call::Matmul;
use super::gemm;
use super::view::Stack;
use crate::kernel::base::Real;
use crate::kernel::base::program::uniform_block;
use crate::threads;

pub(super) const SOURCE: &str = include_str!("../../../shaders/matmul/stack/stack.wgsl");
/// The saved operand of a derivative.
pub(super) const SAVED: &str = include_str!("../../../shaders/matmul/stack/saved.wgsl");
/// The z that is kept.
pub(super) const KEPT: &str = include_str!("../../../shaders/matmul/stack/kept.wgsl");
/// Replaces [`SOURCE`] for one product, whose tiles are the workgroups.
pub(super) const NONE: &str = "fn own_tile(number: u32) -> u32 {\n    return number;\n}\n";

uniform_block! {
    copied
    /// The shader's uniform block.
    pub(crate) struct StackParams {
        m: u32,
        n: u32,
        k: u32,
        /// Leading dimensions, in `vec4` elements.
        lda: u32,
        ldb: u32,
        ldc: u32,
        /// Id for the non-finite guard.
        id: u32,
        /// The activation's parameters.
        alpha: f32,
        beta: f32,
        /// Workgroups of one product.
        tiles: u32,
        /// Number of products.
        matrices: u32,
        /// Number of inner indices.
        inner: u32,
        /// The first `vec4` of the first A and B.
        starts: [u32; 2],
        /// The last `vec4` of a matrix A and B, counted from its first one.
        ends: [u32; 2],
        /// `vec4` elements from one outer index to the next, and from one inner index to the next.
        steps_a: [u32; 2],
        steps_b: [u32; 2],
    }
}

impl StackParams {
    pub(super) fn new(call: &Matmul, stack: &Stack, tiles: usize) -> Self {
        let [alpha, beta] = call.epilogue.parameters();
        let vec4s = |floats: usize| (floats / 4) as u32;
        StackParams {
            m: call.m as u32,
            n: call.n as u32,
            k: call.k as u32,
            lda: vec4s(stack.a.ld),
            ldb: vec4s(stack.b.ld),
            ldc: call.out().ld4() as u32,
            id: call.epilogue.id(),
            alpha,
            beta,
            // A call without workgroups is not dispatched.
            tiles: tiles.max(1) as u32,
            matrices: stack.matrices() as u32,
            inner: stack.counts[1].max(1) as u32,
            starts: [vec4s(stack.a.start), vec4s(stack.b.start)],
            ends: [stack.a.end(call.a()) as u32, stack.b.end(call.b()) as u32],
            steps_a: stack.a.steps.map(vec4s),
            steps_b: stack.b.steps.map(vec4s),
        }
    }
}

impl Matmul {
    /// Computes all products on the CPU. `finish(row, column, values)` is called for each finished run of columns of a
    /// row, counted through all C.
    pub(super) fn products<T: Real>(
        &self,
        a: &[T],
        b: &[T],
        out: &mut [T],
        finish: impl Fn(usize, usize, &mut [T]) + Sync,
    ) {
        let Some(stack) = self.stack else {
            return gemm::product(self, a, b, out, finish);
        };
        let floats = self.out().floats();
        if floats == 0 || out.is_empty() {
            return;
        }
        // A task computes whole matrices: several if they are small. Large ones are shared out once more.
        let at_a_time = (gemm::TASK_FMAS / (self.m * self.n * self.k).max(1)).max(1);
        threads::for_chunks(out, at_a_time * floats, 1, |task, chunk| {
            for (i, c) in chunk.chunks_exact_mut(floats).enumerate() {
                let matrix = task * at_a_time + i;
                let place = stack.place(matrix);
                let (a, b) = (&a[stack.a.at(place)..], &b[stack.b.at(place)..]);
                gemm::product(self, a, b, c, |row, column, values| {
                    finish(matrix * self.m + row, column, values);
                });
            }
        });
    }
}
