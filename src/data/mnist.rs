//! MNIST: 28×28 grey images of handwritten digits (LeCun, Cortes and Burges).

use super::{Dataset, IdxArray, read_idx};
use crate::{Error, Result};
use std::path::Path;

/// The training and test sets of MNIST, or of any data in its four files.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Mnist {
    /// The samples to learn from.
    pub train: Dataset,
    /// The samples to test with.
    pub test: Dataset,
}

impl Mnist {
    /// Reads `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    /// `t10k-labels-idx1-ubyte` from a folder, each plain or with `.gz`.
    ///
    /// # Errors
    /// [`Io`](Error::Io) if a file cannot be read; [`Format`](Error::Format) if it is not what it should be;
    /// [`Label`](Error::Label) if a label is above 9.
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        let set = |kind: &str| {
            let (images, image_bytes) = file(dir, &format!("{kind}-images-idx3-ubyte"))?;
            let (labels, label_bytes) = file(dir, &format!("{kind}-labels-idx1-ubyte"))?;
            Mnist::set(&images, &image_bytes, &labels, &label_bytes)
        };
        Ok(Mnist {
            train: set("train")?,
            test: set("t10k")?,
        })
    }

    /// One set from the bytes of its two files, plain or gzip. The names stand in errors.
    ///
    /// # Errors
    /// As [`Mnist::from_dir`].
    pub fn set(
        images_name: &str,
        images: &[u8],
        labels_name: &str,
        labels: &[u8],
    ) -> Result<Dataset> {
        let images = with_rank(images_name, read_idx(images_name, images)?, 3)?;
        let labels = with_rank(labels_name, read_idx(labels_name, labels)?, 1)?;
        if images.dimensions[0] != labels.dimensions[0] {
            return Err(Error::format(
                labels_name,
                format!(
                    "{} labels for {} images",
                    labels.dimensions[0], images.dimensions[0]
                ),
            ));
        }
        let features = images.dimensions[1].checked_mul(images.dimensions[2]);
        let features = features.ok_or_else(|| {
            let reason = format!("images of {:?} are too large", &images.dimensions[1..]);
            Error::format(images_name, reason)
        })?;
        let labels = labels.values.into_iter().map(u32::from).collect();
        Dataset::from_bytes(features, images.values, labels, 10)
    }
}

fn with_rank(name: &str, array: IdxArray, rank: usize) -> Result<IdxArray> {
    if array.dimensions.len() == rank {
        Ok(array)
    } else {
        Err(Error::format(
            name,
            format!("expected {rank} dimensions, found {:?}", array.dimensions),
        ))
    }
}

/// The file's path in words and its bytes, with or without `.gz`.
fn file(dir: &Path, name: &str) -> Result<(String, Vec<u8>)> {
    let plain = dir.join(name);
    let packed = dir.join(format!("{name}.gz"));
    // If neither is there, the error names the plain one.
    let path = if packed.exists() && !plain.exists() {
        packed
    } else {
        plain
    };
    match std::fs::read(&path) {
        Ok(bytes) => Ok((path.display().to_string(), bytes)),
        Err(source) => Err(Error::Io { path, source }),
    }
}
