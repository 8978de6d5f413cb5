//! Scaled dot-product attention.

use super::random::state;
use super::{Tensor, dimensions, same_device};
use crate::device::Operand;
use crate::kernel::attention::dropout::check;
use crate::kernel::attention::{Heads, Slice, WeightDropout};
use crate::kernel::random::threefry::{self, Use};
use crate::kernel::{Attend, Attention, AttentionKeys, AttentionQueries};
use crate::{Error, Result};

/// Result of [`Tensor::attention`].
#[derive(Debug)]
#[non_exhaustive]
pub struct AttentionOutput {
    /// The result, [batch, T, E].
    pub y: Tensor,
    /// Numbers for [`Tensor::attention_backward`], [batch, T, 4·heads]: for each head the maximum m of the query's
    /// scores and 1/Σ exp(score − m), which is 0 if no key is left, and two zeros. With dropout, [batch, T, 4·heads + 4]:
    /// the last four are the step.
    pub statistics: Tensor,
    dropout: Option<WeightDropout>,
}

/// Gradients of [`Tensor::attention`].
#[derive(Debug)]
#[non_exhaustive]
pub struct AttentionGradients {
    /// Gradient with respect to the queries, [batch, T, D].
    pub dq: Tensor,
    /// Gradient with respect to the keys, [batch, S, D].
    pub dk: Tensor,
    /// Gradient with respect to the values, [batch, S, E].
    pub dv: Tensor,
}

/// The heads of three tensors and a mask, whose shapes fit.
fn place(
    operation: &'static str,
    [q, k, v]: [&Tensor; 3],
    mask: Option<&Tensor>,
    attention: Attention,
) -> Result<Heads> {
    let (&[samples, queries, columns], &[_, keys, _]) = (&q.dims[..], &k.dims[..]) else {
        let found = format!("q {:?} and k {:?}", q.dims, k.dims);
        return Err(Error::shape(operation, "sequences [batch, T, D]", found));
    };
    let value_columns = v.dims.last().copied().unwrap_or(0);
    for (name, tensor, expected) in [
        ("k", k, vec![samples, keys, columns]),
        ("v", v, vec![samples, keys, value_columns]),
    ] {
        if tensor.dims != expected {
            let expected = format!("{name} {expected:?} for q {:?} and k {:?}", q.dims, k.dims);
            return Err(Error::shape(
                operation,
                expected,
                format!("{:?}", tensor.dims),
            ));
        }
    }
    if let Some(mask) = mask.filter(|mask| mask.dims != [samples, keys]) {
        let expected = format!("a mask {:?}, one number for each key", [samples, keys]);
        return Err(Error::shape(
            operation,
            expected,
            format!("{:?}", mask.dims),
        ));
    }
    same_device(operation, &q.device, &[k, v])?;
    same_device(operation, &q.device, mask.as_slice())?;
    let slices = [q, k, v].map(|tensor| Slice::whole(tensor.shape.cols));
    let lengths = [samples, queries, keys];
    let columns = [columns, value_columns];
    attention.place(operation, lengths, columns, slices, mask.is_some())
}

