//! Values of a tensor in a file, converted to `f32`.

use super::header::Tensor;
use crate::error::clip;
use crate::{Error, Result};

/// Types that can be read.
pub(in crate::nn) const TYPES: [&str; 4] = ["F32", "F64", "F16", "BF16"];

impl Tensor {
    /// Whether the type can be read.
    pub(crate) fn is_float(&self) -> bool {
        TYPES.contains(&self.dtype.as_str())
    }

    /// Name of the type, for errors.
    pub(in crate::nn) fn type_name(&self) -> String {
        clip(&self.dtype)
    }

    /// Its values from the bytes of its file; all must be finite. Errors print `file`.
    ///
    /// `F64` is rounded to the nearest `f32`. `F16` and `BF16` are exact in `f32`.
    pub(crate) fn values(&self, file: &str, bytes: &[u8]) -> Result<Vec<f32>> {
        let data = bytes.get(self.bytes.clone()).unwrap_or_default();
        let values: Vec<f32> = match self.dtype.as_str() {
            "F32" => each(data, f32::from_le_bytes),
            "F64" => {
                let wide = each(data, f64::from_le_bytes);
                let beyond = |value: &&f64| value.is_finite() && !(**value as f32).is_finite();
                if let Some(value) = wide.iter().find(beyond) {
                    let reason = format!(
                        "{} holds {value:e}, beyond the range of f32",
                        clip(&self.name)
                    );
                    return Err(Error::format(file, reason));
                }
                wide.into_iter().map(|value| value as f32).collect()
            }
            "F16" => each(data, |bytes| half(u16::from_le_bytes(bytes))),
            "BF16" => each(data, |[low, high]| f32::from_le_bytes([0, 0, low, high])),
            _ => {
                let (name, dtype) = (clip(&self.name), self.type_name());
                let reason = format!("{name} holds {dtype}, expected {}", TYPES.join(", "));
                return Err(Error::format(file, reason));
            }
        };
        match values.iter().find(|value| !value.is_finite()) {
            None => Ok(values),
            Some(value) => Err(Error::format(
                file,
                format!("{} holds {value}", clip(&self.name)),
            )),
        }
    }

    /// Its values, which must be finite and at least 0, such as means of squares.
    pub(crate) fn values_not_negative(&self, file: &str, bytes: &[u8]) -> Result<Vec<f32>> {
        let values = self.values(file, bytes)?;
        match values.iter().find(|&&value| value < 0.0) {
            None => Ok(values),
            Some(value) => {
                let reason = format!("{} holds {value}, expected at least 0", clip(&self.name));
                Err(Error::format(file, reason))
            }
        }
    }
}

fn each<const N: usize, T>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    let chunks = data.chunks_exact(N).filter_map(|chunk| chunk.first_chunk());
    chunks.map(|&chunk| number(chunk)).collect()
}

/// A half-precision number: a sign bit, 5 exponent bits with bias 15, and 10 fraction bits.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    let size = match exponent {
        // Subnormal: in units of 2⁻²⁴.
        0 => fraction as f32 * f32::from_bits((127 - 24) << 23),
        31 => f32::from_bits(0x7f80_0000 | fraction << 13),
        _ => f32::from_bits((exponent + 127 - 15) << 23 | fraction << 13),
    };
    if bits >> 15 == 1 { -size } else { size }
}
