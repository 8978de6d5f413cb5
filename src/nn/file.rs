//! Encoding and decoding of tensors as safetensors files.
//!
//! The bytes of a file depend only on names, shapes, values and metadata: tensors and metadata are sorted by name. The
//! metadata include the version of the format and a checksum (CRC-32) of all other bytes. Files of versions 1 and 2
//! have neither, like PyTorch's.

mod floats;
mod header;

pub(super) use floats::TYPES;
pub(super) use header::shape_text;
pub(crate) use header::{Header, Tensor};

use crate::error::clip;
use crate::file::open_file;
use crate::{Error, Result};
use header::{MAX_HEADER, METADATA, PREFIX, header_end};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

/// Metadata: the version of the format, and the checksum of the file.
const VERSION: &str = "wgrad.version";
const CHECKSUM: &str = "wgrad.checksum";

/// The version that is written.
const CURRENT: &str = "3";

/// Placeholder of the checksum while it is computed.
const NO_CHECKSUM: &str = "00000000";

/// Metadata keys of checkpoints from before the format had a version.
const UNVERSIONED: [&str; 7] = [
    "wgrad.epoch",
    "wgrad.plateau",
    "wgrad.position",
    "wgrad.rate_factor",
    "wgrad.samples",
    "wgrad.settings",
    "wgrad.step",
];

/// A named tensor to write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Encodes tensors and metadata as the bytes of a file.
pub(crate) fn encode(
    mut entries: Vec<Entry>,
    mut metadata: BTreeMap<String, String>,
) -> Result<Vec<u8>> {
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    metadata.insert(VERSION.to_string(), CURRENT.to_string());
    metadata.insert(CHECKSUM.to_string(), NO_CHECKSUM.to_string());
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let pairs = metadata
        .iter()
        .map(|(key, value)| format!("{}:{}", quoted(key), quoted(value)));
    let pairs: Vec<String> = pairs.collect();
    let mut header = format!("{{{}:{{{}}}", quoted(METADATA), pairs.join(","));
    let mut end = 0;
    for entry in &entries {
        let (start, shape) = (end, &entry.shape);
        end += 4 * entry.values.len();
        let dimensions: Vec<String> = shape.iter().map(usize::to_string).collect();
        // Writing to a string cannot fail.
        let _ = write!(
            header,
            r#",{}:{{"dtype":"F32","shape":[{}],"data_offsets":[{start},{end}]}}"#,
            quoted(&entry.name),
            dimensions.join(",")
        );
    }
    header.push('}');
    // The values begin at a multiple of eight bytes.
    let padding = header.len().next_multiple_of(8) - header.len();
    header.extend(std::iter::repeat_n(' ', padding));
    if header.len() > MAX_HEADER {
        let found = format!("{} bytes", header.len());
        return Err(Error::argument(
            "the names of all tensors with the settings",
            format!("at most {MAX_HEADER} bytes, the longest header of a safetensors file"),
            found,
        ));
    }
    let mut file = Vec::with_capacity(PREFIX + header.len() + end);
    file.extend((header.len() as u64).to_le_bytes());
    file.extend(header.as_bytes());
    for entry in &entries {
        file.extend_from_slice(bytemuck::cast_slice(&entry.values));
    }
    let place = checksum_place(&file[..PREFIX + header.len()], NO_CHECKSUM);
    let place = place.unwrap_or_else(|| unreachable!("its metadata hold a checksum"));
    let checksum = checksum(&file, place);
    file[place..place + NO_CHECKSUM.len()].copy_from_slice(checksum.as_bytes());
    Ok(file)
}

/// Decodes the header of a file and verifies its checksum, if the file has a version. Errors print `name`.
pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Header> {
    let header = Header::parse(name, bytes, bytes.len() as u64)?;
    if !header.is_versioned() {
        return Ok(header);
    }
    let bad = |reason: String| Err(Error::format(name, reason));
    match header.metadata.get(VERSION).map(String::as_str) {
        Some(CURRENT) => {}
        Some(version) => {
            return bad(format!(
                "{VERSION} is {:?}, expected {CURRENT}: the file is damaged, or of a newer version of wgrad",
                clip(version)
            ));
        }
        None => return bad(format!("no {VERSION} in its metadata: the file is damaged")),
    }
    let Some(saved) = header.metadata.get(CHECKSUM) else {
        return bad(format!(
            "no {CHECKSUM} in its metadata: the file is damaged"
        ));
    };
    let end = header_end(name, bytes, bytes.len() as u64)?;
    let place = match checksum_place(&bytes[..end], saved) {
        Some(place) if saved.len() == NO_CHECKSUM.len() => place,
        _ => {
            return bad(format!(
                "{CHECKSUM} is not as wgrad writes it: the file is damaged, or another program wrote it"
            ));
        }
    };
    let found = checksum(bytes, place);
    if found != *saved {
        return bad(format!(
            "the file is damaged: its checksum is {found}, {saved} when it was saved"
        ));
    }
    Ok(header)
}

/// Position of the checksum's digits in a header. Quotes within a JSON string are escaped, so a key inside a string
/// does not match.
fn checksum_place(head: &[u8], digits: &str) -> Option<usize> {
    let key = format!("\"{CHECKSUM}\":\"");
    let pair = format!("{key}{digits}\"");
    let place = head
        .windows(pair.len())
        .position(|window| window == pair.as_bytes())?;
    Some(place + key.len())
}

/// CRC-32 of a file, with zeros in place of its checksum.
fn checksum(file: &[u8], place: usize) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(&file[..place]);
    crc.update(NO_CHECKSUM.as_bytes());
    crc.update(&file[place + NO_CHECKSUM.len()..]);
    format!("{:08x}", crc.sum())
}

/// Reads a file, header first. If `fits` refuses the header, the values are not read.
pub(crate) fn read_tensors(
    path: &Path,
    fits: impl FnOnce(&str, &Header) -> Result<()>,
) -> Result<Vec<u8>> {
    /// Damaged files up to this size are read nevertheless, since the checksum gives a better error.
    const SMALL: u64 = 1 << 26;
    let io = |source| Error::Io {
        path: path.to_path_buf(),
        source,
    };
    let name = path.display().to_string();
    let (mut file, length) = open_file(path)?;
    let mut bytes = Vec::new();
    let mut read = |bytes: &mut Vec<u8>, most: u64| file.by_ref().take(most).read_to_end(bytes);
    read(&mut bytes, PREFIX as u64).map_err(io)?;
    let end = header_end(&name, &bytes, length)?;
    read(&mut bytes, (end - PREFIX) as u64).map_err(io)?;
    let header = Header::parse(&name, &bytes, length)?;
    if let Err(error) = fits(&name, &header)
        && (!header.is_versioned() || length > SMALL)
    {
        return Err(error);
    }
    // One more byte detects a file that has grown meanwhile.
    read(&mut bytes, (length - end as u64).saturating_add(1)).map_err(io)?;
    Ok(bytes)
}

impl Header {
    /// Whether wgrad wrote the file with a version. If one of the marks is damaged, the others still show this.
    fn is_versioned(&self) -> bool {
        let mut keys = self.metadata.keys();
        keys.any(|key| key.starts_with("wgrad.") && !UNVERSIONED.contains(&key.as_str()))
    }

    /// Whether wgrad has written the file.
    pub(crate) fn is_own(&self) -> bool {
        self.metadata.keys().any(|key| key.starts_with("wgrad."))
    }

    /// Whether the file is a trainer's checkpoint.
    pub(crate) fn is_checkpoint(&self) -> bool {
        self.metadata.contains_key("wgrad.settings")
    }
}
