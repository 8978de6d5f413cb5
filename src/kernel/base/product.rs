//! Common parts of the matrix product kernels: layouts, the levels of a long sum, the parts of a variant.

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

/// Largest K for which a product is one sum. The thin product has its own limit.
pub(crate) const LONG_K: usize = 1024;

/// Maximum number of blocks whose sums are added one after another. More blocks are added in groups.
const MAX_BLOCKS: usize = 64;

/// Levels of a long sum: terms add up to the sum of a block, blocks to the total of a group, groups to the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Levels {
    /// Number of terms in a block.
    pub(crate) block: usize,
    /// Number of terms in a group, a multiple of `block`. `None` if all blocks form one group.
    pub(crate) group: Option<usize>,
}

impl Levels {
    /// The levels for n terms in blocks of `block`. With b > 64 blocks, a group has from √b to 2·√b blocks, a power of
    /// two, which gives at most √b + 1 groups.
    ///
    /// A term passes through at most block + min(b, 3·√b + 1) additions. Each errs by at most ½ ULP of the sum of
    /// magnitudes. A chain of m equal terms errs by at most m/8 ULP: half of the partial sums are in the last binade,
    /// where ½ ULP of the value is ¼ of an ε of the whole sum. So blocks of 128 keep equal terms within 2·log₂ n ULP
    /// for n from 2¹⁰ to 2²⁰.
    pub(crate) fn of(n: usize, block: usize) -> Self {
        let blocks = n.div_ceil(block);
        let of_group = || block * blocks.isqrt().next_power_of_two();
        Levels {
            block,
            group: (blocks > MAX_BLOCKS).then(of_group),
        }
    }

    /// The levels of a sum that `times` invocations (or products within a term) share, with lengths counted in terms of
    /// all of them.
    pub(crate) fn times(self, times: usize) -> Self {
        Levels {
            block: self.block * times,
            group: self.group.map(|group| group * times),
        }
    }

    /// The number of blocks and groups that end within n terms.
    pub(crate) fn ends(&self, n: usize) -> usize {
        n.div_ceil(self.block) + self.group.map_or(0, |group| n.div_ceil(group))
    }
}

/// A kernel variant for one product: its constants, its source and its number of workgroups.
pub(crate) struct Variant {
    pub(crate) constants: Vec<(&'static str, u32)>,
    pub(crate) sources: Vec<&'static str>,
    pub(crate) workgroups: usize,
    /// The levels of the sum over K; `None` where all of K is one sum.
    pub(crate) levels: Option<Levels>,
    /// Upper bound on the loop iterations of one invocation.
    pub(crate) iterations: usize,
}
