//! Graphs under test. Together they cover every operation, every fusion and every kind of gradient sum.

use super::arithmetic::every_operation;
use super::dimensions::sums_and_broadcasts;
use super::stacks::{operands_in_place, products_of_stacks};
use super::{CLASSES, INPUTS};
use wgrad::{Activation, Criterion, Graph, Init, Layout, Loss, LossTarget, Reduction, Value};

/// Builds one network of each kind on a device.
pub(crate) type Case = (&'static str, fn(&mut Graph, Value) -> wgrad::Result<Value>);

/// Graphs that reach every operation, every fusion and every way a gradient is summed.
pub(crate) const GRAPHS: &[Case] = &[
    ("one dense layer", |g, x| {
        g.dense(x, CLASSES, Init::XavierUniform)
    }),
    ("without bias", |g, x| {
        let h = g.dense_without_bias(x, 6, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        g.dense_without_bias(h, CLASSES, Init::XavierNormal)
    }),
    ("without bias, z kept", |g, x| {
        let h = g.dense_without_bias(x, 6, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Gelu)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("residual sum", |g, x| {
        let h = g.dense(x, 9, Init::KaimingNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let r = g.dense(h, 9, Init::KaimingNormal)?;
        let r = g.activation(r, Activation::Sigmoid)?;
        let sum = g.add(h, r)?;
        g.dense(sum, CLASSES, Init::KaimingNormal)
    }),
    ("shared weights", |g, x| {
        let w = g.parameter("w", [INPUTS, INPUTS], Init::XavierUniform)?;
        let b = g.vector("b", INPUTS, Init::Constant(0.1))?;
        let mut h = x;
        for layout in [Layout::NT, Layout::NN, Layout::NT] {
            h = g.matmul(h, w, layout)?;
            h = g.bias_add(h, b)?;
            h = g.activation(h, Activation::Tanh)?;
        }
        g.dense(h, CLASSES, Init::XavierUniform)
    }),
    ("sum of two parameters", |g, x| {
        let u = g.parameter("u", [CLASSES, INPUTS], Init::XavierUniform)?;
        let v = g.parameter("v", [CLASSES, INPUTS], Init::XavierUniform)?;
        let scaled = g.scale(v, -2.5)?;
        let w = g.add(u, scaled)?;
        g.matmul(x, w, Layout::NT)
    }),
    ("a parameter added to itself", |g, x| {
        let u = g.parameter("u", [CLASSES, INPUTS], Init::XavierUniform)?;
        let w = g.add(u, u)?;
        g.matmul(x, w, Layout::NT)
    }),
    ("product of parameters", |g, x| {
        let u = g.parameter("u", [INPUTS, 4], Init::XavierUniform)?;
        let v = g.parameter("v", [INPUTS, CLASSES], Init::XavierUniform)?;
        let w = g.matmul(u, v, Layout::TN)?;
        let h = g.matmul(x, u, Layout::NN)?;
        g.matmul(h, w, Layout::NN)
    }),
    ("gate", |g, x| {
        let h = g.dense(x, 8, Init::XavierUniform)?;
        let s = g.dense(x, 8, Init::XavierUniform)?;
        let s = g.activation(s, Activation::Sigmoid)?;
        let gated = g.mul(h, s)?;
        let squared = g.mul(gated, gated)?;
        g.dense(squared, CLASSES, Init::XavierUniform)
    }),
    ("z read before and after its activation", |g, x| {
        let z = g.dense(x, 8, Init::XavierUniform)?;
        let before = g.scale(z, 0.5)?;
        let y = g.activation(z, Activation::Gelu)?;
        let sum = g.add(before, y)?;
        let z_again = g.add(sum, z)?;
        g.dense(z_again, CLASSES, Init::XavierUniform)
    }),
    ("products of stacks", products_of_stacks),
    ("operands read in place", operands_in_place),
    ("elementwise arithmetic", every_operation),
    ("sums and broadcasts", sums_and_broadcasts),
    ("softmax within", |g, x| {
        let h = g.dense(x, 6, Init::XavierUniform)?;
        let h = g.softmax(h)?;
        let h = g.dense(h, 6, Init::XavierUniform)?;
        let h = g.log_softmax(h)?;
        g.dense(h, CLASSES, Init::XavierUniform)
    }),
];

/// Layers with state, random numbers or moved columns, and losses other than one on the output.
pub(crate) const LAYERS: &[Case] = &[
    ("dropout", |g, x| {
        let h = g.dropout(x, 0.2)?;
        let h = g.dense(h, 9, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let h = g.dropout(h, 0.5)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("batch normalisation", |g, x| {
        let h = g.dense(x, 9, Init::XavierNormal)?;
        let h = g.batch_norm(h)?;
        let h = g.activation(h, Activation::Tanh)?;
        let h = g.dense_without_bias(h, CLASSES, Init::XavierNormal)?;
        g.batch_norm_with(h, 1e-3, 0.2)
    }),
    ("layer normalisation", |g, x| {
        let h = g.layer_norm(x)?;
        let h = g.dense(h, 9, Init::XavierNormal)?;
        let h = g.layer_norm_with(h, 1e-3)?;
        let h = g.activation(h, Activation::Tanh)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("parametric ReLU", |g, x| {
        let h = g.dense(x, 9, Init::XavierNormal)?;
        let h = g.prelu(h, true)?;
        let h = g.dense(h, 6, Init::XavierNormal)?;
        let h = g.prelu(h, false)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("gated units", |g, x| {
        let h = g.dense(x, 18, Init::XavierNormal)?;
        let h = g.glu(h)?;
        let h = g.dense(h, 10, Init::XavierNormal)?;
        let h = g.swiglu(h)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("columns and concatenation", |g, x| {
        let a = g.slice_columns(x, 1..4)?;
        let a = g.dense(a, 5, Init::XavierNormal)?;
        let both = g.concat_columns(a, x)?;
        let h = g.activation(both, Activation::Tanh)?;
        let twice = g.concat_columns(h, h)?;
        let part = g.slice_columns(twice, 3..14)?;
        g.dense(part, CLASSES, Init::XavierNormal)
    }),
    ("noise and a stopped gradient", |g, x| {
        let noise = g.random_normal(INPUTS, 0.0, 0.5)?;
        let noisy = g.add(x, noise)?;
        let h = g.dense(noisy, 6, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Sigmoid)?;
        // Nothing that a parameter changes may be stopped here: differences see it.
        let p = g.random_uniform(6, 0.0, 1.0)?;
        let stopped = g.stop_gradient(p)?;
        let sample = g.bernoulli(stopped)?;
        let sum = g.add(sample, stopped)?;
        let sum = g.mul(sum, h)?;
        g.dense(sum, CLASSES, Init::XavierNormal)
    }),
    ("an auxiliary loss", |g, x| {
        let h = g.dense(x, 9, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let early = g.dense(h, CLASSES, Init::XavierNormal)?;
        let loss = Loss::softmax_cross_entropy().scaled(0.3);
        g.loss("early", &[early], LossTarget::Batch, loss)?;
        let h = g.dense(h, 9, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let logits = g.dense(h, CLASSES, Init::XavierNormal)?;
        g.loss(
            "late",
            &[logits],
            LossTarget::Batch,
            Loss::softmax_cross_entropy(),
        )?;
        Ok(logits)
    }),
    ("losses of several inputs", |g, x| {
        let embed = |g: &mut Graph| {
            let h = g.dense(x, CLASSES, Init::XavierNormal)?;
            g.activation(h, Activation::Tanh)
        };
        let (a, p, n) = (embed(g)?, embed(g)?, embed(g)?);
        let triplet = Criterion::TripletMargin { margin: 1.0 };
        g.loss("triplet", &[a, p, n], LossTarget::Batch, triplet)?;
        let cosine = Criterion::CosineEmbedding { margin: 0.1 };
        g.loss("alike", &[a, p], LossTarget::Constant(1.0), cosine)?;
        g.loss("unlike", &[a, n], LossTarget::Constant(-1.0), cosine)?;
        let some = g.slice_columns(x, 1..6)?;
        let variance = g.activation(
            n,
            Activation::Softplus {
                beta: 1.0,
                threshold: 20.0,
            },
        )?;
        g.loss(
            "normal",
            &[p, variance],
            LossTarget::Value(some),
            Criterion::GaussianNll,
        )?;
        let sum = Loss::from(Criterion::Value)
            .reduction(Reduction::Sum)
            .scaled(-0.1);
        g.loss("sum", &[a], LossTarget::Batch, sum)?;
        // The same value in two terms, and one that is only reported.
        g.loss(
            "small",
            &[a],
            LossTarget::Constant(0.0),
            Loss::half_squared_error(),
        )?;
        g.loss(
            "reported",
            &[a],
            LossTarget::Batch,
            Loss::softmax_cross_entropy().scaled(0.0),
        )?;
        Ok(a)
    }),
    ("reconstruction", |g, x| {
        let h = g.dense(x, 3, Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let y = g.dense(h, INPUTS, Init::XavierNormal)?;
        g.loss("x", &[y], LossTarget::Value(x), Loss::mean_squared_error())?;
        Ok(y)
    }),
];
