//! Calls of normalisation, random numbers and data movement.

use super::Call;
use crate::common::data::Random;
use wgrad::{
    Attention, AttentionGradients, AttentionOutput, Cell, Convolution, Device, Gemm, Pool,
    RecurrentLayer, Result, Shape, Tensor,
};

/// Normalisation, random numbers, and moved columns.
pub(super) fn further_calls(add: &mut impl FnMut(String, Call)) {
    fn new(d: &Device, seed: u64, shape: [usize; 2]) -> Result<Tensor> {
        Tensor::new(d, shape, &Random::new(seed).normals(shape[0] * shape[1]))
    }
    const SHAPE: [usize; 2] = [67, 129];
    let row = |d: &Device| new(d, 5, [1, 129]);
    /// Means, and variances or inverse deviations, which are positive.
    fn statistics(d: &Device) -> Result<Tensor> {
        Tensor::new(d, [2, 129], &Random::new(6).uniform(258, 0.5, 1.5))
    }
    const IMAGES: [usize; 4] = [5, 13, 11, 7];
    fn images(d: &Device) -> Result<Tensor> {
        Tensor::new(d, IMAGES, &Random::new(7).normals(IMAGES.iter().product()))
    }
    /// Two heads of five columns, with a mask of keys.
    fn attended(d: &Device, rate: f32) -> Result<(AttentionOutput, AttentionGradients)> {
        let of = |seed: u64, steps: usize| {
            let values = Random::new(seed).normals(3 * steps * 10);
            Tensor::new(d, [3, steps, 10], &values)
        };
        let (q, k, v, dy) = (of(1, 19)?, of(2, 37)?, of(3, 37)?, of(4, 19)?);
        let kept: Vec<f32> = (0..3 * 37).map(|i| (i % 5) as f32).collect();
        let mask = Tensor::new(d, [3, 37], &kept)?;
        let attention = Attention::new(2).causal(true).past(8).dropout(rate);
        let output = match rate {
            0.0 => q.attention(&k, &v, Some(&mask), attention)?,
            _ => q.attention_with_dropout(&k, &v, Some(&mask), attention, 5, 6)?,
        };
        let gradients = dy.attention_backward([&q, &k, &v], Some(&mask), &output, attention)?;
        Ok((output, gradients))
    }
    fn tokens(d: &Device) -> Result<Tensor> {
        let tokens: Vec<f32> = (0..4 * 17).map(|i| (i * i % 67) as f32).collect();
        Tensor::new(d, [4, 17], &tokens)
    }
    let pool = || Pool::new(3).stride([1, 2]).padding(1);
    let x = |d: &Device| new(d, 1, SHAPE);
    let other = |d: &Device| new(d, 2, SHAPE);
    for (name, cell) in [
        ("recurrent tanh", Cell::Tanh),
        ("recurrent relu", Cell::Relu),
        ("recurrent lstm", Cell::Lstm),
        ("recurrent gru", Cell::Gru),
    ] {
        for (part, units) in [("forward", 7), ("backward", 69)] {
            let rows = cell.gates() * units;
            let call: Call = Box::new(move |d| {
                let x = Tensor::new(d, [3, 4, 5], &Random::new(1).normals(60))?;
                let w = new(d, 2, [rows, 5])?;
                let v = new(d, 3, [rows, units])?.scale(0.1)?;
                let layer = RecurrentLayer::new(cell, &w, &v);
                let output = x.recurrent(&layer)?;
                match part {
                    "forward" => Ok(output.y),
                    _ => Ok(output.y.recurrent_backward(&layer, &x, &output, None)?.dx),
                }
            });
            add(format!("{name} {part}"), call);
        }
    }
    for (name, groups, transposed) in [
        ("convolve", 1, false),
        ("convolve in groups", 7, false),
        ("convolve_transposed", 1, true),
    ] {
        let forward = move |d: &Device| {
            let x = images(d)?;
            let weight = [7, 3, 2, 7 / groups];
            let values = Random::new(8).normals(weight.iter().product());
            let weight = Tensor::new(d, Shape::from(weight).with_row_dims(1)?, &values)?;
            let settings = Convolution::new(7, [3, 2]).stride([1, 2]).groups(groups);
            let settings = settings.padding(1).without_bias();
            let y = match transposed {
                false => x.convolve(&weight, None, settings)?,
                true => x.convolve_transposed(&weight, None, settings)?,
            };
            Ok((x, weight, settings, y))
        };
        let call: Call = Box::new(move |d| Ok(forward(d)?.3));
        add(name.into(), call);
        for of_weight in [false, true] {
            let call: Call = Box::new(move |d| {
                let (x, weight, settings, y) = forward(d)?;
                let gradients = match transposed {
                    false => y.convolve_backward(&x, &weight, settings)?,
                    true => y.convolve_transposed_backward(&x, &weight, settings)?,
                };
                // Sums of hundreds of products of values that are sums themselves: about 1 again.
                match of_weight {
                    false => gradients.dx.scale(0.05),
                    true => gradients.dweight.scale(0.005),
                }
            });
            let part = if of_weight { "dweight" } else { "dx" };
            add(format!("{part} of {name}"), call);
        }
    }
    let calls: Vec<(&str, Call)> = vec![
        ("filled", Box::new(|d| Tensor::filled(d, SHAPE, 0.3))),
        (
            "copy_from",
            Box::new(move |d| {
                let mut copy = other(d)?;
                copy.copy_from(&x(d)?)?;
                Ok(copy)
            }),
        ),
        ("prelu", Box::new(move |d| x(d)?.prelu(&row(d)?))),
        (
            "prelu_backward",
            Box::new(move |d| x(d)?.prelu_backward(&other(d)?, &row(d)?)),
        ),
        (
            "prelu_slope",
            Box::new(move |d| x(d)?.prelu_slope(&other(d)?)),
        ),
        (
            "normalize",
            Box::new(move |d| x(d)?.normalize(&row(d)?, &row(d)?, &statistics(d)?, 1e-5)),
        ),
        ("permute", Box::new(|d| images(d)?.permute(&[3, 1, 0, 2]))),
        ("upsample", Box::new(|d| images(d)?.upsample([2, 3]))),
        (
            "rms_norm",
            Box::new(move |d| x(d)?.rms_norm(&row(d)?, 1e-5)),
        ),
        (
            "dx of rms_norm_backward",
            Box::new(move |d| Ok(other(d)?.rms_norm_backward(&x(d)?, &row(d)?, 1e-5)?.dx)),
        ),
        (
            "dgamma of rms_norm_backward",
            Box::new(move |d| Ok(other(d)?.rms_norm_backward(&x(d)?, &row(d)?, 1e-5)?.dgamma)),
        ),
        (
            "group_norm",
            Box::new(move |d| {
                let row = new(d, 5, [1, 7])?;
                images(d)?.group_norm(&row, &row, 7, 1e-5)
            }),
        ),
        (
            "dx of group_norm_backward",
            Box::new(move |d| {
                let (x, row) = (images(d)?, new(d, 5, [1, 7])?);
                let dy = x.average_pool(Pool::new(1))?;
                Ok(dy.group_norm_backward(&x, &row, 1, 1e-5)?.dx)
            }),
        ),
        ("attention", Box::new(|d| Ok(attended(d, 0.0)?.0.y))),
        (
            "dq of attention_backward",
            Box::new(|d| Ok(attended(d, 0.0)?.1.dq)),
        ),
        (
            "dk of attention_backward",
            Box::new(|d| Ok(attended(d, 0.0)?.1.dk)),
        ),
        (
            "dv of attention_backward",
            Box::new(|d| Ok(attended(d, 0.0)?.1.dv)),
        ),
        (
            "attention_with_dropout",
            Box::new(|d| Ok(attended(d, 0.3)?.0.y)),
        ),
        (
            "dq of attention_with_dropout",
            Box::new(|d| Ok(attended(d, 0.3)?.1.dq)),
        ),
        (
            "dk of attention_with_dropout",
            Box::new(|d| Ok(attended(d, 0.3)?.1.dk)),
        ),
        (
            "dv of attention_with_dropout",
            Box::new(|d| Ok(attended(d, 0.3)?.1.dv)),
        ),
        ("embedding", Box::new(move |d| x(d)?.embedding(&tokens(d)?))),
        (
            "embedding_backward",
            Box::new(move |d| {
                let y = x(d)?.embedding(&tokens(d)?)?;
                y.embedding_backward(&tokens(d)?, SHAPE[0], Some(3))
            }),
        ),
        (
            "max_pool",
            Box::new(move |d| Ok(images(d)?.max_pool(pool())?.values)),
        ),
        (
            "places of max_pool",
            Box::new(move |d| Ok(images(d)?.max_pool(pool())?.places)),
        ),
        (
            "max_pool_backward",
            Box::new(move |d| {
                let max = images(d)?.max_pool(pool())?;
                max.values.max_pool_backward(&max.places, pool(), IMAGES)
            }),
        ),
        (
            "average_pool",
            Box::new(move |d| images(d)?.average_pool(pool())),
        ),
        (
            "average_pool_backward",
            Box::new(move |d| {
                let y = images(d)?.average_pool(pool())?;
                y.average_pool_backward(pool(), IMAGES)
            }),
        ),
        (
            "batch_norm",
            Box::new(move |d| {
                let output = x(d)?.batch_norm(&row(d)?, &row(d)?, &statistics(d)?, 1e-5, 0.1)?;
                Ok(output.y)
            }),
        ),
        (
            "saved of batch_norm",
            Box::new(move |d| {
                let output = x(d)?.batch_norm(&row(d)?, &row(d)?, &statistics(d)?, 1e-5, 0.1)?;
                Ok(output.saved)
            }),
        ),
        (
            "running of batch_norm",
            Box::new(move |d| {
                let output = x(d)?.batch_norm(&row(d)?, &row(d)?, &statistics(d)?, 1e-5, 0.1)?;
                Ok(output.running)
            }),
        ),
        (
            "dx of batch_norm_backward",
            Box::new(move |d| {
                Ok(x(d)?
                    .batch_norm_backward(&other(d)?, &statistics(d)?, &row(d)?)?
                    .dx)
            }),
        ),
        (
            "dgamma and dbeta of batch_norm_backward",
            Box::new(move |d| {
                let gradients = x(d)?.batch_norm_backward(&other(d)?, &statistics(d)?, &row(d)?)?;
                gradients.dgamma.add(&gradients.dbeta)
            }),
        ),
        (
            "layer_norm",
            Box::new(move |d| x(d)?.layer_norm(&row(d)?, &row(d)?, 1e-5)),
        ),
        (
            "dx of layer_norm_backward",
            Box::new(move |d| Ok(x(d)?.layer_norm_backward(&other(d)?, &row(d)?, 1e-5)?.dx)),
        ),
        (
            "dgamma and dbeta of layer_norm_backward",
            Box::new(move |d| {
                let gradients = x(d)?.layer_norm_backward(&other(d)?, &row(d)?, 1e-5)?;
                gradients.dgamma.add(&gradients.dbeta)
            }),
        ),
        (
            "uniform",
            Box::new(|d| Tensor::uniform(d, SHAPE, -1.0, 2.0, 1, 2)),
        ),
        (
            "normal",
            Box::new(|d| Tensor::normal(d, SHAPE, 1.0, 2.0, 1, 2)),
        ),
        (
            "bernoulli",
            Box::new(|d| Tensor::filled(d, SHAPE, 0.3)?.bernoulli(1, 2)),
        ),
        ("dropout", Box::new(move |d| x(d)?.dropout(0.3, 1, 2))),
        (
            "slice_columns",
            Box::new(move |d| x(d)?.slice_columns(3..77)),
        ),
        ("pad_columns", Box::new(move |d| x(d)?.pad_columns(3, 149))),
        (
            "concat_columns",
            Box::new(move |d| x(d)?.concat_columns(&x(d)?)),
        ),
        ("slice", Box::new(move |d| x(d)?.slice(0, 3..60))),
        ("pad", Box::new(move |d| x(d)?.pad(0, 3, 80))),
        ("concat", Box::new(move |d| x(d)?.concat(&x(d)?, 0))),
        ("reshape", Box::new(move |d| x(d)?.reshape([129, 67]))),
        ("sum_along", Box::new(move |d| x(d)?.sum_along(0))),
        (
            "max_along",
            Box::new(move |d| Ok(x(d)?.max_along(1)?.values)),
        ),
        ("places", Box::new(move |d| Ok(x(d)?.max_along(0)?.places))),
        ("transpose", Box::new(move |d| x(d)?.transpose())),
        (
            "gemm",
            Box::new(move |d| {
                let options = Gemm::new().alpha(0.1).transpose_a(true);
                x(d)?.gemm(&other(d)?, Some(&row(d)?), options)
            }),
        ),
    ];
    for (name, call) in calls {
        add(name.into(), call);
    }
}
