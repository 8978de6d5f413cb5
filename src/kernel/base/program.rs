//! GPU programs of kernels: shader source, parameter block, number of workgroups.

use super::binding::{self, Binding};
use super::tuning::Tuning;
pub(crate) use super::uniform::{Field, UniformBlock, uniform_block};
use std::sync::Arc;

/// `bound(number, workgroup)`, at the start of every shader: for loop bounds that come from the uniform block.
pub(crate) const BOUND: &str = include_str!("../../../shaders/base/bound.wgsl");

/// Capabilities of an adapter: with the shape, they determine the kernel variant. They are a pure function of the
/// adapter and of the user's tuning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Whether the adapter runs on a CPU, where registers and workgroup memory are both ordinary memory and barriers
    /// are slow.
    pub(crate) software: bool,
    /// Whether the adapter may end the loops of an invocation after [`MAX_ITERATIONS`], for any kernels.
    pub(crate) bounded: bool,
    /// Number of invocations in a subgroup, if the adapter has subgroups of one width only.
    pub(crate) subgroup: Option<u32>,
    /// Whether kernels use 64-bit integers: the adapter has them and runs on a CPU. Other adapters do not gain from
    /// them.
    pub(crate) loads64: bool,
    /// Measured choices of algorithms.
    pub(crate) tuning: Option<Arc<Tuning>>,
}

/// A kernel prepared for a GPU.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The whole WGSL source. Programs with equal source share one pipeline.
    pub(crate) source: String,
    /// The uniform block at binding 0.
    pub(crate) params: Vec<u8>,
    /// The fields of the uniform block.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "compared with the shader's layout in tests")
    )]
    pub(crate) fields: &'static [Field],
    /// Total number of workgroups; the executor folds them into two dimensions.
    pub(crate) workgroups: u64,
    /// Upper bound on the iterations of one invocation over all its loops, if the bound grows with the shape: see
    /// [`MAX_ITERATIONS`].
    pub(crate) iterations: u64,
}

/// Maximum iterations of one invocation on a software adapter, counted over all its loops. Past this number, lavapipe
/// ends every loop of the invocation without an error, and the result is wrong.
pub(crate) const MAX_ITERATIONS: u64 = 65_535;

/// The parts of a shader's source, apart from its uniform block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shader<'a> {
    /// `const` lines.
    pub(crate) constants: &'a [(&'a str, u32)],
    /// The operands, which the source declares with their accessors: see [`Binding`].
    pub(crate) bindings: &'a [Binding],
    /// WGSL text, the kernel's own last.
    pub(crate) pieces: &'a [&'a str],
}

impl Program {
    /// Joins the `const` lines, the declarations of the uniform block and the operands, `bound`, and the pieces.
    pub(crate) fn assemble<B: UniformBlock>(
        shader: Shader<'_>,
        params: &B,
        workgroups: usize,
    ) -> Self {
        let mut source = String::with_capacity(1 << 13);
        for (name, value) in shader.constants {
            source.push_str(&format!("const {name} = {value}u;\n"));
        }
        B::declare(&mut source);
        binding::declare(shader.bindings, &mut source);
        for piece in [BOUND].iter().chain(shader.pieces) {
            source.push_str(piece);
            source.push('\n');
        }
        Program {
            source,
            params: bytemuck::bytes_of(params).to_vec(),
            fields: B::FIELDS,
            workgroups: workgroups as u64,
            iterations: 0,
        }
    }

    /// Sets the upper bound on the iterations of one invocation, over all its loops. The bound is compared with
    /// [`MAX_ITERATIONS`] before a call is recorded on a software adapter.
    pub(crate) fn with_iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations as u64;
        self
    }
}

/// Number of invocations in a workgroup of the elementwise kernels.
pub(crate) const WORKGROUP: usize = 256;

/// Maximum number of workgroups in one dimension of a dispatch: WebGPU's default limit.
pub(crate) const MAX_WORKGROUPS_PER_DIMENSION: u64 = 65_535;

/// Folds a count of workgroups into the x and y dimensions of a dispatch. Workgroups of the last row may lie beyond the
/// count: kernels check their index.
pub(crate) fn fold(workgroups: u64) -> [u32; 2] {
    let y = workgroups.div_ceil(MAX_WORKGROUPS_PER_DIMENSION).max(1);
    [workgroups.div_ceil(y) as u32, y as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fold_covers_every_workgroup_within_the_limit() {
        for n in [0, 1, 65_535, 65_536, 131_070, 131_071, 1 << 30] {
            let [x, y] = fold(n);
            assert!(u64::from(x) * u64::from(y) >= n);
            assert!(u64::from(x.max(y)) <= MAX_WORKGROUPS_PER_DIMENSION);
        }
    }
}
