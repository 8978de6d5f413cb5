//! Gathering rows of a table, of floats or of bytes, as a mini-batch is gathered from a data set.

use super::{Tensor, Words, element_count};
use crate::device::{Device, Memory, Operand};
use crate::kernel::gather::Source;
use crate::kernel::update::ENTRY_WORDS;
use crate::kernel::{Gather, MatrixShape};
use crate::{Error, Result};

/// A matrix of bytes on a device, to gather rows from: a quarter of the memory of floats.
///
/// ```
/// use wgrad::{Bytes, Device, Words};
/// # fn main() -> wgrad::Result<()> {
/// let device = Device::cpu();
/// let pixels = Bytes::new(&device, [2, 3], &[0, 2, 4, 6, 8, 255])?;
/// let order = Words::new(&device, &[1, 0, 1])?;
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
    /// [`Shape`](Error::Shape) if there are not rows · cols bytes; [`Limit`](Error::Limit) or
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

    /// Gathers rows as floats: `out[i] = self[indices[i]] · scale + shift`.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if an index is not below the number of rows.
    pub fn gather_rows(&self, indices: &Words, scale: f32, shift: f32) -> Result<Tensor> {
        gather(
            &self.device,
            &self.memory,
            self.shape,
            Source::Bytes,
            indices,
            scale,
            shift,
        )
    }
}

impl Tensor {
    /// Gathers rows: `out[i] = self[indices[i]]`.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if an index is not below the number of rows.
    pub fn gather_rows(&self, indices: &Words) -> Result<Tensor> {
        gather(
            &self.device,
            &self.memory,
            self.shape,
            Source::Floats,
            indices,
            1.0,
            0.0,
        )
    }
}

fn gather(
    device: &Device,
    table: &Memory,
    table_shape: MatrixShape,
    source: Source,
    indices: &Words,
    scale: f32,
    shift: f32,
) -> Result<Tensor> {
    if !indices.device.is_same(device) {
        return Err(Error::DeviceMismatch {
            operation: "gather_rows",
        });
    }
    if indices.len > 0 && indices.max as usize >= table_shape.rows {
        let wanted = format!("below {}", table_shape.rows);
        return Err(Error::argument("a row index", wanted, indices.max));
    }
    let shape = MatrixShape::new(indices.len, table_shape.cols);
    element_count(shape.rows, shape.cols)?;
    let mut out = Tensor::room(device, shape)?;
    // The kernel gathers labels alongside; here there are none that matter.
    let labels = device.words("labels", vec![0; table_shape.rows.max(4)])?;
    let mut out_labels = device.words("labels", vec![0; indices.len.max(4)])?;
    let zeros = device.words("table and state", vec![0; ENTRY_WORDS])?;
    let call = Gather {
        shape,
        source,
        scale,
        shift,
        samples: indices.len,
        table_steps: 1,
    };
    device.run(
        call,
        &mut [
            Operand::Read(table),
            Operand::Read(&labels),
            Operand::Read(&indices.memory),
            Operand::Read(&zeros),
            Operand::Read(&zeros),
            Operand::Write(&mut out.memory),
            Operand::Write(&mut out_labels),
        ],
    )?;
    Ok(out)
}
