//! Foundations of every kernel family: arguments, shapes, programs, numbers, and computations that several families
//! share. This module uses no other family.

pub(crate) mod args;
pub(crate) mod binding;
pub(crate) mod bounds;
pub(crate) mod cascade;
pub(crate) mod column_reduce;
pub(crate) mod compute;
pub(crate) mod gradient;
pub(crate) mod guard;
pub(crate) mod matrix;
pub(crate) mod product;
pub(crate) mod program;
mod quick;
pub(crate) mod ranges;
pub(crate) mod real;
pub(crate) mod reduce;
pub(crate) mod row_reduce;
pub(crate) mod rows;
pub(crate) mod scale;
pub(crate) mod scratch;
pub(crate) mod simd;
pub(crate) mod spread;
pub(crate) mod state;
pub(crate) mod tile;
pub(crate) mod tuning;
pub(crate) mod uniform;
pub(crate) mod window;

pub(crate) use args::{Arg, Args};
pub(crate) use binding::{Binding, Element};
pub(crate) use compute::Compute;
pub(crate) use matrix::{Along, MatrixShape, Side};
pub(crate) use program::{Capabilities, Program, Shader};
pub(crate) use real::Real;
pub use window::{Padding, PerAxis};
