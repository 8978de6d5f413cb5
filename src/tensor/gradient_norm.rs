//! Global gradient norm, for clipping.

use super::Tensor;
use super::reduce::finite_norm;
use crate::device::{Device, Memory, Operand};
use crate::kernel::base::scale::norm;
use crate::kernel::reduction::squares::PAIR;
use crate::kernel::{Squares, Sum};
use crate::{Error, Result};

/// Euclidean norm over all gradients of a step, kept on the device, for clipping by norm.
///
/// ```
/// use wgrad::{Device, GradientNorm, OptimizerState, Sgd, Tensor};
/// # fn main() -> wgrad::Result<()> {
/// let device = Device::cpu();
/// let tensor = |values: &[f32]| Tensor::new(&device, [1, values.len()], values);
/// let (mut w, dw) = (tensor(&[0.0, 0.0])?, tensor(&[0.0, 6.0])?);
/// let (mut b, db) = (tensor(&[0.0])?, tensor(&[8.0])?);
/// let norm = GradientNorm::new(&[&dw, &db])?;
/// assert_eq!(norm.value()?, 10.0);
/// let sgd = Sgd::new(1.0);
/// w.update_clipped_by_norm(&dw, &mut OptimizerState::new(&w, sgd)?, &norm, 1.0)?;
/// b.update_clipped_by_norm(&db, &mut OptimizerState::new(&b, sgd)?, &norm, 1.0)?;
/// approx::assert_relative_eq!(w.download()?[1], -0.6, max_relative = 1e-6);
/// approx::assert_relative_eq!(b.download()?[0], -0.8, max_relative = 1e-6);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct GradientNorm {
    pub(super) device: Device,
    /// Partial sums of squares, with their exponents.
    pub(super) sums: Memory,
    pub(super) parts: usize,
}

impl GradientNorm {
    /// Computes the norm over these gradients. Does not wait for the device.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if there is no gradient; [`DeviceMismatch`](Error::DeviceMismatch) if they are not on
    /// one device.
    pub fn new(gradients: &[&Tensor]) -> Result<Self> {
        let Some(first) = gradients.first() else {
            return Err(Error::shape(
                "GradientNorm::new",
                "at least one gradient",
                "none",
            ));
        };
        super::same_device("GradientNorm::new", &first.device, gradients)?;
        let parts_of = |gradient: &Tensor| Sum::parts(gradient.shape.floats());
        let parts = gradients.iter().map(|gradient| parts_of(gradient)).sum();
        let device = first.device.clone();
        let mut sums = device.floats("partial sums", vec![0.0; PAIR * parts])?;
        let state = device.words("state", vec![0; 4])?;
        let mut ring_offset = 0;
        for gradient in gradients {
            let call = Squares {
                ring_stride: parts,
                ring_offset,
                ..Squares::lone(gradient.shape.floats())
            };
            ring_offset += parts_of(gradient);
            let operands = &mut [
                Operand::Read(&gradient.memory),
                Operand::Write(&mut sums),
                Operand::Read(&state),
            ];
            device.run(call, operands)?;
        }
        Ok(GradientNorm {
            device,
            sums,
            parts,
        })
    }

    /// Returns the norm, summed in a fixed order. Waits for the result.
    ///
    /// # Errors
    /// [`NonFinite`](Error::NonFinite) if the norm is not finite in `f32`.
    pub async fn value_async(&self) -> Result<f32> {
        let words = self.sums.download(&self.device).await?;
        let pairs = bytemuck::cast_slice(&words[..PAIR * self.parts]);
        finite_norm(norm::<f32>(pairs))
    }

    /// Blocking form of [`GradientNorm::value_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn value(&self) -> Result<f32> {
        pollster::block_on(self.value_async())
    }
}
