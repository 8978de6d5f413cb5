//! The numbered examples: each runs on the CPU device, ends with the documented numbers, and draws the documented
//! charts. Build them first: `cargo build --examples` (`cargo test` alone does).

#[path = "common/examples.rs"]
mod runner;

use runner::run;

#[test]
fn perceptron_xor() {
    let results = run("01_perceptron_xor", &["01_perceptron_xor"]);
    results.within("and", 4.0, 4.0);
    results.within("or", 4.0, 4.0);
    // No line parts XOR.
    results.within("xor", 0.0, 3.0);
    results.within("xor_best", 2.0, 3.0);
    results.within("xor_with_hidden_layer", 4.0, 4.0);
}

#[test]
fn logistic_regression() {
    let results = run("02_logistic_regression", &["02_logistic_regression"]);
    // The true log-odds are 3x₁ − x₂ − ½, and the best accuracy Φ(√7/2) = 0.907. Of 4,000 samples the standard error
    // of a weight is about 0.1, that of the accuracy 0.005: bounds of three.
    results.within("w1", 2.7, 3.3);
    results.within("w2", -1.25, -0.75);
    results.within("b", -0.7, -0.3);
    results.within("accuracy", 0.89, 0.925);
    let behind = results.get("true_accuracy") - results.get("accuracy");
    assert!(
        behind <= 0.005,
        "{behind} less accurate than the true boundary"
    );
}

#[test]
fn backpropagation() {
    let results = run("03_backpropagation", &[]);
    results.within("loss", 0.0052, 0.005203);
    // f32 against f64: gradients below 0.02, and a dozen roundings of 6e-8, of which the difference a2 − y = −0.1
    // makes ten times as much: 2e-8 in all.
    results.within("network_error", 0.0, 5e-8);
    // The central difference's h²·L‴/6 and 1e-16/h.
    results.within("difference_error", 0.0, 1e-9);
    results.within("gradient_check", 0.0, 1e-6);
}

#[test]
fn regression_losses() {
    let results = run("04_regression_losses", &["04_regression_losses"]);
    // Least squares has a closed form, and is far off the true slope of 2.
    let gap = (results.get("squared") - results.get("least_squares")).abs();
    assert!(gap <= 0.01, "{gap} off the closed form");
    results.within("squared", 0.5, 1.6);
    results.within("l1", 1.9, 2.1);
    // These two are squared in the middle, so the outliers still pull, but no harder than a near point.
    results.within("smooth_l1", 1.85, 2.0);
    results.within("huber", 1.9, 2.0);
}

#[test]
fn batch_sizes() {
    let results = run("05_batch_sizes", &["05_batch_sizes"]);
    let loss = |name: &str| results.get(&format!("{name}_loss"));
    assert!(loss("stochastic") < loss("mini_batch") && loss("mini_batch") < loss("batch"));
    // At this rate descent along the whole gradient never overshoots; along one sample's it does.
    results.within("batch_rises", 0.0, 0.0);
    results.within("stochastic_rises", 1.0, 15.0);
    results.within("batch_steps", 16.0, 16.0);
    results.within("mini_batch_steps", 256.0, 256.0);
    results.within("stochastic_steps", 4096.0, 4096.0);
    // Noise falls with the root of the batch size: the standard error of the measured one is about 3 %.
    let ratio = results.get("noise") / results.get("expected_noise");
    assert!(
        approx::abs_diff_eq!(ratio, 1.0, epsilon = 0.12),
        "noise is {ratio} of σ/√M"
    );
}

#[test]
fn optimizers() {
    let results = run("06_optimizers", &["06_optimizers"]);
    assert_eq!(results.0.len(), 14);
    for name in results.0.keys() {
        // Guessing has a loss of ln 10 = 2.3.
        results.within(name, 0.0, 0.7);
    }
}
