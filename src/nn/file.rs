//! Tensors as the bytes of safetensors files, and back.

use crate::{Error, Result};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;

/// A named tensor in a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Tensors and metadata as the bytes of a safetensors file.
pub(crate) fn encode(entries: &[Entry], metadata: HashMap<String, String>) -> Result<Vec<u8>> {
    let bad = |error: safetensors::SafeTensorError| Error::format("safetensors", error.to_string());
    let mut views = Vec::new();
    for entry in entries {
        let bytes = bytemuck::cast_slice(&entry.values);
        let view = TensorView::new(Dtype::F32, entry.shape.clone(), bytes).map_err(bad)?;
        views.push((entry.name.as_str(), view));
    }
    safetensors::serialize(views, Some(metadata)).map_err(bad)
}

/// Tensors and metadata from the bytes of a safetensors file; `name` stands in errors. Tensors that are neither `F32`
/// nor `F64` are left out.
pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<(Vec<Entry>, HashMap<String, String>)> {
    let bad = |error: safetensors::SafeTensorError| {
        Error::format(name, format!("not a whole safetensors file: {error}"))
    };
    let (_, header) = safetensors::SafeTensors::read_metadata(bytes).map_err(bad)?;
    let tensors = safetensors::SafeTensors::deserialize(bytes).map_err(bad)?;
    let mut entries = Vec::new();
    for (tensor, view) in tensors.iter() {
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => {
                let to_f32 = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                data.chunks_exact(4).map(to_f32).collect()
            }
            Dtype::F64 => {
                let to_f32 = |b: &[u8]| f64::from_le_bytes(b.try_into().unwrap_or_default()) as f32;
                data.chunks_exact(8).map(to_f32).collect()
            }
            _ => continue,
        };
        entries.push(Entry {
            name: tensor.to_string(),
            shape: view.shape().to_vec(),
            values,
        });
    }
    Ok((entries, header.metadata().clone().unwrap_or_default()))
}
