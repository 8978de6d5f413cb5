//! Shapes through serde: only those that a constructor could make.

use super::{Dim, Shape};
use serde::{Deserialize, Deserializer, de::Error};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    dims: Vec<Dim>,
    rows: usize,
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Parts { dims, rows } = Parts::deserialize(from)?;
        if dims.iter().skip(1).any(|&dim| dim == Dim::Batch) {
            let message = "only the first dimension of a shape can be the batch";
            return Err(D::Error::custom(message));
        }
        let whole = Shape {
            rows: dims.len(),
            dims,
        };
        whole.with_row_dims(rows).map_err(D::Error::custom)
    }
}
