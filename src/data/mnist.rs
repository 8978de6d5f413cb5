//! MNIST: 28×28 greyscale images of handwritten digits (LeCun, Cortes and Burges).

use super::find::find;
use super::idx::Idx;
use super::{Dataset, check_labels};
use crate::{Error, Result};
use std::path::Path;

/// The training and test sets of MNIST, or of another data set in the same four files.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Mnist {
    /// Training samples.
    pub train: Dataset,
    /// Test samples.
    pub test: Dataset,
}

/// Number of classes: labels are 0 to 9.
const CLASSES: usize = 10;

/// Most images of a set: twice as many as the largest known one has, eight million.
const MAX_IMAGES: usize = 1 << 24;

impl Mnist {
    /// Reads the training and test sets from a folder with the four files of MNIST, Fashion-MNIST or another data set
    /// of ten classes.
    ///
    /// The files are named `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    /// `t10k-labels-idx1-ubyte`, or as other sources name them: with dots or underscores for hyphens, without
    /// `-ubyte`, with `test` for `t10k`, with a prefix such as `emnist-digits-`, with `.gz`, in upper case. Each may
    /// be plain or gzip, whatever its name. They are in the folder, or in its subfolder `raw`, `MNIST/raw`, `MNIST` or
    /// `gzip`. Of several candidates the one with the usual name is read, and a plain one rather than a `.gz`.
    ///
    /// EMNIST stores its images transposed. They are read as they are stored.
    ///
    /// Headers and lengths of all four files are checked before the values of any are read.
    ///
    /// # Errors
    /// [`Io`](Error::Io) if a file cannot be read; [`Format`](Error::Format) if it does not conform to its format, if
    /// the files do not fit each other, or if there are several data sets; [`Label`](Error::Label) if a label is above
    /// 9.
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self> {
        let [a, b, c, d] = find(dir.as_ref())?;
        let train = Files::new(Idx::open(&a)?, Idx::open(&b)?)?;
        let test = Files::new(Idx::open(&c)?, Idx::open(&d)?)?;
        let (size, wanted) = (&test.images.dimensions[1..], &train.images.dimensions[1..]);
        if size != wanted {
            let reason = format!(
                "images of {size:?}, expected {wanted:?} as in {}",
                train.images.name
            );
            return Err(Error::format(&test.images.name, reason));
        }
        train.check_lengths()?;
        test.check_lengths()?;
        Ok(Mnist {
            train: train.read()?,
            test: test.read()?,
        })
    }

    /// One set from the bytes of its two files, plain or gzip. Errors use the names.
    ///
    /// # Errors
    /// [`Format`](Error::Format) if a file does not conform to its format or the two do not fit each other;
    /// [`Label`](Error::Label) if a label is above 9.
    pub fn set(
        images_name: &str,
        images: &[u8],
        labels_name: &str,
        labels: &[u8],
    ) -> Result<Dataset> {
        let images = Idx::new(images_name, images, images.len() as u64)?;
        let labels = Idx::new(labels_name, labels, labels.len() as u64)?;
        let files = Files::new(images, labels)?;
        files.check_lengths()?;
        files.read()
    }
}

/// The two files of a set, with their headers read.
struct Files<'a> {
    images: Idx<'a>,
    labels: Idx<'a>,
}

impl<'a> Files<'a> {
    /// Checks that the headers fit each other.
    fn new(images: Idx<'a>, labels: Idx<'a>) -> Result<Self> {
        check_rank(&images, 3)?;
        check_rank(&labels, 1)?;
        let (count, of_labels) = (images.dimensions[0], labels.dimensions[0]);
        if count != of_labels {
            let reason = format!("{of_labels} labels for {count} images");
            return Err(Error::format(&labels.name, reason));
        }
        if count > MAX_IMAGES {
            let reason = format!("{count} images, expected at most {MAX_IMAGES}");
            return Err(Error::format(&images.name, reason));
        }
        let size = &images.dimensions[1..];
        if size[0].checked_mul(size[1]).is_none() {
            let reason = format!("images of {size:?} are too large");
            return Err(Error::format(&images.name, reason));
        }
        Ok(Files { images, labels })
    }

    fn check_lengths(&self) -> Result<()> {
        self.images.check_length()?;
        self.labels.check_length()
    }

    /// Reads the labels, then the images.
    fn read(self) -> Result<Dataset> {
        let labels = self.labels.values()?;
        let labels: Vec<u32> = labels.into_iter().map(u32::from).collect();
        check_labels(&labels, CLASSES, None)?;
        let [_, height, width] = self.images.dimensions[..] else {
            unreachable!("the rank was checked");
        };
        Dataset::from_bytes([height, width, 1], self.images.values()?, labels, CLASSES)
    }
}

fn check_rank(file: &Idx<'_>, rank: usize) -> Result<()> {
    if file.dimensions.len() == rank {
        return Ok(());
    }
    let reason = format!("expected {rank} dimensions, found {:?}", file.dimensions);
    Err(Error::format(&file.name, reason))
}