impl Tensor {
    /// Scaled dot-product attention (Vaswani et al. 2017) of queries (`self`) [batch, T, D], keys [batch, S, D] and
    /// values [batch, S, E]: y = softmax(scale·q·kᵀ)·v for every head. [`Attention`] has the settings. With a mask
    /// [batch, S], keys whose number is 0 are left out.
    ///
    /// A query without any key gives 0. It is one call, which stores no scores (PyTorch's
    /// `scaled_dot_product_attention`, with a head's columns next to each other instead of a dimension of heads).
    ///
    /// ```
    /// use wgrad::{Attention, Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let q = Tensor::new(&device, [1, 1, 2], &[0.0, 1.0])?;
    /// let k = Tensor::new(&device, [1, 2, 2], &[1.0, 0.0, -1.0, 0.0])?;
    /// let v = Tensor::new(&device, [1, 2, 1], &[2.0, 4.0])?;
    /// // Both scores are 0, so both values have the weight ½.
    /// assert_eq!(q.attention(&k, &v, None, Attention::new(1))?.y.download()?, [3.0]);
    /// let mask = Tensor::new(&device, [1, 2], &[0.0, 1.0])?;
    /// assert_eq!(q.attention(&k, &v, Some(&mask), Attention::new(1))?.y.download()?, [4.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit, or the columns are no whole number of heads of 1 to 2048
    /// columns; [`Argument`](Error::Argument) if there are no heads, the scale is not finite, or there is dropout, which
    /// [`attention_with_dropout`](Tensor::attention_with_dropout) has; [`Limit`](Error::Limit) on software adapters, if
    /// there are too many keys.
    pub fn attention(
        &self,
        k: &Tensor,
        v: &Tensor,
        mask: Option<&Tensor>,
        attention: Attention,
    ) -> Result<AttentionOutput> {
        let heads = place("attention", [self, k, v], mask, attention)?;
        if attention.rate() != 0.0 {
            return Err(Error::argument(
                "the dropout rate of a call of attention",
                "0 (`attention_with_dropout` takes the seed and the step that dropout needs)",
                attention.rate(),
            ));
        }
        self.attend([k, v], mask, heads, 0)
    }

    /// [`attention`](Tensor::attention) with [dropout](Attention::dropout) of its weights, as in training: y =
    /// (softmax(scale·q·kᵀ) ⊙ M)·v (the `dropout_p` of PyTorch's `scaled_dot_product_attention`).
    ///
    /// Seed and step are as in [`uniform`](Tensor::uniform). M is [`dropout`](Tensor::dropout), of the same rate, seed and
    /// step, of ones with a row for each query of each head of each sample, [batch·heads·T, S].
    /// [`attention_backward`](Tensor::attention_backward) draws it again.
    ///
    /// ```
    /// use wgrad::{Attention, Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let q = Tensor::zeros(&device, [1, 3, 2])?;
    /// let k = Tensor::zeros(&device, [1, 4, 2])?;
    /// let v = Tensor::filled(&device, [1, 4, 1], 1.0)?;
    /// let attention = Attention::new(1).dropout(0.5);
    /// let y = q.attention_with_dropout(&k, &v, None, attention, 7, 0)?.y.download()?;
    /// // Each of the four weights is ¼, and becomes 0 or ½.
    /// let kept = Tensor::filled(&device, [3, 4], 1.0)?.dropout(0.5, 7, 0)?.download()?;
    /// let expected: Vec<f32> = kept.chunks(4).map(|row| row.iter().sum::<f32>() / 4.0).collect();
    /// assert_eq!(y, expected);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`attention`](Tensor::attention); [`Argument`](Error::Argument) unless the rate is from 0 to below 1;
    /// [`Shape`](Error::Shape) if there are more than 2³³ weights.
    pub fn attention_with_dropout(
        &self,
        k: &Tensor,
        v: &Tensor,
        mask: Option<&Tensor>,
        attention: Attention,
        seed: u64,
        step: u32,
    ) -> Result<AttentionOutput> {
        let operation = "attention_with_dropout";
        let mut heads = place(operation, [self, k, v], mask, attention)?;
        if attention.rate() != 0.0 {
            check(operation, &heads)?;
            heads.dropout = Some(WeightDropout {
                rate: attention.rate(),
                key: threefry::key(seed, Use::Call),
            });
        }
        self.attend([k, v], mask, heads, step)
    }

