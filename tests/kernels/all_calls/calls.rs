//! List of every call, together with those of `layers.rs`.

use super::Call;
use super::layers::further_calls;
use crate::common::criteria::{Target, criteria, facts};
use crate::common::data::Random;
use crate::common::optimizers::variants;
use wgrad::{
    Activation, AdamW, Augmentation, Bytes, Device, Factors, GradientNorm, Indices, Layout, Loss,
    OptimizerState, Result, Tensor, TensorTarget,
};

/// Every call that gives or changes a tensor, over a shape with padding in its rows.
pub(super) fn calls() -> Vec<(String, Call)> {
    const SHAPE: [usize; 2] = [67, 129];
    fn tensor(d: &Device, seed: u64) -> Result<Tensor> {
        Tensor::new(d, SHAPE, &Random::new(seed).normals(SHAPE[0] * SHAPE[1]))
    }
    let mut calls: Vec<(String, Call)> = Vec::new();
    let mut add = |name: String, call: Call| calls.push((name, call));
    for layout in Layout::ALL {
        let (a, b) = match layout {
            Layout::NN => ([67, 45], [45, 129]),
            Layout::NT => ([67, 45], [129, 45]),
            Layout::TN => ([45, 67], [45, 129]),
        };
        let new =
            |d: &Device, s: [usize; 2]| Tensor::new(d, s, &Random::new(5).normals(s[0] * s[1]));
        add(
            format!("matmul {layout:?}"),
            Box::new(move |d| new(d, a)?.matmul(&new(d, b)?, layout)),
        );
    }
    for (layout, a, b) in [
        (Layout::NN, [3, 17, 9], [3, 9, 13]),
        (Layout::NT, [3, 17, 9], [1, 13, 9]),
        (Layout::TN, [1, 9, 17], [3, 9, 13]),
    ] {
        let new = |d: &Device, s: [usize; 3]| {
            Tensor::new(d, s, &Random::new(5).normals(s.iter().product()))
        };
        add(
            format!("batch_matmul {layout:?}"),
            Box::new(move |d| new(d, a)?.batch_matmul(&new(d, b)?, layout)),
        );
        if layout == Layout::NT {
            add(
                "batch_dense".into(),
                Box::new(move |d| {
                    let bias = Tensor::new(d, [1, 13], &Random::new(3).normals(13))?;
                    let weight = new(d, [3, 13, 9])?;
                    new(d, a)?.batch_dense(&weight, &bias, Activation::Gelu)
                }),
            );
        }
    }
    for f in Activation::ALL {
        add(
            format!("dense {f}"),
            Box::new(move |d| {
                let (x, w) = (tensor(d, 1)?, tensor(d, 2)?);
                let bias = Tensor::new(d, [1, 67], &Random::new(3).normals(67))?;
                x.dense(&w, &bias, f)
            }),
        );
        add(
            format!("activate {f}"),
            Box::new(move |d| tensor(d, 1)?.activate(f)),
        );
        add(
            format!("activate_backward {f}"),
            Box::new(move |d| tensor(d, 1)?.activate_backward(f, &tensor(d, 2)?)),
        );
    }
    add(
        "bias_add".into(),
        Box::new(|d| {
            tensor(d, 1)?.bias_add(&Tensor::new(d, [1, 129], &Random::new(3).normals(129))?)
        }),
    );
    add(
        "add".into(),
        Box::new(|d| tensor(d, 1)?.add(&tensor(d, 2)?)),
    );
    add(
        "mul".into(),
        Box::new(|d| tensor(d, 1)?.mul(&tensor(d, 2)?)),
    );
    add("scale".into(), Box::new(|d| tensor(d, 1)?.scale(0.3)));
    add(
        "column_sum".into(),
        Box::new(|d| tensor(d, 1)?.column_sum()),
    );
    add("softmax".into(), Box::new(|d| tensor(d, 1)?.softmax()));
    add(
        "log_softmax".into(),
        Box::new(|d| tensor(d, 1)?.log_softmax()),
    );
    add(
        "softmax_backward".into(),
        Box::new(|d| tensor(d, 1)?.softmax_backward(&tensor(d, 2)?)),
    );
    add(
        "log_softmax_backward".into(),
        Box::new(|d| tensor(d, 1)?.log_softmax_backward(&tensor(d, 2)?)),
    );
    add(
        "gather_rows".into(),
        Box::new(|d| tensor(d, 1)?.gather_rows(&Indices::new(d, &[66, 0, 3, 3, 9])?)),
    );
    add(
        "gather_rows of bytes".into(),
        Box::new(|d| {
            let bytes: Vec<u8> = (0..67 * 129).map(|i| (i * 7 % 256) as u8).collect();
            let rows = Indices::new(d, &[66, 0, 3, 3, 9])?;
            Bytes::new(d, [67, 129], &bytes)?.gather_rows(&rows, 0.25, -3.0)
        }),
    );
    add(
        "gather_augmented".into(),
        Box::new(|d| {
            let images = Augmentation::new([43, 3]).rotate(30.0).elastic(2.0, 5);
            tensor(d, 1)?.gather_augmented(&Indices::new(d, &[66, 0, 3, 3, 9])?, &images, 1, 2)
        }),
    );
    add(
        "gather_augmented of bytes".into(),
        Box::new(|d| {
            let bytes: Vec<u8> = (0..67 * 129).map(|i| (i * 7 % 256) as u8).collect();
            let (rows, images) = (Indices::new(d, &[66, 0, 3])?, Augmentation::new([3, 43]));
            let images = images.shift(1.0).scale(0.2);
            Bytes::new(d, [67, 129], &bytes)?.gather_augmented(&rows, &images, 1, 2, 0.004, -1.0)
        }),
    );
    add(
        "cross_entropy".into(),
        Box::new(|d| {
            let labels = Indices::new(d, &Random::new(4).words(67, 129))?;
            Ok(tensor(d, 1)?.cross_entropy(&labels)?.gradients.remove(0))
        }),
    );
    for criterion in criteria() {
        let facts = facts(criterion);
        // A gradient of each input, and the losses of the rows.
        for output in 0..=facts.count {
            add(
                format!("loss {criterion:?}, output {output}"),
                Box::new(move |d| {
                    let between = |seed| tensor(d, seed)?.activate(Activation::Sigmoid);
                    let inputs = (1..=facts.count)
                        .map(|number| between(number as u64))
                        .collect::<Result<Vec<_>>>()?;
                    let others: Vec<&Tensor> = inputs[1..].iter().collect();
                    let values = between(9)?;
                    let labels = Indices::new(d, &Random::new(4).words(67, 2))?;
                    let target = match facts.target {
                        Target::Nothing => TensorTarget::None,
                        Target::OnePerRow | Target::Labels => TensorTarget::Labels(&labels),
                        Target::Values => TensorTarget::Values(&values),
                    };
                    let loss = Loss::from(criterion);
                    if output == inputs.len() {
                        return inputs[0].row_losses(&loss, &others, target);
                    }
                    let mut gradients = inputs[0].loss(&loss, &others, target)?.gradients;
                    Ok(gradients.remove(output))
                }),
            );
        }
    }
    for (optimizer, _) in variants(0.1) {
        add(
            format!("update {optimizer:?}"),
            Box::new(move |d| {
                let mut w = tensor(d, 1)?;
                let mut state = OptimizerState::new(&w, optimizer)?;
                w.update(&tensor(d, 2)?, &mut state)?;
                w.update(&tensor(d, 3)?, &mut state)?;
                Ok(w)
            }),
        );
    }
    further_calls(&mut add);
    add(
        "accumulate".into(),
        Box::new(|d| {
            let mut sum = tensor(d, 1)?;
            sum.accumulate(&tensor(d, 2)?, 0.3)?;
            Ok(sum)
        }),
    );
    add(
        "average".into(),
        Box::new(|d| {
            let mut average = tensor(d, 1)?;
            average.average(&tensor(d, 2)?, 0.9)?;
            Ok(average)
        }),
    );
    add("copy".into(), Box::new(|d| tensor(d, 1)?.copy()));
    for by_value in [false, true] {
        add(
            format!("update clipped by value: {by_value}, with factors"),
            Box::new(move |d| {
                let (mut w, g) = (tensor(d, 1)?, tensor(d, 2)?);
                let mut state = OptimizerState::new(&w, AdamW::new(0.1).l1(0.1))?;
                let rate = 0.5;
                state.set_factors(&[Factors::new().rate(rate)])?;
                if by_value {
                    w.update_clipped_by_value(&g, &mut state, 0.5)?;
                } else {
                    let norm = GradientNorm::new(&[&g])?;
                    w.update_clipped_by_norm(&g, &mut state, &norm, 0.5)?;
                }
                Ok(w)
            }),
        );
    }
    calls
}
