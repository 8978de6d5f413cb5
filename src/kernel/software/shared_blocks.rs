//! How the lanes that share a tile of a product see each other's blocks of A.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/software/shared_blocks.wgsl");