    fn attend(
        &self,
        [k, v]: [&Tensor; 2],
        mask: Option<&Tensor>,
        heads: Heads,
        step: u32,
    ) -> Result<AttentionOutput> {
        let [samples, queries] = [heads.samples, heads.queries];
        let (y_dims, y_shape) = dimensions([samples, queries, heads.result().cols].into())?;
        let statistics = heads.statistics();
        let (saved_dims, saved_shape) = dimensions([samples, queries, statistics.cols].into())?;
        let mut y = Tensor::room(&self.device, y_shape)?.with_dims(y_dims);
        let mut saved = Tensor::room(&self.device, saved_shape)?.with_dims(saved_dims);
        let inputs = [self, k, v].into_iter().chain(mask);
        let mut operands: Vec<Operand<'_>> = inputs.map(|t| Operand::Read(&t.memory)).collect();
        let state = match heads.dropout {
            Some(_) => Some(state(&self.device, step)?),
            None => None,
        };
        operands.extend(state.iter().map(Operand::Read));
        operands.push(Operand::Write(&mut y.memory));
        operands.push(Operand::Write(&mut saved.memory));
        let kernel = Attend {
            heads,
            statistics: true,
        };
        self.device.run(kernel, &mut operands)?;
        Ok(AttentionOutput {
            y,
            statistics: saved,
            dropout: heads.dropout,
        })
    }

    /// Gradients of [`attention`](Tensor::attention) from its output gradient dy (`self`), its operands and its result.
    /// Masked keys and values have gradients of 0. With dropout, the weights are those that the result kept. It takes two
    /// calls, and a copy of the statistics.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit; [`Argument`](Error::Argument) if the result has another rate of
    /// dropout; those of [`attention`](Tensor::attention).
    pub fn attention_backward(
        &self,
        [q, k, v]: [&Tensor; 3],
        mask: Option<&Tensor>,
        output: &AttentionOutput,
        attention: Attention,
    ) -> Result<AttentionGradients> {
        let operation = "attention_backward";
        let heads = Heads {
            dropout: output.dropout,
            ..place(operation, [q, k, v], mask, attention)?
        };
        let rate = output.dropout.map_or(0.0, |dropout| dropout.rate);
        if rate != attention.rate() {
            return Err(Error::argument(
                "the dropout rate of attention's gradients",
                format!("{rate}, that of the result"),
                attention.rate(),
            ));
        }
        let rows = [heads.samples, heads.queries];
        let of = |cols: usize| vec![rows[0], rows[1], cols];
        for (name, tensor, expected) in [
            ("dy", self, of(heads.result().cols)),
            ("y", &output.y, of(heads.result().cols)),
            (
                "statistics",
                &output.statistics,
                of(heads.statistics().cols),
            ),
        ] {
            if tensor.dims != expected {
                let expected = format!("{name} {expected:?}");
                let found = format!("{:?}", tensor.dims);
                return Err(Error::shape(operation, expected, found));
            }
        }
        let others = [self, &output.y, &output.statistics];
        same_device(operation, &q.device, &others)?;
        let like = |t: &Tensor| {
            Ok::<_, Error>(Tensor::room(&t.device, t.shape)?.with_dims(t.dims.clone()))
        };
        let (mut dq, mut dk, mut dv) = (like(q)?, like(k)?, like(v)?);
        // The first call adds to the statistics, which stay as they are for further calls.
        let mut statistics = output.statistics.scale(1.0)?;
        let inputs = || {
            let inputs = [q, k, v].into_iter().chain(mask).chain([self]);
            inputs.map(|t| Operand::Read(&t.memory)).collect::<Vec<_>>()
        };
        let mut operands = inputs();
        operands.push(Operand::Read(&output.y.memory));
        operands.push(Operand::Write(&mut statistics.memory));
        operands.push(Operand::Write(&mut dq.memory));
        q.device.run(AttentionQueries { heads }, &mut operands)?;
        let mut operands = inputs();
        operands.push(Operand::Read(&statistics.memory));
        operands.push(Operand::Write(&mut dk.memory));
        operands.push(Operand::Write(&mut dv.memory));
        let together = false;
        q.device
            .run(AttentionKeys { heads, together }, &mut operands)?;
        Ok(AttentionGradients { dq, dk, dv })
    }
}
