//! Editing of parameter files and checkpoints.

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;

/// A tensor in a file: type, shape, bytes.
pub(crate) type Stored = (Dtype, Vec<usize>, Vec<u8>);

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Parts {
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tensors: BTreeMap<String, Stored>,
}

impl Parts {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
        let metadata = header.metadata().clone().unwrap_or_default();
        let tensors = SafeTensors::deserialize(bytes).unwrap();
        let stored = |view: TensorView| (view.dtype(), view.shape().to_vec(), view.data().to_vec());
        Parts {
            metadata: metadata.into_iter().collect(),
            tensors: tensors
                .iter()
                .map(|(name, view)| (name.to_string(), stored(view)))
                .collect(),
        }
    }

    /// Adds a tensor of `f32`.
    pub(crate) fn with(mut self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        let bytes = bytemuck::cast_slice(values).to_vec();
        self.tensors
            .insert(name.to_string(), (Dtype::F32, shape.to_vec(), bytes));
        self
    }

    /// The file, as the `safetensors` crate writes it: its metadata in any order. A checksum among them is made right.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        fn view((dtype, shape, bytes): &Stored) -> TensorView<'_> {
            TensorView::new(*dtype, shape.clone(), bytes).unwrap()
        }
        let views = self
            .tensors
            .iter()
            .map(|(name, stored)| (name.as_str(), view(stored)));
        let metadata = || self.metadata.clone().into_iter().collect();
        let metadata = (!self.metadata.is_empty()).then(metadata);
        let mut bytes = safetensors::serialize(views, metadata).unwrap();
        if let Some(saved) = self.metadata.get("wgrad.checksum") {
            let key = format!("\"wgrad.checksum\":\"{saved}\"");
            let place = bytes
                .windows(key.len())
                .position(|window| window == key.as_bytes());
            let end = place.unwrap() + key.len() - 1;
            let digits = end - 8..end;
            bytes[digits.clone()].fill(b'0');
            let mut crc = flate2::Crc::new();
            crc.update(&bytes);
            bytes[digits].copy_from_slice(format!("{:08x}", crc.sum()).as_bytes());
        }
        bytes
    }
}

/// A file with another value in its metadata, and its checksum made right.
pub(crate) fn with_metadata(bytes: &[u8], key: &str, value: &str) -> Vec<u8> {
    let mut parts = Parts::of(bytes);
    assert!(parts.metadata.contains_key(key), "no {key} in the file");
    parts.metadata.insert(key.to_string(), value.to_string());
    parts.bytes()
}
