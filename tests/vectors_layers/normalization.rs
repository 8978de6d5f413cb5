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

/// γ or β as a row of so many columns; those of a layer without such parameters, if the file has none.
fn parameter(case: &Case<'_>, name: &str, cols: usize) -> Tensor {
    let values = match (case.file.has(name), name) {
        (true, _) => case.file.narrow(name),
        (false, "weight") => vec![1.0; cols],
        (false, _) => vec![0.0; cols],
    };
    case.upload(&[1, cols], &values)
}

/// Compares the gradient of a parameter, if the file has it.
fn check_parameter(case: &Case<'_>, name: &str, found: &Tensor) {
    let (there, gradient) = (case.file.has(&name[1..]), case.file.has(name));
    assert_eq!(there, gradient, "{}: {name}", case.name);
    if gradient {
        case.check(name, found, TOLERANCE);
    }
}

fn batch_norm(case: &Case<'_>) {
    let (x, dy) = (values(case, "x"), values(case, "dy"));
    let channels = case.file.shape("x")[1];
    let [weight, bias] = ["weight", "bias"].map(|name| parameter(case, name, channels));
    let epsilon = epsilon(case, 1e-5);
    // The first batch of a cumulative average, which is PyTorch's without a momentum, is the average.
    let momentum = case.file.optional("momentum").unwrap_or(1.0);
    // Statistics start as PyTorch's do: mean 0, variance 1.
    let initial: Vec<f32> = (0..2 * channels)
        .map(|i| if i < channels { 0.0 } else { 1.0 })
        .collect();
    let running = case.upload(&[2, channels], &initial);
    let output = x
        .batch_norm(&weight, &bias, &running, epsilon, momentum as f32)
        .unwrap();
    check(case, "y", &output.y);
    let after = output.running.download().unwrap();
    for (i, name) in ["running_mean", "running_var"].into_iter().enumerate() {
        if case.file.has(name) {
            case.compare(name, &after[i * channels..][..channels], TOLERANCE);
        }
    }
    if case.file.has("y_eval") {
        let eval = x.normalize(&weight, &bias, &output.running, epsilon);
        check(case, "y_eval", &eval.unwrap());
    }
    let gradients = dy.batch_norm_backward(&x, &output.saved, &weight).unwrap();
    check(case, "dx", &gradients.dx);
    check_parameter(case, "dweight", &gradients.dgamma);
    check_parameter(case, "dbias", &gradients.dbeta);
}

/// ε, or PyTorch's default.
fn epsilon(case: &Case<'_>, default: f64) -> f32 {
    case.file.optional("eps").unwrap_or(default) as f32
}

/// Instance normalisation has a group for each channel.
fn group_norm(case: &Case<'_>) {
    let (x, dy) = (values(case, "x"), values(case, "dy"));
    let channels = case.file.shape("x")[1];
    let [weight, bias] = ["weight", "bias"].map(|name| parameter(case, name, channels));
    let groups = match case.file.optional("groups") {
        Some(groups) => groups as usize,
        None => channels,
    };
    let epsilon = epsilon(case, 1e-5);
    check(
        case,
        "y",
        &x.group_norm(&weight, &bias, groups, epsilon).unwrap(),
    );
    let gradients = dy.group_norm_backward(&x, &weight, groups, epsilon);
    let gradients = gradients.unwrap();
    check(case, "dx", &gradients.dx);
    check_parameter(case, "dweight", &gradients.dgamma);
    check_parameter(case, "dbias", &gradients.dbeta);
}

/// x or dy as rows of the last axes, as many as the weight has.
fn rows(case: &Case<'_>, name: &str) -> Tensor {
    let shape = case.file.shape(name);
    let axes = match case.file.has("weight") {
        true => case.file.shape("weight").len(),
        false => 1,
    };
    let cols: usize = shape[shape.len() - axes..].iter().product();
    let values = case.file.narrow(name);
    case.upload(&[values.len() / cols, cols], &values)
}

fn rms_norm(case: &Case<'_>) {
    let (x, dy) = (rows(case, "x"), rows(case, "dy"));
    let weight = parameter(case, "weight", x.shape()[1]);
    // PyTorch's default is the unit of x's last place, and it ran in f64.
    let epsilon = epsilon(case, f64::EPSILON);
    let y = x.rms_norm(&weight, epsilon).unwrap();
    case.check("y", &y, TOLERANCE);
    let gradients = dy.rms_norm_backward(&x, &weight, epsilon).unwrap();
    case.check("dx", &gradients.dx, TOLERANCE);
    check_parameter(case, "dweight", &gradients.dgamma);
}

fn layer_norm(case: &Case<'_>) {
    let (x, dy) = (rows(case, "x"), rows(case, "dy"));
    let [weight, bias] = ["weight", "bias"].map(|name| parameter(case, name, x.shape()[1]));
    let epsilon = epsilon(case, 1e-5);
    let y = x.layer_norm(&weight, &bias, epsilon).unwrap();
    case.check("y", &y, TOLERANCE);
    let gradients = dy.layer_norm_backward(&x, &weight, epsilon).unwrap();
    case.check("dx", &gradients.dx, TOLERANCE);
    check_parameter(case, "dweight", &gradients.dgamma);
    check_parameter(case, "dbias", &gradients.dbeta);
}

#[test]
fn normalisations_are_pytorchs() {
    each("normalization", |case| match case.file.name.as_str() {
        name if name.starts_with("batch_norm") => batch_norm(case),
        name if name.starts_with("group_norm") || name.starts_with("instance_norm") => {
            group_norm(case);
        }
        name if name.starts_with("layer_norm") => layer_norm(case),
        name if name.starts_with("rms_norm") => rms_norm(case),
        name => panic!("no test for {name}"),
    });
}
