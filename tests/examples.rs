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
    let charts = ["02_logistic_regression", "02_support_vectors"];
    let results = run("02_logistic_regression", &charts);
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
    // For Gaussians with a common covariance, the hinge loss is minimal along the same direction: w₂/w₁ = −1/3, with
    // the standard errors above.
    results.within("svm_slope", -0.45, -0.25);
    let behind = results.get("true_accuracy") - results.get("svm_accuracy");
    assert!(
        behind <= 0.005,
        "{behind} less accurate than the true boundary"
    );
    // At least the samples on the wrong side, about 370, are support vectors; at most a half is.
    results.within("support", 370.0, 2000.0);
    results.within("svm_margin", 0.3, 0.8);
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
    // Numbers below 3, of which the network rounds a few, and sums of three products: 8 · 3 · 6e-8.
    results.within("jacobian_error", 0.0, 1.5e-6);
    // As above, with functions below 8: 1e-15/h, and h²·f‴/6.
    results.within("jacobian_difference_error", 0.0, 1e-9);
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
    let results = run("06_optimizers", &["06_optimizers", "06_saddle_point"]);
    assert_eq!(results.0.len(), 18);
    let (saddle, losses): (Vec<_>, Vec<_>) = results
        .0
        .keys()
        .partition(|name| name.starts_with("saddle_"));
    assert_eq!((saddle.len(), losses.len()), (4, 14));
    for name in losses {
        // Guessing has a loss of ln 10 = 2.3.
        results.within(name, 0.0, 0.7);
    }
    // Near the saddle point y grows from 0.001 to 0.54, where half of the way down is done: ln 541 = 6.3, over
    // ln 1.02 for descent, and over ln 1.107, the larger root, for momentum, which first has to gather speed.
    results.within("saddle_sgd", 300.0, 345.0);
    results.within("saddle_momentum", 60.0, 80.0);
    results.within("saddle_nesterov", 50.0, 75.0);
    results.within("saddle_adam", 20.0, 50.0);
}

#[test]
fn hebbian_learning() {
    let charts = ["17_hebbian_lengths", "17_hebbian_angles"];
    let results = run("17_hebbian_learning", &charts);
    // The eigenvalues are 2.8 and 0.2. Of 4,000 samples, the direction has a standard error of
    // √(2.8·0.2/4,000)/2.6 = 0.0046, or 0.26°: bounds of three.
    results.within("hebb_angle", 0.0, 0.8);
    results.within("oja_angle", 0.0, 0.8);
    results.within("oja_length", 0.9999, 1.0001);
    // Hebb's weights grow by 1 + 0.05·2.8 a step, from 0.056 along the eigenvector: 0.056·1.14^120 = 3.8e5. The
    // largest eigenvalue of the samples has a standard error of 2.2 %, which is 0.27 % of the factor and 37 % after 120
    // steps: bounds of three in the logarithm.
    results.within("hebb_length", 1.2e5, 1.2e6);
}
