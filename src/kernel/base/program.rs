//! GPU programs of kernels: shader source, parameter block, bindings, number of workgroups.

use super::tuning::Tuning;
use std::sync::Arc;

/// `bound(number, workgroup)`, at the start of every shader: for loop bounds that come from the uniform block.
pub(crate) const BOUND: &str = include_str!("../../../shaders/base/bound.wgsl");

/// The access of a kernel to a binding. A kernel may also read a binding that it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// The element type of a binding: `f32` values or `u32` words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Float,
    Word,
}

/// One storage binding of a kernel. Binding 0 is always the uniform parameter block and is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) number: u32,
    pub(crate) access: Access,
    pub(crate) element: Element,
}

impl Binding {
    pub(crate) const fn read(number: u32) -> Self {
        Binding {
            number,
            access: Access::Read,
            element: Element::Float,
        }
    }
    pub(crate) const fn write(number: u32) -> Self {
        Binding {
            number,
            access: Access::Write,
            element: Element::Float,
        }
    }
    pub(crate) const fn read_words(number: u32) -> Self {
        Binding {
            number,
            access: Access::Read,
            element: Element::Word,
        }
    }
    pub(crate) const fn write_words(number: u32) -> Self {
        Binding {
            number,
            access: Access::Write,
            element: Element::Word,
        }
    }
}

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

/// The uniform block of a kernel, with its fields for comparison with the shader's declaration.
pub(crate) trait UniformBlock: bytemuck::Pod {
    /// Name and offset in bytes of every field.
    const FIELDS: &'static [(&'static str, usize)];
}

/// Declares a uniform block in WGSL's layout: only four-byte fields, and arrays whose size is a multiple of 16 bytes.
macro_rules! uniform_block {
    ($(#[$doc:meta])* pub(crate) struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
        pub(crate) struct $name { $($(#[$field_doc])* $field: $type),* }

        impl $crate::kernel::base::program::UniformBlock for $name {
            const FIELDS: &'static [(&'static str, usize)] =
                &[$((stringify!($field), std::mem::offset_of!($name, $field))),*];
        }
    };
}
pub(crate) use uniform_block;

/// A kernel prepared for a GPU.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The whole WGSL source: constants, `bound`, pieces, kernel. Programs with equal source share one pipeline.
    pub(crate) source: String,
    /// The uniform block at binding 0.
    pub(crate) params: Vec<u8>,
    /// Name and offset of each field of the uniform block.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "compared with the shader's declaration in tests")
    )]
    pub(crate) fields: &'static [(&'static str, usize)],
    /// Total number of workgroups; the executor folds them into two dimensions.
    pub(crate) workgroups: u64,
    /// Upper bound on the iterations of one invocation over all its loops, if the bound grows with the shape: see
    /// [`MAX_ITERATIONS`].
    pub(crate) iterations: u64,
}

/// Maximum iterations of one invocation on a software adapter, counted over all its loops. Past this number, lavapipe
/// ends every loop of the invocation without an error, and the result is wrong.
pub(crate) const MAX_ITERATIONS: u64 = 65_535;

impl Program {
    /// Joins `const` lines, `bound`, pieces and the kernel's own source.
    pub(crate) fn new<B: UniformBlock>(
        constants: &[(&str, u32)],
        pieces: &[&str],
        params: &B,
        workgroups: usize,
    ) -> Self {
        let mut source = String::new();
        for (name, value) in constants {
            source.push_str(&format!("const {name} = {value}u;\n"));
        }
        for piece in [BOUND].iter().chain(pieces) {
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
