//! Swish, and Gather as an embedding.

use super::{Vectors, compare};
use wgrad::{Activation, Device, Tensor};

/// x·σ(α·x), which is SiLU(α·x)/α.
pub(super) fn swish(file: &Vectors, device: &Device) {
    let values = file.narrow("input_0");
    let x = Tensor::new(device, [1, values.len()], &values).unwrap();
    let alpha = file.optional("alpha").unwrap_or(1.0) as f32;
    let y = if alpha == 0.0 {
        x.scale(0.5).unwrap()
    } else {
        let y = x.scale(alpha).unwrap().activate(Activation::Silu).unwrap();
        y.scale(1.0 / alpha).unwrap()
    };
    compare(file, device, 0, &y.download().unwrap());
}

/// Rows of data along an axis: an embedding of its indices, with the axis in front.
pub(super) fn gather(file: &Vectors, device: &Device) {
    let shape = file.shape("input_0");
    let axis = file.optional("axis").unwrap_or(0.0);
    let axis = if axis < 0.0 {
        axis + shape.len() as f64
    } else {
        axis
    } as usize;
    let (outer, length) = (shape[..axis].iter().product::<usize>(), shape[axis]);
    let inner: usize = shape[axis + 1..].iter().product();
    let data = file.narrow("input_0");
    let mut w = Vec::with_capacity(data.len());
    for row in 0..length {
        for block in 0..outer {
            w.extend_from_slice(&data[(block * length + row) * inner..][..inner]);
        }
    }
    let indices: Vec<f32> = file
        .tensor("input_1")
        .iter()
        .map(|&index| if index < 0.0 { index + length as f64 } else { index } as f32)
        .collect();
    let count = indices.len();
    let w = Tensor::new(device, [length, outer * inner], &w).unwrap();
    let indices = Tensor::new(device, [1, count], &indices).unwrap();
    let rows = w.embedding(&indices).unwrap().download().unwrap();
    let mut found = Vec::with_capacity(rows.len());
    for block in 0..outer {
        for row in 0..count {
            found.extend_from_slice(&rows[(row * outer + block) * inner..][..inner]);
        }
    }
    compare(file, device, 0, &found);
}
