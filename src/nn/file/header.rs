//! Header of a safetensors file: JSON with the name, type, shape and byte range of every tensor, and metadata.
//!
//! A file consists of eight bytes with the header's length, the header, and the values. This parser replaces that of
//! the `safetensors` crate, whose sums of offsets can overflow and which takes 16 times a header's size in memory.

use crate::error::clip;
use crate::{Error, Result};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// Maximum length of a header in bytes: the limit of the format.
pub(super) const MAX_HEADER: usize = 100_000_000;

/// Maximum number of dimensions of a tensor, as in PyTorch.
const MAX_DIMENSIONS: usize = 64;

/// Bytes before the header, which hold its length.
pub(super) const PREFIX: usize = 8;

/// A tensor in a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// Name of the type, such as `F32`.
    pub(super) dtype: String,
    /// Range of its bytes in the file.
    pub(super) bytes: Range<usize>,
}

/// Contents of a file without the values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Header {
    /// Sorted by name.
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Length of prefix and header in bytes, from a file's first bytes and its length.
pub(super) fn header_end(name: &str, prefix: &[u8], length: u64) -> Result<usize> {
    let bad =
        |reason: String| Error::format(name, format!("not a whole safetensors file: {reason}"));
    let Some(prefix) = prefix.first_chunk::<PREFIX>() else {
        return Err(bad(format!(
            "it has {} bytes, fewer than {PREFIX}",
            prefix.len()
        )));
    };
    let header = u64::from_le_bytes(*prefix);
    if header > MAX_HEADER as u64 {
        let reason = format!("its header would have {header} bytes, expected at most {MAX_HEADER}");
        return Err(bad(reason));
    }
    let end = header + PREFIX as u64;
    if end > length {
        let reason = format!("its header would end at byte {end}, the file has {length}");
        return Err(bad(reason));
    }
    Ok(end as usize)
}

impl Header {
    /// Parses prefix and header of a file of `length` bytes. `head` must begin with both.
    pub(super) fn parse(name: &str, head: &[u8], length: u64) -> Result<Self> {
        let bad =
            |reason: String| Error::format(name, format!("not a whole safetensors file: {reason}"));
        let end = header_end(name, head, length)?;
        let json = head.get(PREFIX..end).unwrap_or_default();
        let json: Json =
            serde_json::from_slice(json).map_err(|error| bad(clip(&error.to_string())))?;
        let mut infos = json.tensors;
        infos.sort_by(|(a, x), (b, y)| (x.data_offsets, a).cmp(&(y.data_offsets, b)));
        let (mut tensors, mut next) = (Vec::new(), 0u64);
        for (tensor, info) in infos {
            let (from, to) = info.data_offsets;
            let of_shape = info.bytes();
            // Each tensor begins at the end of the previous one, so tensors cannot overlap.
            if from != next
                || to < from
                || of_shape.is_some_and(|bytes| u128::from(to - from) != bytes)
            {
                let shape = shape_text(&info.shape.0);
                let (tensor, dtype) = (clip(&tensor), clip(&info.dtype));
                return Err(bad(format!(
                    "{tensor} of type {dtype} and shape {shape} cannot lie in bytes {from} to {to}, expected from {next} on"
                )));
            }
            next = to;
            let place = |offset: u64| usize::try_from(offset).ok()?.checked_add(end);
            let (Some(from), Some(to)) = (place(from), place(to)) else {
                return Err(bad(format!("{} ends beyond all memory", clip(&tensor))));
            };
            tensors.push(Tensor {
                name: tensor,
                shape: info.shape.0,
                dtype: info.dtype,
                bytes: from..to,
            });
        }
        if end as u64 + next != length {
            return Err(bad(format!(
                "its header promises {next} bytes of values, found {}",
                length - end as u64
            )));
        }
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(bad(format!("two tensors named {}", clip(&pair[0].name))));
        }
        Ok(Header {
            tensors,
            metadata: json.metadata,
        })
    }
}

/// Text of a shape in errors.
pub(in crate::nn) fn shape_text(shape: &[usize]) -> String {
    const MAX: usize = 8;
    let mut text: Vec<String> = shape.iter().take(MAX).map(usize::to_string).collect();
    if shape.len() > MAX {
        text.push("…".to_string());
    }
    format!("[{}]", text.join(", "))
}

/// JSON form of the header.
struct Json {
    tensors: Vec<(String, Info)>,
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Info {
    dtype: String,
    shape: Dimensions,
    data_offsets: (u64, u64),
}

impl Info {
    /// Size of its values in bytes; `None` for an unknown type. The product saturates, since 64 dimensions may
    /// overflow.
    fn bytes(&self) -> Option<u128> {
        let bits = match self.dtype.as_str() {
            "F64" | "I64" | "U64" | "C64" => 64,
            "F32" | "I32" | "U32" => 32,
            "F16" | "BF16" | "I16" | "U16" => 16,
            "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" => 8,
            _ => return None,
        };
        let dimensions = self.shape.0.iter();
        // A dimension of length 0 makes the product 0, even if the others overflow.
        let count = if self.shape.0.contains(&0) {
            0
        } else {
            dimensions.fold(1u128, |count, &d| count.saturating_mul(d as u128))
        };
        Some(count.saturating_mul(bits) / 8)
    }
}

/// A list of at most [`MAX_DIMENSIONS`] lengths.
struct Dimensions(Vec<usize>);

impl<'de> Deserialize<'de> for Dimensions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Dimensions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MAX_DIMENSIONS} dimensions")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> std::result::Result<Dimensions, A::Error> {
                let mut dimensions = Vec::new();
                while let Some(dimension) = list.next_element()? {
                    if dimensions.len() == MAX_DIMENSIONS {
                        return Err(A::Error::invalid_length(MAX_DIMENSIONS + 1, &self));
                    }
                    dimensions.push(dimension);
                }
                Ok(Dimensions(dimensions))
            }
        }
        from.deserialize_seq(List)
    }
}

/// Pairs of strings with unique keys.
struct Pairs(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "metadata: pairs of strings")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Pairs, A::Error> {
                let mut pairs = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    if pairs.insert(key, value).is_some() {
                        return Err(A::Error::custom("a duplicate key in its metadata"));
                    }
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(Map)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "tensors by name")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Json, A::Error> {
                let (mut tensors, mut metadata) = (Vec::new(), None);
                while let Some(key) = map.next_key::<String>()? {
                    if key != METADATA {
                        tensors.push((key, map.next_value()?));
                    } else if metadata.replace(map.next_value::<Pairs>()?).is_some() {
                        return Err(A::Error::custom("duplicate metadata"));
                    }
                }
                let metadata = metadata.map_or_else(BTreeMap::new, |pairs| pairs.0);
                Ok(Json { tensors, metadata })
            }
        }
        from.deserialize_map(Map)
    }
}

/// Key of the metadata, which is not allowed as a tensor name.
pub(super) const METADATA: &str = "__metadata__";
