//! Saving and loading tensors as safetensors, so that an interrupted save leaves the old file whole.

use crate::{Error, Result};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

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

/// Writes a file: first one beside the goal, then renamed over it.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written =
        write_through(Path::new(&partial), bytes).and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|source| {
        // What was written is of no use; if it cannot be removed either, the first error tells more.
        let _ = std::fs::remove_file(&partial);
        Error::Io {
            path: path.to_path_buf(),
            source,
        }
    })
}

/// Writes a file and waits until it is on the disk.
fn write_through(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })
}

/// Tensors and metadata from the bytes of a safetensors file; `name` stands in errors. Tensors that are neither `F32`
/// nor `F64` are left out.
pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<(Vec<Entry>, HashMap<String, String>)> {
    let bad = |error: safetensors::SafeTensorError| Error::format(name, error.to_string());
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
