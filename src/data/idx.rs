//! The IDX format of the MNIST files: two zero bytes, a type byte, the number of dimensions, the dimensions as
//! big-endian `u32`, and the values. Only type 8, unsigned bytes, is read; plain or gzip.

use crate::{Error, Result};
use flate2::read::MultiGzDecoder;
use std::io::Read;

/// An array of bytes from an IDX file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdxArray {
    /// Length of each dimension, the outermost first.
    pub dimensions: Vec<usize>,
    /// The values, the last dimension running fastest.
    pub values: Vec<u8>,
}

/// Values that an array may have at most: 2 GiB, more than any data set of this format.
const MOST_VALUES: usize = 1 << 31;

/// Reads an IDX array of unsigned bytes, plain or gzip-compressed, from a file's bytes. `name` stands in errors.
///
/// # Errors
/// [`Format`](Error::Format) if the magic number, the dimensions, the length or the compression is wrong. A compressed
/// file is unpacked no further than its header promises.
///
/// ```
/// let bytes = [0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9];
/// let array = wgrad::read_idx("labels", &bytes)?;
/// assert_eq!((array.dimensions, array.values), (vec![3], vec![7, 8, 9]));
/// # Ok::<(), wgrad::Error>(())
/// ```
pub fn read_idx(name: &str, bytes: &[u8]) -> Result<IdxArray> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        parse(name, MultiGzDecoder::new(bytes))
    } else {
        parse(name, bytes)
    }
}

fn parse(name: &str, mut from: impl Read) -> Result<IdxArray> {
    let bad = |reason: String| Error::format(name, reason);
    let mut read = |buffer: &mut [u8], what: &str| {
        from.read_exact(buffer).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => bad(format!(
                "truncated: expected {} bytes of {what}, the file ends there",
                buffer.len()
            )),
            _ => bad(format!("cannot read {what}: {error}")),
        })
    };
    let mut magic = [0; 4];
    read(&mut magic, "the magic number")?;
    let [0, 0, 8, rank @ 1..=8] = magic else {
        return Err(bad(format!(
            "expected an IDX file of unsigned bytes (magic 00 00 08, then 1 to 8 dimensions), found {magic:02x?}"
        )));
    };
    let mut dimensions = Vec::new();
    for i in 0..rank {
        let mut word = [0; 4];
        read(&mut word, &format!("dimension {i}"))?;
        dimensions.push(u32::from_be_bytes(word) as usize);
    }
    let count = dimensions
        .iter()
        .try_fold(1usize, |product, &d| product.checked_mul(d));
    let count = match count {
        Some(count) if count <= MOST_VALUES => count,
        _ => {
            return Err(bad(format!(
                "dimensions {dimensions:?} make more than {MOST_VALUES} values"
            )));
        }
    };
    // No more is unpacked than promised, plus one byte that would be too much.
    let mut values = Vec::new();
    let found = from.take(count as u64 + 1).read_to_end(&mut values);
    match found {
        Err(error) => Err(bad(format!("cannot read the values: {error}"))),
        Ok(found) if found < count => Err(bad(format!(
            "truncated: dimensions {dimensions:?} promise {count} values, found {found}"
        ))),
        Ok(found) if found > count => Err(bad(format!(
            "oversized: dimensions {dimensions:?} promise {count} values, there are more"
        ))),
        Ok(_) => Ok(IdxArray { dimensions, values }),
    }
}
