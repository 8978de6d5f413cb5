//! What holds for every call that gives or changes a tensor: zero padding, and the same bits on every run.

use crate::common::compare::{Tolerance, assert_close, assert_same_bits};
use crate::common::data::Random;
use crate::common::devices::{
    cpu, gpu, gpu_checked, gpu_hardware_kernels, gpu_hardware_kernels_without_subgroups,
    gpu_without_extras, open,
};
use crate::common::oracle::{self, widen};
use crate::common::precision::{ULP, sum_ulps};
use crate::losses::CRITERIA;
use wgrad::{
    Activation, Adadelta, Adagrad, Adam, Adamax, Augmentation, Bytes, Criterion, Device,
    DeviceKind, Factors, Gemm, GpuOptions, GradientNorm, Layout, Lion, Loss, NAdam, OptimizerState,
    RAdam, Result, RmsProp, Sgd, Tensor, TensorTarget, Words,
};

type Call = Box<dyn Fn(&Device) -> Result<Tensor>>;

/// Every call that gives or changes a tensor, over a shape with padding in its rows.
fn calls() -> Vec<(String, Call)> {
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
        "hadamard".into(),
        Box::new(|d| tensor(d, 1)?.hadamard(&tensor(d, 2)?)),
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
        Box::new(|d| tensor(d, 1)?.gather_rows(&Words::new(d, &[66, 0, 3, 3, 9])?)),
    );
    add(
        "gather_rows of bytes".into(),
        Box::new(|d| {
            let bytes: Vec<u8> = (0..67 * 129).map(|i| (i * 7 % 256) as u8).collect();
            let rows = Words::new(d, &[66, 0, 3, 3, 9])?;
            Bytes::new(d, [67, 129], &bytes)?.gather_rows(&rows, 0.25, -3.0)
        }),
    );
    add(
        "gather_augmented".into(),
        Box::new(|d| {
            let images = Augmentation::new([43, 3]).rotate(30.0).elastic(2.0, 5);
            tensor(d, 1)?.gather_augmented(&Words::new(d, &[66, 0, 3, 3, 9])?, &images, 1, 2)
        }),
    );
    add(
        "gather_augmented of bytes".into(),
        Box::new(|d| {
            let bytes: Vec<u8> = (0..67 * 129).map(|i| (i * 7 % 256) as u8).collect();
            let (rows, images) = (Words::new(d, &[66, 0, 3])?, Augmentation::new([3, 43]));
            let images = images.shift(1.0).scale(0.2);
            Bytes::new(d, [67, 129], &bytes)?.gather_augmented(&rows, &images, 1, 2, 0.004, -1.0)
        }),
    );
    add(
        "cross_entropy".into(),
        Box::new(|d| {
            let labels = Words::new(d, &Random::new(4).words(67, 129))?;
            Ok(tensor(d, 1)?.cross_entropy(&labels)?.gradients.remove(0))
        }),
    );
    for criterion in CRITERIA {
        let inputs = match criterion {
            Criterion::GaussianNll | Criterion::CosineEmbedding { .. } => 2,
            Criterion::TripletMargin { .. } => 3,
            _ => 1,
        };
        // A gradient of each input, and the losses of the rows.
        for output in 0..=inputs {
            add(
                format!("loss {criterion:?}, output {output}"),
                Box::new(move |d| {
                    let between = |seed| tensor(d, seed)?.activate(Activation::Sigmoid);
                    let inputs = (1..=inputs)
                        .map(|number| between(number as u64))
                        .collect::<Result<Vec<_>>>()?;
                    let others: Vec<&Tensor> = inputs[1..].iter().collect();
                    let values = between(9)?;
                    let labels = Words::new(d, &Random::new(4).words(67, 2))?;
                    let target = match criterion {
                        Criterion::TripletMargin { .. } | Criterion::Value => TensorTarget::None,
                        Criterion::CosineEmbedding { .. } | Criterion::MultiMargin { .. } => {
                            TensorTarget::Labels(&labels)
                        }
                        _ => TensorTarget::Values(&values),
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
    for optimizer in [
        Sgd::new(0.1).into(),
        Sgd::new(0.1).momentum(0.9).into(),
        Adam::new(0.1).amsgrad(true).into(),
        Adagrad::new(0.1).initial_accumulator(0.1).into(),
        RmsProp::new(0.1).momentum(0.9).centered(true).into(),
        Adadelta::new(0.1).l1(0.1).into(),
        Adamax::new(0.1).l1(0.1).into(),
        NAdam::new(0.1).l1(0.1).into(),
        RAdam::new(0.1).betas(0.9, 0.9).l1(0.1).into(),
        Lion::new(0.1).l1(0.1).into(),
    ] as [wgrad::Optimizer; 10]
    {
        add(
            format!("update {}", optimizer.name()),
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
                let mut state = OptimizerState::new(&w, Adam::w(0.1).l1(0.1))?;
                let rate = 0.5;
                state.set_factors(&[Factors {
                    rate,
                    ..Factors::default()
                }])?;
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

/// Normalisation, random numbers, and moved columns.
fn further_calls(add: &mut impl FnMut(String, Call)) {
    fn new(d: &Device, seed: u64, shape: [usize; 2]) -> Result<Tensor> {
        Tensor::new(d, shape, &Random::new(seed).normals(shape[0] * shape[1]))
    }
    const SHAPE: [usize; 2] = [67, 129];
    let row = |d: &Device| new(d, 5, [1, 129]);
    /// Means, and variances or inverse deviations, which are positive.
    fn statistics(d: &Device) -> Result<Tensor> {
        Tensor::new(d, [2, 129], &Random::new(6).uniform(258, 0.5, 1.5))
    }
    let x = |d: &Device| new(d, 1, SHAPE);
    let other = |d: &Device| new(d, 2, SHAPE);
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
        (
            "batch_norm",
            Box::new(move |d| {
                let output = x(d)?.batch_norm(&row(d)?, &row(d)?, &statistics(d)?, 1e-5, 0.1)?;
                Ok(output.y)
            }),
        ),
        (
            "saved and running of batch_norm",
            Box::new(move |d| {
                let output = x(d)?.batch_norm(&row(d)?, &row(d)?, &statistics(d)?, 1e-5, 0.1)?;
                output.saved.add(&output.running)
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
        ("columns", Box::new(move |d| x(d)?.columns(3..77))),
        (
            "place_columns",
            Box::new(move |d| x(d)?.place_columns(3, 149)),
        ),
        ("concatenate", Box::new(move |d| x(d)?.concatenate(&x(d)?))),
        ("transpose", Box::new(move |d| x(d)?.transpose())),
        (
            "gemm",
            Box::new(move |d| {
                let options = Gemm {
                    alpha: 0.1,
                    transpose_a: true,
                    ..Gemm::default()
                };
                x(d)?.gemm(&other(d)?, Some(&row(d)?), options)
            }),
        ),
    ];
    for (name, call) in calls {
        add(name.into(), call);
    }
}

#[test]
fn padding_stays_zero() {
    for (name, call) in calls() {
        for device in [cpu(), gpu()] {
            let y = call(device).unwrap();
            let values = y.download().unwrap();
            // The norm counts the padding, of which a single 0.01 would show.
            let norm = oracle::norm(&values);
            let with_padding = f64::from(y.norm().unwrap());
            let padding = (with_padding.powi(2) - norm.powi(2)).abs();
            let limit = 2.0 * sum_ulps(2 * values.len()) * ULP * norm.powi(2);
            assert!(
                padding <= limit,
                "{name} on {}: {padding:e}, limit {limit:e}",
                device.report()
            );
        }
    }
}

#[test]
fn runs_repeat_bit_for_bit_and_options_of_the_device_change_only_rounding() {
    for (name, call) in calls() {
        let run = |device: &Device| call(device).unwrap().download().unwrap();
        let plain = run(gpu());
        for _ in 0..3 {
            assert_same_bits(&name, &run(gpu()), &plain);
        }
        // The compiler may fuse other multiplications and additions there. Values are about 1, sums have 129 terms, and the
        // worst amplification is the 8 of a first optimizer step: 10⁻⁵ is 84 ULP.
        let expected = widen(&plain);
        for device in [gpu_checked(), gpu_without_extras()] {
            let tolerance = Tolerance {
                relative: 1e-5,
                absolute: 1e-5,
            };
            assert_close(&name, &run(device), &expected, tolerance);
        }
    }
}

#[test]
fn words_of_64_bits_change_no_bit() {
    // Where the adapter has none, or is no software, these are the same kernels.
    let without = open(GpuOptions::default().words64(false));
    for (name, call) in calls() {
        let run = |device: &Device| call(device).unwrap().download().unwrap();
        assert_same_bits(&name, &run(gpu()), &run(&without));
    }
}

#[test]
fn subgroups_change_no_bit_of_what_hardware_kernels_reduce() {
    let (with, without) = (
        gpu_hardware_kernels(),
        gpu_hardware_kernels_without_subgroups(),
    );
    // Sums of nothing but loaded values, and the greatest of them, have the same bits however they are compiled.
    for shape @ [rows, cols] in [[1, 1], [3, 33], [7, 255], [65, 1000], [513, 1024]] {
        let values = Random::new(8).normals(rows * cols);
        let results = [with, without].map(|device| {
            let x = Tensor::new(device, shape, &values).unwrap();
            let found = x.statistics().unwrap();
            let sums = [x.sum().unwrap(), found.mean as f32, found.greatest as f32];
            (sums, x.argmax().unwrap())
        });
        assert_same_bits(&format!("sums {shape:?}"), &results[0].0, &results[1].0);
        assert_eq!(results[0].1, results[1].1, "argmax {shape:?}");
    }
    // Where a term is computed first, a compiler may fuse its last product with a sum's first addition. Software does not.
    for (name, call) in calls() {
        let run = |device: &Device| call(device).unwrap().download().unwrap();
        let (found, expected) = (run(with), run(without));
        if with.report().adapter.kind == DeviceKind::SoftwareGpu {
            assert_same_bits(&name, &found, &expected);
        } else {
            let tolerance = Tolerance {
                relative: 1e-5,
                absolute: 1e-5,
            };
            assert_close(&name, &found, &widen(&expected), tolerance);
        }
    }
}
