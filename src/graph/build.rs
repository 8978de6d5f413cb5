//! Argument checks that several operations share.

use super::{Graph, Shape, Value};
use crate::{Error, Result};

impl Graph {
    /// Refuses a value with another shape.
    pub(super) fn expect(
        &self,
        operation: &'static str,
        value: Value,
        wanted: &Shape,
    ) -> Result<()> {
        let found = self.known(value)?;
        if found == *wanted {
            Ok(())
        } else {
            Err(Error::shape(operation, wanted, found))
        }
    }
}

/// Refuses a size of 0.
pub(super) fn positive(what: &'static str, value: usize) -> Result<()> {
    if value > 0 {
        Ok(())
    } else {
        Err(Error::argument(what, "at least 1", value))
    }
}
