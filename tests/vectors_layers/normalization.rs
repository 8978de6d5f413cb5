//! Batch, group, RMS and layer normalisation, forward and backward. Images are normalised with channels last.

use super::{Case, each};
use crate::common::compare::Tolerance;
use crate::common::precision::ULP;
use wgrad::Tensor;

/// PyTorch ran in f64. Values are sums of terms of up to 10, each with some ten roundings on its way: 100 ULP of 1.
const TOLERANCE: Tolerance = Tolerance {
    relative: 100.0 * ULP,
    absolute: 100.0 * ULP,
};

/// Values [N, C, …] with channels last, or rows [N, C].
fn values(case: &Case<'_>, name: &str) -> Tensor {
    match case.file.shape(name).len() {
        0..=2 => case.tensor(name),
        _ => case.image(name),
    }
}

fn check(case: &Case<'_>, name: &str, found: &Tensor) {
    match case.file.shape(name).len() {
        0..=2 => case.check(name, found, TOLERANCE),
        _ => case.check_image(name, found, TOLERANCE),
    }
}

fn batch_norm(case: &Case<'_>) {
    let (x, dy) = (values(case, "x"), values(case, "dy"));
    let (weight, bias) = (case.tensor("weight"), case.tensor("bias"));
    let (epsilon, momentum) = (case.file.number("eps") as f32, case.file.number("momentum"));
    // Statistics start as PyTorch's do: mean 0, variance 1.
    let channels = case.file.shape("weight")[0];
    let initial: Vec<f32> = (0..2 * channels)
        .map(|i| if i < channels { 0.0 } else { 1.0 })
        .collect();
    let running = case.upload(&[2, channels], &initial);
    let output = x
        .batch_norm(&weight, &bias, &running, epsilon, momentum as f32)
        .unwrap();
    check(case, "y", &output.y);
    let after = output.running.download().unwrap();
    case.compare("running_mean", &after[..channels], TOLERANCE);
    case.compare("running_var", &after[channels..], TOLERANCE);
    if case.file.has("y_eval") {
        let eval = x.normalize(&weight, &bias, &output.running, epsilon);
        check(case, "y_eval", &eval.unwrap());
    }
    let gradients = dy.batch_norm_backward(&x, &output.saved, &weight).unwrap();
    check(case, "dx", &gradients.dx);
    check(case, "dweight", &gradients.dgamma);
    check(case, "dbias", &gradients.dbeta);
}

fn group_norm(case: &Case<'_>) {
    let (x, dy) = (values(case, "x"), values(case, "dy"));
    let (weight, bias) = (case.tensor("weight"), case.tensor("bias"));
    let (groups, epsilon) = (case.file.size("groups"), case.file.number("eps") as f32);
    check(
        case,
        "y",
        &x.group_norm(&weight, &bias, groups, epsilon).unwrap(),
    );
    let gradients = dy.group_norm_backward(&x, &weight, groups, epsilon);
    let gradients = gradients.unwrap();
    check(case, "dx", &gradients.dx);
    check(case, "dweight", &gradients.dgamma);
    check(case, "dbias", &gradients.dbeta);
}

/// Over the last axis, whatever the rank.
fn rms_norm(case: &Case<'_>) {
    let (x, dy) = (case.tensor("x"), case.tensor("dy"));
    let (weight, epsilon) = (case.tensor("weight"), case.file.number("eps") as f32);
    let y = x.rms_norm(&weight, epsilon).unwrap();
    case.check("y", &y, TOLERANCE);
    let gradients = dy.rms_norm_backward(&x, &weight, epsilon).unwrap();
    case.check("dx", &gradients.dx, TOLERANCE);
    case.check("dweight", &gradients.dgamma, TOLERANCE);
}

/// Over the last axis, whatever the rank.
fn layer_norm(case: &Case<'_>) {
    let (x, dy) = (case.tensor("x"), case.tensor("dy"));
    let (weight, bias) = (case.tensor("weight"), case.tensor("bias"));
    let epsilon = case.file.number("eps") as f32;
    let y = x.layer_norm(&weight, &bias, epsilon).unwrap();
    case.check("y", &y, TOLERANCE);
    let gradients = dy.layer_norm_backward(&x, &weight, epsilon).unwrap();
    case.check("dx", &gradients.dx, TOLERANCE);
    case.check("dweight", &gradients.dgamma, TOLERANCE);
    case.check("dbias", &gradients.dbeta, TOLERANCE);
}

#[test]
fn normalisations_are_pytorchs() {
    each("normalization", |case| match case.file.name.as_str() {
        name if name.starts_with("batch_norm") => batch_norm(case),
        name if name.starts_with("group_norm") => group_norm(case),
        name if name.starts_with("layer_norm") => layer_norm(case),
        name if name.starts_with("rms_norm") => rms_norm(case),
        name => panic!("no test for {name}"),
    });
}
