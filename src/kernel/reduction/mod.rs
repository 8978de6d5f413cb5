//! Reductions: of rows, of columns, and of whole tensors.

pub(crate) mod argmax;
pub(crate) mod column_sum;
pub(crate) mod dimension_max;
pub(crate) mod dimension_sum;
pub(crate) mod pooling;
pub(crate) mod row_sum;
pub(crate) mod squares;
pub(crate) mod statistics;
pub(crate) mod sum;

/// Words that order like the values, with NaN above all.
const ORDER: &str = include_str!("../../../shaders/reduction/order.wgsl");

pub(crate) use argmax::Argmax;
pub(crate) use column_sum::ColumnSum;
pub(crate) use dimension_max::DimensionMax;
pub(crate) use dimension_sum::DimensionSum;
pub use pooling::Pool;
pub(crate) use pooling::{AveragePool, AveragePoolBackward, MaxPool, MaxPoolBackward};
pub(crate) use row_sum::RowSum;
pub(crate) use squares::Squares;
pub(crate) use statistics::Statistics;
pub use statistics::TensorStatistics;
pub(crate) use sum::Sum;
