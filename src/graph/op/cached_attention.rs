//! Causal attention of new time steps to those of earlier calls, whose keys and values are in a cache.

use super::{Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel::attention::Heads;

/// Appends the keys and values of new time steps to a cache, and attends to all of them. Each row is one time step. Only
/// step graphs have this operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CachedAttention {
    pub(crate) q: Value,
    pub(crate) k: Value,
    pub(crate) v: Value,
    /// Number of the cache.
    pub(crate) number: usize,
    /// The heads of all samples: `queries` new steps each, behind as many as `causal` states, in a cache for `keys`.
    pub(crate) heads: Heads,
    /// Shape of the result.
    pub(crate) shape: Shape,
}

impl Operation for CachedAttention {
    operands!(q, k, v);

    fn name(&self) -> String {
        format!("CachedAttention {}", self.number)
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    /// The rows of one sequence see each other.
    fn mixes_samples(&self, _: &Graph) -> bool {
        true
    }
}
