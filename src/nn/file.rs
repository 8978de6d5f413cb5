//! Saving and loading tensors as safetensors, so that an interrupted save leaves the old file whole.

use crate::{Error, Result};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::path::Path;

/// A named tensor in a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Writes tensors and metadata: first to a file beside the goal, then renamed over it.
pub(crate) fn write_file(
    path: &Path,
    entries: &[Entry],
    metadata: HashMap<String, String>,
) -> Result<()> {
    let views = entries
        .iter()
        .map(|entry| {
            let bytes = bytemuck::cast_slice(&entry.values);
            TensorView::new(Dtype::F32, entry.shape.clone(), bytes)
                .map(|view| (entry.name.as_str(), view))
        })
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| Error::format(path.display().to_string(), error.to_string()))?;
    let bytes = safetensors::serialize(views, Some(metadata))
        .map_err(|error| Error::format(path.display().to_string(), error.to_string()))?;
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let io = |source| Error::Io {
        path: path.to_path_buf(),
        source,
    };
    std::fs::write(&partial, bytes).map_err(io)?;
    std::fs::rename(&partial, path).map_err(io)
}

/// Reads tensors (`F32` or `F64`) and metadata.
pub(crate) fn read_file(path: &Path) -> Result<(Vec<Entry>, HashMap<String, String>)> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })?;
    let name = path.display().to_string();
    let bad = |error: safetensors::SafeTensorError| Error::format(&name, error.to_string());
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).map_err(bad)?;
    let tensors = safetensors::SafeTensors::deserialize(&bytes).map_err(bad)?;
    let entries = tensors.iter().map(|(tensor, view)| {
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => data
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
            Dtype::F64 => {
                let to_f32 = |b: &[u8]| f64::from_le_bytes(b.try_into().unwrap_or_default()) as f32;
                data.chunks_exact(8).map(to_f32).collect()
            }
            other => {
                return Err(Error::format(
                    &name,
                    format!("{tensor} is of type {other:?}, expected F32 or F64"),
                ));
            }
        };
        Ok(Entry {
            name: tensor.to_string(),
            shape: view.shape().to_vec(),
            values,
        })
    });
    let entries = entries.collect::<Result<Vec<_>>>()?;
    Ok((entries, header.metadata().clone().unwrap_or_default()))
}
