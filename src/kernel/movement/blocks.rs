//! How the sides of a matrix are divided around a dimension.

/// How a side of the output is divided: into blocks of `out` rows or columns, for which a has blocks of `a` and b has
/// blocks of `b`; `start` is the row or column within the larger block where the smaller one lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    pub(crate) out: usize,
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) start: usize,
}

impl Blocks {
    /// The whole side of a, as it is.
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
