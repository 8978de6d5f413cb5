//! Kernels and pieces for software adapters, which run on a CPU: their matrix product, and floats in 64-bit words.

pub(crate) mod matmul_direct;
pub(crate) mod pack;
