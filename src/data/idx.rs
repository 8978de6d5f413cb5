//! The IDX format of the MNIST files: two zero bytes, a type byte, the number of dimensions, the dimensions as
//! big-endian `u32`, and the values. Only type 8, unsigned bytes, is read; plain or gzip.

use super::gzip::Members;
use crate::file::open_file;
use crate::{Error, Result};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

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

/// Bytes that one byte of a gzip stream unpacks to at most: deflate writes 258 bytes in no fewer than two bits.
const MOST_RATIO: u64 = 1032;

/// Memory for values before any has come.
const FIRST_VALUES: usize = 1 << 20;

/// Reads an IDX array of unsigned bytes, plain or gzip-compressed, from a file's bytes. `name` stands in errors.
///
/// # Errors
/// [`Format`](Error::Format) if the magic number, the dimensions, the length or the compression is wrong. A compressed
/// file is unpacked no further than its header promises, and memory is taken as its values come.
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

/// An IDX file whose header has been read, and nothing else yet.
pub(super) struct Idx<'a> {
    pub(super) name: String,
    pub(super) dimensions: Vec<usize>,
    /// Values, by the dimensions.
    count: usize,
    /// Unpacked, from the first value on.
    from: Box<dyn Read + 'a>,
    /// Bytes of the file, packed or not.
    length: u64,
    packed: bool,
}

impl Idx<'static> {
    /// Opens a file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let (file, length) = open_file(path)?;
        Idx::new(&path.display().to_string(), BufReader::new(file), length)
    }
}

impl<'a> Idx<'a> {
    /// Reads the header. Whether the file is packed is seen from its first bytes; what its name ends in does not matter.
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
        let Some(count) = count.filter(|&count| count <= MOST_VALUES) else {
            let reason = format!("dimensions {dimensions:?} make more than {MOST_VALUES} values");
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

    /// Compares the file's length with what the header promises: exactly if the file is plain, else with what it can
    /// unpack to at most.
    pub(super) fn check_length(&self) -> Result<()> {
        let header = 4 + 4 * self.dimensions.len() as u64;
        let promised = header + self.count as u64;
        match self.length {
            length if self.packed && promised > length.saturating_mul(MOST_RATIO) => {
                let most = length.saturating_mul(MOST_RATIO).saturating_sub(header);
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

    /// The values. Memory for them grows with what has come, by no more than it again.
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
        // At the end gzip compares its checksum, and there must be no more.
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

/// Reads magic number and dimensions.
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
