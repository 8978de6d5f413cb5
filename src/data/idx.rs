//! Reader of the IDX format, in which MNIST is stored: two zero bytes, a type byte, the number of dimensions, the
//! dimensions as big-endian `u32`, then the values. It supports type 8, unsigned bytes, plain or gzip.

use super::gzip::Members;
use crate::file::open_file;
use crate::{Error, Result};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

/// An array of bytes from an IDX file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdxArray {
    /// Length of each dimension, outermost first.
    pub dimensions: Vec<usize>,
    /// The values in row-major order: the last dimension varies fastest.
    pub values: Vec<u8>,
}

/// Most values of an array: 2 GiB, more than any data set in this format.
const MAX_VALUES: usize = 1 << 31;

/// Most bytes that one byte of gzip can expand to: deflate needs at least two bits for 258 bytes.
const MAX_RATIO: u64 = 1032;

/// Values for which memory is reserved before the first is read.
const FIRST_VALUES: usize = 1 << 20;

/// Reads an IDX array of unsigned bytes from the bytes of a file, plain or gzip. Errors name the file `name`.
///
/// # Errors
/// [`Format`](Error::Format) if the magic number, the dimensions, the length or the compression is wrong. No more is
/// decompressed than the header announces, and memory grows with the values read.
///
/// ```
/// let bytes = [0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9];
/// let array = wgrad::read_idx("labels", &bytes)?;
/// assert_eq!((array.dimensions, array.values), (vec![3], vec![7, 8, 9]));
/// # Ok::<(), wgrad::Error>(())
/// ```
pub fn read_idx(name: &str, bytes: &[u8]) -> Result<IdxArray> {
    let idx = Idx::new(name, bytes, bytes.len() as u64)?;
    idx.check_length()?;
    let dimensions = idx.dimensions.clone();
    let values = idx.values()?;
    Ok(IdxArray { dimensions, values })
}

/// An IDX file of which only the header has been read.
pub(super) struct Idx<'a> {
    pub(super) name: String,
    pub(super) dimensions: Vec<usize>,
    /// Number of values: the product of the dimensions.
    count: usize,
    /// Decompressed contents from the first value on.
    from: Box<dyn Read + 'a>,
    /// Bytes of the file as stored.
    length: u64,
    packed: bool,
}

impl Idx<'static> {
    /// Opens a file and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let (file, length) = open_file(path)?;
        Idx::new(&path.display().to_string(), BufReader::new(file), length)
    }
}

impl<'a> Idx<'a> {
    /// Reads the header. The first bytes show whether the file is gzip; its name does not matter.
    pub(super) fn new(name: &str, mut file: impl BufRead + 'a, length: u64) -> Result<Self> {
        let mut start = Vec::new();
        let read = file.by_ref().take(2).read_to_end(&mut start);
        read.map_err(|error| {
            Error::format(name, format!("cannot read the magic number: {error}"))
        })?;
        let packed = start == [0x1f, 0x8b];
        let file = std::io::Cursor::new(start).chain(file);
        let mut from: Box<dyn Read + 'a> = if packed {
            Box::new(Members::new(file))
        } else {
            Box::new(file)
        };
        let dimensions = dimensions(name, &mut from)?;
        let count = dimensions
            .iter()
            .try_fold(1usize, |product, &d| product.checked_mul(d));
        let Some(count) = count.filter(|&count| count <= MAX_VALUES) else {
            let reason = format!("dimensions {dimensions:?} make more than {MAX_VALUES} values");
            return Err(Error::format(name, reason));
        };
        Ok(Idx {
            name: name.to_string(),
            dimensions,
            count,
            from,
            length,
            packed,
        })
    }

    /// Compares the file's length with the header: exactly for a plain file, else with the most that gzip can expand
    /// to.
    pub(super) fn check_length(&self) -> Result<()> {
        let header = 4 + 4 * self.dimensions.len() as u64;
        let promised = header + self.count as u64;
        match self.length {
            length if self.packed && promised > length.saturating_mul(MAX_RATIO) => {
                let most = length.saturating_mul(MAX_RATIO).saturating_sub(header);
                Err(self.truncated(format!("{length} bytes of gzip hold at most {most}")))
            }
            _ if self.packed => Ok(()),
            length if length < promised => {
                Err(self.truncated(format!("found {}", length.saturating_sub(header))))
            }
            length if length > promised => Err(self.oversized()),
            _ => Ok(()),
        }
    }

    /// Reads the values. Memory at most doubles with each read.
    pub(super) fn values(mut self) -> Result<Vec<u8>> {
        let bad = |name: &str, error: std::io::Error| {
            Error::format(name, format!("cannot read the values: {error}"))
        };
        let mut values: Vec<u8> = Vec::new();
        while values.len() < self.count {
            let space = (self.count - values.len()).min(values.len().max(FIRST_VALUES));
            let reserved = values.try_reserve_exact(space);
            reserved.map_err(|_| bad(&self.name, ErrorKind::OutOfMemory.into()))?;
            let read = self
                .from
                .by_ref()
                .take(space as u64)
                .read_to_end(&mut values);
            if read.map_err(|error| bad(&self.name, error))? < space {
                return Err(self.truncated(format!("found {}", values.len())));
            }
        }
        // Reading past the end makes gzip verify its checksum, and shows excess values.
        let more = self.from.by_ref().take(1).read_to_end(&mut Vec::new());
        match more.map_err(|error| bad(&self.name, error))? {
            0 => Ok(values),
            _ => Err(self.oversized()),
        }
    }

    fn truncated(&self, found: String) -> Error {
        let (dimensions, count) = (&self.dimensions, self.count);
        let reason =
            format!("truncated: dimensions {dimensions:?} promise {count} values, {found}");
        Error::format(&self.name, reason)
    }

    fn oversized(&self) -> Error {
        let (dimensions, count) = (&self.dimensions, self.count);
        let reason =
            format!("oversized: dimensions {dimensions:?} promise {count} values, there are more");
        Error::format(&self.name, reason)
    }
}

/// Reads the magic number and the dimensions.
fn dimensions(name: &str, from: &mut impl Read) -> Result<Vec<usize>> {
    let bad = |reason: String| Error::format(name, reason);
    let mut read = |buffer: &mut [u8], what: &str| {
        from.read_exact(buffer).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => bad(format!(
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
    Ok(dimensions)
}
