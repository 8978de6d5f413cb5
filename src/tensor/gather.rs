//! Gathered rows of a table of floats or bytes, optionally augmented, as in a mini-batch from a data set.

use super::{Indices, Tensor, element_count};
use crate::device::{Device, Memory, Operand};
use crate::kernel::base::state::{ENTRY_WORDS, state_at};
use crate::kernel::gather::Source;
use crate::kernel::gather::scaling::Scaling;
use crate::kernel::{Augment, Gather, Kernel, MatrixShape};
use crate::{Augmentation, Error, Result};

/// Matrix of bytes on a device, a source for [`gather_rows`](Bytes::gather_rows). It takes a quarter of the memory of
/// floats.
///
/// ```
/// use wgrad::{Bytes, Device, Indices};
/// # fn main() -> wgrad::Result<()> {
/// let device = Device::cpu();
/// let pixels = Bytes::new(&device, [2, 3], &[0, 2, 4, 6, 8, 255])?;
/// let order = Indices::new(&device, &[1, 0, 1])?;
/// let x = pixels.gather_rows(&order, 0.5, -1.0)?;
/// assert_eq!(x.download()?, [2.0, 3.0, 126.5, -1.0, 0.0, 1.0, 2.0, 3.0, 126.5]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Bytes {
    device: Device,
    shape: MatrixShape,
    memory: Memory,
}

impl Bytes {
    /// Uploads a matrix of `[rows, cols]` bytes, row by row.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the number of bytes is not rows · cols; [`Limit`](Error::Limit) or
    /// [`OutOfMemory`](Error::OutOfMemory) if the device has no room.
    pub fn new(device: &Device, [rows, cols]: [usize; 2], bytes: &[u8]) -> Result<Self> {
        let count = element_count(rows, cols)?;
        if bytes.len() != count {
            let wanted = format!("{count} bytes for [{rows}, {cols}]");
            return Err(Error::shape("Bytes::new", wanted, bytes.len()));
        }
        let shape = MatrixShape::new(rows, cols);
        device.check_size("bytes", shape.vec4s())?;
        Ok(Bytes {
            device: device.clone(),
            memory: device.words("bytes", shape.pad_to_words(bytes))?,
            shape,
        })
    }

    /// `[rows, cols]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.shape.rows, self.shape.cols]
    }

    /// Gathers rows as floats: `out[i] = self[indices[i]] · scale + shift`, computed as (value + shift/scale) · scale
    /// with a rounded shift/scale, as in [`Dataset::scaled`](crate::Dataset::scaled).
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if an index is not below the number of rows.
    pub fn gather_rows(&self, indices: &Indices, scale: f32, shift: f32) -> Result<Tensor> {
        let table = Table {
            shape: self.shape,
            source: Source::Bytes,
            scaling: Scaling::new(scale, shift),
            memory: &self.memory,
        };
        table.gather("gather_rows", &self.device, indices, None)
    }

    /// Gathers rows as randomly augmented images: `out[i] = moved(self[indices[i]]) · scale + shift`. The motion of row
    /// `i` is that of row `i` of a trainer's batch with the same seed and step. See [`Augmentation`] for the formula.
    ///
    /// # Errors
    /// Those of [`Bytes::gather_rows`]; [`Argument`](Error::Argument) if a number of the augmentation is outside its
    /// range; [`Shape`](Error::Shape) if an image does not have as many values as a row.
    pub fn gather_augmented(
        &self,
        indices: &Indices,
        augmentation: &Augmentation,
        seed: u64,
        step: u32,
        scale: f32,
        shift: f32,
    ) -> Result<Tensor> {
        let table = Table {
            shape: self.shape,
            source: Source::Bytes,
            scaling: Scaling::new(scale, shift),
            memory: &self.memory,
        };
        let moved = Some((augmentation, seed, step));
        table.gather("gather_augmented", &self.device, indices, moved)
    }
}

impl Tensor {
    /// Gathers rows: `out[i] = self[indices[i]]`.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if an index is not below the number of rows.
    pub fn gather_rows(&self, indices: &Indices) -> Result<Tensor> {
        self.table()
            .gather("gather_rows", &self.device, indices, None)
    }

    /// Gathers rows as randomly augmented images, like [`Bytes::gather_augmented`] with a scale of 1 and a shift of 0.
    /// The values must be finite.
    ///
    /// # Errors
    /// Those of [`Bytes::gather_augmented`].
    pub fn gather_augmented(
        &self,
        indices: &Indices,
        augmentation: &Augmentation,
        seed: u64,
        step: u32,
    ) -> Result<Tensor> {
        let moved = Some((augmentation, seed, step));
        self.table()
            .gather("gather_augmented", &self.device, indices, moved)
    }

    fn table(&self) -> Table<'_> {
        Table {
            shape: self.shape,
            source: Source::Floats,
            scaling: Scaling::NONE,
            memory: &self.memory,
        }
    }
}

/// Source of gathered rows.
struct Table<'a> {
    shape: MatrixShape,
    source: Source,
    scaling: Scaling,
    memory: &'a Memory,
}

impl Table<'_> {
    /// Gathers rows. `moved` has the augmentation with its seed and step.
    fn gather(
        self,
        operation: &'static str,
        device: &Device,
        indices: &Indices,
        moved: Option<(&Augmentation, u64, u32)>,
    ) -> Result<Tensor> {
        if !indices.device.is_same(device) {
            return Err(Error::DeviceMismatch { operation });
        }
        if let Some((augmentation, ..)) = moved {
            augmentation.check_features(operation, self.shape.cols)?;
        }
        if indices.len > 0 && indices.max as usize >= self.shape.rows {
            let wanted = format!("below {}", self.shape.rows);
            return Err(Error::argument("a row index", wanted, indices.max));
        }
        let shape = MatrixShape::new(indices.len, self.shape.cols);
        element_count(shape.rows, shape.cols)?;
        let mut out = Tensor::room(device, shape)?;
        // The kernel also gathers labels; these are dummies.
        let labels = device.words("labels", vec![0; self.shape.rows.max(4)])?;
        let mut out_labels = device.words("labels", vec![0; indices.len.max(4)])?;
        let table = device.words("table", vec![0; ENTRY_WORDS])?;
        let step = moved.map_or(0, |(_, _, step)| step);
        let mut state = device.words("state", state_at(step.into()).to_vec())?;
        let gather = Gather {
            shape,
            source: self.source,
            scaling: self.scaling,
            samples: indices.len,
            table_steps: 1,
            labels: 1,
        };
        let call: Kernel = match moved {
            None => gather.into(),
            Some((&augmentation, seed, _)) => Augment::new(gather, augmentation, seed).into(),
        };
        device.run(
            call,
            &mut [
                Operand::Read(self.memory),
                Operand::Read(&labels),
                Operand::Read(&indices.memory),
                Operand::Read(&table),
                Operand::Write(&mut state),
                Operand::Write(&mut out.memory),
                Operand::Write(&mut out_labels),
            ],
        )?;
        Ok(out)
    }
}
