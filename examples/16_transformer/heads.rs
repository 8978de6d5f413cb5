//! The picture of the heads: what each token of an answer attends to.

use super::common::{Picture, Result, Shade, Tile};
use super::{HEADS, LAYERS, TOKENS, Task};
use wgrad::{Activation, Device, Inputs, Layout, Network, Tensor, TransformerLayer};

/// The attention of each head in the rows that write the answer of a sum.
pub(super) fn draw(
    network: &Network,
    task: &Task,
    sum: [usize; 2],
    device: &Device,
) -> Result<Picture> {
    let text = &task.text(sum)[..task.length()];
    let names = |tokens: &[u32]| -> Vec<String> {
        tokens
            .iter()
            .map(|&token| TOKENS[token as usize].to_string())
            .collect()
    };
    let first = task.question() - 1;
    let title = format!("Attention in {} + {} = {}", sum[0], sum[1], sum[0] + sum[1]);
    let mut picture = Picture::new(&title);
    for layer in 0..LAYERS {
        let heads = attention(network, task, layer, text, device)?;
        let tiles = heads.into_iter().enumerate().map(|(head, weights)| {
            let rows = weights[first * task.length()..].to_vec();
            Tile::new(task.length(), rows)
                .names(names(&text[first..]), names(text))
                .caption(&format!("head {}", head + 1))
        });
        let label = format!(
            "Layer {}: from each token that writes a digit, to all before",
            layer + 1
        );
        picture.row(&label, Shade::Positive, 310.0, tiles.collect());
    }
    Ok(picture)
}

/// The weights of attention [T, T] of each head of a layer: a network keeps none, so they are computed again.
fn attention(
    network: &Network,
    task: &Task,
    layer: usize,
    text: &[u32],
    device: &Device,
) -> Result<Vec<Vec<f32>>> {
    let (length, width, size) = (task.length(), task.width, task.width / HEADS);
    // The layers below, with the weights of the network.
    let block = TransformerLayer::new(HEADS).causal(true).norm_first(true);
    let block = block.activation(Activation::Gelu);
    let below = (0..layer).fold(task.first_layers(), |x, _| x.transformer_encoder(block));
    let mut below = below.build(device, 1)?;
    let known: Vec<String> = below
        .parameter_names()
        .iter()
        .map(ToString::to_string)
        .collect();
    for name in known {
        below.set_parameter(&name, &network.parameter(&name)?)?;
    }
    let x = Tensor::new(
        device,
        [length, width],
        &below.predict(Inputs::tokens(text))?,
    )?;

    let parameter = |name: &str| network.parameter(&format!("layers.{}.{name}", layer + 2));
    let vector = |name: &str, columns: usize| -> Result<Tensor> {
        Ok(Tensor::new(device, [1, columns], &parameter(name)?)?)
    };
    let x = x.layer_norm(
        &vector("norm1.weight", width)?,
        &vector("norm1.bias", width)?,
        1e-5,
    )?;
    let weight = parameter("self_attn.in_proj_weight")?;
    let weight = Tensor::new(device, [3 * width, width], &weight)?;
    let bias = vector("self_attn.in_proj_bias", 3 * width)?;
    let qkv = x.dense(&weight, &bias, Activation::Identity)?;
    let mut heads = Vec::new();
    for head in 0..HEADS {
        let q = qkv.slice_columns(head * size..(head + 1) * size)?;
        let k = qkv.slice_columns(width + head * size..width + (head + 1) * size)?;
        let scores = q
            .matmul(&k, Layout::NT)?
            .scale(1.0 / (size as f32).sqrt())?;
        let mut scores = scores.download()?;
        for (row, scores) in scores.chunks_exact_mut(length).enumerate() {
            scores[row + 1..].fill(-1e9);
        }
        let scores = Tensor::new(device, [length, length], &scores)?;
        heads.push(scores.softmax()?.download()?);
    }
    Ok(heads)
}
