//! Reductions: of rows, of columns, and of whole tensors.

pub(crate) mod argmax;
pub(crate) mod column_sum;
pub(crate) mod dimension_max;
pub(crate) mod dimension_sum;
pub(crate) mod row_sum;
pub(crate) mod squares;
pub(crate) mod statistics;
pub(crate) mod sum;

pub(crate) use argmax::Argmax;
pub(crate) use column_sum::ColumnSum;
pub(crate) use dimension_max::DimensionMax;
pub(crate) use dimension_sum::DimensionSum;
pub(crate) use row_sum::RowSum;
pub(crate) use squares::Squares;
pub(crate) use statistics::Statistics;
pub use statistics::TensorStatistics;
pub(crate) use sum::Sum;
