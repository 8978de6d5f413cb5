//! Blocks: the division of a matrix side around a dimension.

/// Division of a side of the output into blocks of `out` rows or columns. Each corresponds to a block of `a` rows or
/// columns of input a, and `b` of input b. `start` is the offset of the smaller block within the larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    pub(crate) out: usize,
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) start: usize,
}

impl Blocks {
    /// One block: the whole side of a, unchanged.
    pub(super) fn whole(size: usize) -> Self {
        let (b, start) = (0, 0);
        Blocks {
            out: size,
            a: size,
            b,
            start,
        }
    }

    pub(super) fn words(self) -> [u32; 4] {
        [self.out, self.a, self.b, self.start].map(|size| size as u32)
    }
}
