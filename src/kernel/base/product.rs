//! What all kernels of the matrix product share: layouts, how a long sum is cut, the parts of a variant.

/// Which operand of a matrix product is read transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Layout {
    /// A [M, K] · B [K, N].
    NN,
    /// A [M, K] · Bᵀ, B [N, K].
    NT,
    /// Aᵀ · B, A [K, M], B [K, N].
    TN,
}

impl Layout {
    /// All layouts.
    pub const ALL: [Layout; 3] = [Layout::NN, Layout::NT, Layout::TN];
}

/// K up to which a product is one sum. The thin product has a limit of its own.
pub(crate) const LONG_K: usize = 1024;

/// Most blocks whose sums are added up one after the other. More are added up in groups.
const MAX_BLOCKS: usize = 64;

/// How a long sum is cut: terms are added up to the sum of a block, blocks to the total of a group, groups to the
/// result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Levels {
    /// Terms of a block.
    pub(crate) block: usize,
    /// Terms of a group, whole blocks. `None` where all blocks are one group.
    pub(crate) group: Option<usize>,
}

impl Levels {
    /// For n terms in blocks of `block`. Of b > 64 blocks a group has from √b to 2·√b, a power of two, so that there
    /// are at most √b + 1 groups.
    ///
    /// A term passes through at most block + min(b, 3·√b + 1) additions, each of which errs by at most ½ ULP of the
    /// sum of magnitudes. A chain of m equal terms errs by at most m/8: half the sums are in the last binade, where ½
    /// ULP of the value is ¼ of an ε of the whole sum. So blocks of 128 keep equal terms within 2·log₂ n for n from
    /// 2¹⁰ to 2²⁰.
    pub(crate) fn of(n: usize, block: usize) -> Self {
        let blocks = n.div_ceil(block);
        let of_group = || block * blocks.isqrt().next_power_of_two();
        Levels {
            block,
            group: (blocks > MAX_BLOCKS).then(of_group),
        }
    }

    /// For a sum that `times` invocations, or products within a term, share: lengths in terms of all of them.
    pub(crate) fn times(self, times: usize) -> Self {
        Levels {
            block: self.block * times,
            group: self.group.map(|group| group * times),
        }
    }

    /// How many blocks and groups end within n terms.
    pub(crate) fn ends(&self, n: usize) -> usize {
        n.div_ceil(self.block) + self.group.map_or(0, |group| n.div_ceil(group))
    }
}

/// A kernel variant for one product: its constants, its own text, and how many workgroups it takes.
pub(crate) struct Variant {
    pub(crate) constants: Vec<(&'static str, u32)>,
    pub(crate) sources: Vec<&'static str>,
    pub(crate) workgroups: usize,
    /// How K is cut; `None` where all of K is one sum.
    pub(crate) levels: Option<Levels>,
    /// Upper bound on the loop iterations of one invocation.
    pub(crate) iterations: usize,
}
