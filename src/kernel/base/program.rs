//! How a kernel runs on a GPU: shader text, parameter block, bindings, number of workgroups.

use super::tuning::Tuning;
use std::sync::Arc;

/// `bound(number, workgroup)`, which every shader begins with: loop bounds that come from the uniform block.
pub(crate) const BOUND: &str = include_str!("../../../shaders/base/bound.wgsl");

/// How a kernel uses a binding. What it writes it may also read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// What lies in a binding: `f32` values or `u32` words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Float,
    Word,
}

/// One storage binding of a kernel. Binding 0 is always the uniform parameter block, and is not listed.
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

/// Capabilities of an adapter: what the choice of a kernel variant depends on besides the shape. They are a pure
/// function of the adapter and of the tuning that its user gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// The adapter runs on a CPU: registers and workgroup memory are both ordinary memory there, and barriers are dear.
    pub(crate) software: bool,
    /// The adapter may end the loops of an invocation after [`MAX_ITERATIONS`], whichever kernels it runs.
    pub(crate) bounded: bool,
    /// Invocations in a subgroup, where the adapter has subgroups of one width only.
    pub(crate) subgroup: Option<u32>,
    /// 64-bit integers can be had, and the adapter runs on a CPU: no other gains by them.
    pub(crate) loads64: bool,
    /// Choices that were measured.
    pub(crate) tuning: Option<Arc<Tuning>>,
}

/// The uniform block of a kernel: what it holds, and where, for comparison with the shader's own declaration.
pub(crate) trait UniformBlock: bytemuck::Pod {
    /// Name and offset in bytes of every field.
    const FIELDS: &'static [(&'static str, usize)];
}

/// Declares a uniform block with the layout that WGSL gives it: only four-byte fields and arrays of whole 16 bytes.
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

/// A kernel made ready for a GPU.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The whole WGSL text: constants, `bound`, pieces, kernel. Two programs with equal text share one pipeline.
    pub(crate) source: String,
    /// The uniform block at binding 0.
    pub(crate) params: Vec<u8>,
    /// Its fields, by name and offset.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "compared with the shader's declaration in tests")
    )]
    pub(crate) fields: &'static [(&'static str, usize)],
    /// Workgroups in all; the executor folds them into two dimensions.
    pub(crate) workgroups: u64,
    /// Upper bound on the iterations that one invocation runs in all its loops together, where the bound grows with the
    /// shape: see [`MAX_ITERATIONS`].
    pub(crate) iterations: u64,
}

/// Most iterations of one invocation on a software adapter, counted over all its loops. lavapipe ends every loop of an
/// invocation that has run more, without an error, and the result is wrong.
pub(crate) const MAX_ITERATIONS: u64 = 65_535;

impl Program {
    /// Joins `const` lines, `bound`, pieces and the kernel's own text.
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

    /// States the upper bound on the iterations of one invocation, over all its loops. Before a call is recorded on a
    /// software adapter, the bound is compared with [`MAX_ITERATIONS`].
    pub(crate) fn with_iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations as u64;
        self
    }
}

/// Invocations in a workgroup of the kernels that work element by element.
pub(crate) const WORKGROUP: usize = 256;

/// Most workgroups in one dimension of a dispatch: WebGPU's default limit.
pub(crate) const MAX_WORKGROUPS_PER_DIMENSION: u64 = 65_535;

/// Folds a count of workgroups into the x and y dimensions of a dispatch. Some workgroups of the last row may be
/// beyond the count: kernels check their index.
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
