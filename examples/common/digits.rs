//! The bundled digits.

use super::Result;
use wgrad::{Dataset, Mnist};

/// Side of an image in pixels.
pub(crate) const SIDE: usize = 28;

/// Pixels of an image.
pub(crate) const PIXELS: usize = SIDE * SIDE;

/// The first training and test digits of the bundled sample of MNIST, as grey values from 0 to 1.
pub(crate) fn digits(train: usize, test: usize) -> Result<(Dataset, Dataset)> {
    macro_rules! bundled {
        ($kind:literal, $count:expr) => {{
            let all = Mnist::set(
                concat!($kind, " images"),
                include_bytes!(concat!("../data/", $kind, "-images-idx3-ubyte.gz")),
                concat!($kind, " labels"),
                include_bytes!(concat!("../data/", $kind, "-labels-idx1-ubyte.gz")),
            )?;
            let labels = all.labels()[..$count].to_vec();
            Dataset::from_floats(PIXELS, samples(&all, $count)?, labels, all.classes())?
        }};
    }
    Ok((bundled!("train", train), bundled!("t10k", test)))
}

/// The first `count` samples, one after the other.
pub(crate) fn samples(data: &Dataset, count: usize) -> wgrad::Result<Vec<f32>> {
    let rows: wgrad::Result<Vec<_>> = (0..count).map(|i| data.sample(i)).collect();
    Ok(rows?.concat())
}
