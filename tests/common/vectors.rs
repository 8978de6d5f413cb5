//! Reader of the files in `tests/vectors`: tensors in `f64`, and attributes as JSON in the metadata.

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The safetensors files of a folder in `tests/vectors`, of which there must be some.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "safetensors"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The attributes in a file's header.
pub(crate) fn attributes(bytes: &[u8]) -> Value {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    serde_json::from_str(&header.metadata().as_ref().unwrap()["attributes"]).unwrap()
}

/// A number among the attributes; panics where there is none.
pub(crate) fn number(attributes: &Value, key: &str) -> f64 {
    attributes[key]
        .as_f64()
        .unwrap_or_else(|| panic!("no number {key} in {attributes}"))
}

/// A truth value among the attributes; panics where there is none.
pub(crate) fn flag(attributes: &Value, key: &str) -> bool {
    attributes[key]
        .as_bool()
        .unwrap_or_else(|| panic!("no flag {key} in {attributes}"))
}

pub(crate) fn floats(view: &TensorView<'_>) -> Vec<f64> {
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => data
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()).into())
            .collect(),
        Dtype::F64 => data
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect(),
        Dtype::I64 => data
            .chunks_exact(8)
            .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64)
            .collect(),
        Dtype::I32 => data
            .chunks_exact(4)
            .map(|b| i32::from_le_bytes(b.try_into().unwrap()).into())
            .collect(),
        Dtype::BOOL | Dtype::U8 => data.iter().map(|&b| b.into()).collect(),
        other => panic!("no reader for {other:?}"),
    }
}

pub(crate) fn to_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

/// One file.
#[derive(Clone)]
pub(crate) struct Vectors {
    /// The file's stem.
    pub(crate) name: String,
    pub(crate) attributes: Value,
    tensors: BTreeMap<String, Vec<f64>>,
    shapes: BTreeMap<String, Vec<usize>>,
    /// The tensors of whole numbers or truth values.
    whole: BTreeSet<String>,
}

impl Vectors {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        Vectors {
            name: stem(path),
            attributes: attributes(&bytes),
            tensors: file
                .iter()
                .map(|(name, view)| (name.to_string(), floats(&view)))
                .collect(),
            shapes: file
                .iter()
                .map(|(name, view)| (name.to_string(), view.shape().to_vec()))
                .collect(),
            whole: file
                .iter()
                .filter(|(_, view)| !matches!(view.dtype(), Dtype::F32 | Dtype::F64))
                .map(|(name, _)| name.to_string())
                .collect(),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Whether a tensor holds whole numbers or truth values.
    pub(crate) fn is_whole(&self, name: &str) -> bool {
        self.whole.contains(name)
    }

    /// The dimensions of a tensor.
    pub(crate) fn shape(&self, name: &str) -> &[usize] {
        self.shapes
            .get(name)
            .unwrap_or_else(|| panic!("{}: no tensor {name}", self.name))
    }

    /// A tensor of labels.
    pub(crate) fn labels(&self, name: &str) -> Vec<u32> {
        self.tensor(name).iter().map(|&v| v as u32).collect()
    }

    pub(crate) fn tensor(&self, name: &str) -> &[f64] {
        self.tensors
            .get(name)
            .unwrap_or_else(|| panic!("{}: no tensor {name}", self.name))
    }

    /// A tensor of `f32`.
    pub(crate) fn narrow(&self, name: &str) -> Vec<f32> {
        self.tensor(name).iter().map(|&v| v as f32).collect()
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.attributes[key]
            .as_str()
            .unwrap_or_else(|| panic!("{}: no {key}", self.name))
    }

    pub(crate) fn number(&self, key: &str) -> f64 {
        self.optional(key)
            .unwrap_or_else(|| panic!("{}: no {key}", self.name))
    }

    pub(crate) fn optional(&self, key: &str) -> Option<f64> {
        self.attributes[key].as_f64()
    }

    pub(crate) fn size(&self, key: &str) -> usize {
        self.attributes[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{}: no {key}", self.name)) as usize
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.attributes[key]
            .as_bool()
            .unwrap_or_else(|| panic!("{}: no {key}", self.name))
    }
}

/// Every file of a folder of `tests/vectors`, by name; at least one.
pub(crate) fn folder(name: &str) -> Vec<Vectors> {
    files(name).iter().map(|path| Vectors::read(path)).collect()
}
