//! Handwritten digits.

use super::Result;
use std::path::Path;
use wgrad::{Dataset, Mnist, Shape};

/// Side of an image in pixels.
pub(crate) const SIDE: usize = 28;

/// Pixels of an image.
pub(crate) const PIXELS: usize = SIDE * SIDE;

/// The first training and test digits of the bundled sample of MNIST, as grey values from 0 to 1.
pub(crate) fn digits(train: usize, test: usize) -> Result<(Dataset, Dataset)> {
    digits_from(None, PIXELS, train, test)
}

/// The first training and test digits, or all where there are fewer, as grey values from 0 to 1 in samples of this
/// shape: MNIST's files from a folder, or the bundled sample.
pub(crate) fn digits_from(
    folder: Option<&Path>,
    sample: impl Into<Shape>,
    train: usize,
    test: usize,
) -> Result<(Dataset, Dataset)> {
    macro_rules! bundled {
        ($kind:literal) => {
            Mnist::set(
                concat!($kind, " images"),
                include_bytes!(concat!("../data/", $kind, "-images-idx3-ubyte.gz")),
                concat!($kind, " labels"),
                include_bytes!(concat!("../data/", $kind, "-labels-idx1-ubyte.gz")),
            )
        };
    }
    let (all_train, all_test) = match folder {
        Some(folder) => {
            let mnist = Mnist::from_dir(folder)?;
            (mnist.train, mnist.test)
        }
        None => (bundled!("train")?, bundled!("t10k")?),
    };
    let sample = sample.into();
    let first = |all: &Dataset, count: usize| -> wgrad::Result<Dataset> {
        let count = count.min(all.len());
        let labels = all.labels()[..count].to_vec();
        let samples = samples(all, count)?;
        Dataset::from_floats(sample.clone(), samples, labels, all.classes())
    };
    Ok((first(&all_train, train)?, first(&all_test, test)?))
}

/// The first `count` samples, one after the other.
pub(crate) fn samples(data: &Dataset, count: usize) -> wgrad::Result<Vec<f32>> {
    let rows: wgrad::Result<Vec<_>> = (0..count).map(|i| data.sample(i)).collect();
    Ok(rows?.concat())
}
