//! Operators of Transformers: attention, Swish, and Gather as an embedding.

use super::{Vectors, compare, flag};
use wgrad::{Activation, Attention, Device, Tensor};

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

/// [samples, heads, length, width] as [samples, length, heads, width].
fn heads_last([samples, heads, length, width]: [usize; 4], values: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for sample in 0..samples {
        for step in 0..length {
            for head in 0..heads {
                out.extend_from_slice(
                    &values[((sample * heads + head) * length + step) * width..][..width],
                );
            }
        }
    }
    out
}

/// Attention of Q, K and V [batch, heads, length, width], or [batch, length, heads·width]. Fewer heads of keys than of
/// queries are repeated.
pub(super) fn attention(file: &Vectors, device: &Device) {
    for unknown in ["softcap", "qk_matmul_output_mode", "softmax_precision"] {
        let value = file.optional(unknown).unwrap_or(0.0);
        assert!(value == 0.0, "{}: no {unknown}", file.name);
    }
    assert!(!file.has("input_3"), "{}: no masks of scores", file.name);
    let heads_of = |input: &str, key: &str| match file.shape(input).len() {
        4 => file.shape(input)[1],
        _ => file.size(key),
    };
    let heads = heads_of("input_0", "q_num_heads");
    let tensor = |input: &str, own: usize| {
        let (sizes, values) = match (file.shape(input), file.narrow(input)) {
            (&[samples, _, length, width], values) => {
                let values = heads_last([samples, own, length, width], &values);
                ([samples, length, width], values)
            }
            (&[samples, length, cols], values) => ([samples, length, cols / own], values),
            (shape, _) => panic!("{}: {input} {shape:?}", file.name),
        };
        let [samples, length, width] = sizes;
        let repeated: Vec<f32> = values
            .chunks(width)
            .flat_map(|head| std::iter::repeat_n(head, heads / own).flatten())
            .copied()
            .collect();
        Tensor::new(device, [samples, length, heads * width], &repeated).unwrap()
    };
    let own = heads_of("input_1", "kv_num_heads");
    let (q, k, v) = (
        tensor("input_0", heads),
        tensor("input_1", own),
        tensor("input_2", own),
    );
    let mut attention = Attention::new(heads).causal(flag(file, "is_causal"));
    if let Some(scale) = file.optional("scale") {
        attention = attention.scale(scale as f32);
    }
    let y = q.attention(&k, &v, None, attention).unwrap().y;
    let values = y.download().unwrap();
    let values = match *file.shape("output_0") {
        [samples, heads, length, width] => heads_last([samples, length, heads, width], &values),
        _ => values,
    };
    compare(file, device, 0, &values);
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
