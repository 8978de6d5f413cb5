//! The numbered examples on depth, from 07, with the checks of tests/examples.rs.

#[path = "common/examples.rs"]
mod runner;

use runner::run;

#[test]
fn initialisation() {
    let charts = [
        "07_tanh_deviations",
        "07_tanh_gradients",
        "07_relu_deviations",
        "07_relu_gradients",
    ];
    let results = run("07_initialisation", &charts);
    for name in ["tanh", "relu"] {
        results.within(&format!("{name}_small_forward"), 0.0, 1e-9);
        results.within(&format!("{name}_small_backward"), 0.0, 1e-9);
    }
    // Weights of gain 3 hold tanh at ±1; where it does not stop them, 19 layers are (3·√½)¹⁹ = 1.6e6.
    results.within("tanh_large_forward", 0.9, 1.1);
    results.within("tanh_large_backward", 30.0, f64::MAX);
    results.within("relu_large_forward", 1e5, 1e7);
    results.within("relu_large_backward", 1e5, 1e7);
    results.within("tanh_xavier_forward", 0.1, 0.5);
    results.within("tanh_xavier_backward", 0.05, 3.0);
    // √½¹⁹ = 1.4e-3.
    results.within("relu_xavier_forward", 3e-4, 6e-3);
    results.within("relu_xavier_backward", 3e-4, 6e-3);
    results.within("relu_kaiming_forward", 0.3, 3.0);
    results.within("relu_kaiming_backward", 0.3, 3.0);
}

#[test]
fn vanishing_gradients() {
    let results = run("08_vanishing_gradients", &["08_vanishing_gradients"]);
    // The greatest derivative of a sigmoid is ¼.
    results.within("factor", 0.15, 0.3);
    results.within("plain", 0.0, 0.15);
    results.within("plain_gradient", 0.0, 1e-4);
    for remedy in ["relu", "batch_norm", "auxiliary", "pretrained"] {
        results.within(remedy, 0.7, 1.0);
        results.within(&format!("{remedy}_gradient"), 1e-2, 10.0);
    }
}

#[test]
fn exploding_gradients() {
    let results = run("09_exploding_gradients", &["09_exploding_gradients"]);
    // The rate rises at step 500.
    results.within("plain_fails_at", 500.0, 600.0);
    // The noise has a variance of 0.09, the targets of 2.3.
    for remedy in ["tanh", "clip_value", "clip_norm", "l2", "l1"] {
        results.within(remedy, 0.05, 0.4);
    }
}

#[test]
fn autoencoder() {
    let results = run("10_autoencoder", &["10_autoencoder"]);
    results.within("mean_image", 0.06, 0.07);
    // Where it comes to rest, at PCA's subspace: 0.0369.
    results.within("linear", 0.036, 0.039);
    results.within("autoencoder", 0.02, 0.032);
}

#[test]
fn deep_belief_network() {
    let results = run("11_deep_belief_network", &["11_deep_belief_network"]);
    results.within("random", 0.0, 0.2);
    results.within("pretrained", 0.7, 1.0);
}

#[test]
fn generative_adversarial() {
    let results = run("12_generative_adversarial", &["12_generative_adversarial"]);
    for axis in [1, 2] {
        results.within(&format!("mean_{axis}"), -0.35, 0.35);
        results.within(&format!("deviation_{axis}"), 0.8, 1.2);
    }
    results.within("close", 0.8, 1.0);
    results.within("least_cloud", 0.1, 0.25);
}

#[test]
fn convolution() {
    let results = run("13_convolution", &["13_accuracy", "13_feature_maps"]);
    results.within("lenet", 0.87, 1.0);
    let ahead = results.get("lenet") - results.get("dense");
    assert!(
        ahead > 0.01,
        "LeNet is {ahead} more accurate than the dense network"
    );
    results.within("parameters", 61_706.0, 61_706.0);
    // The same products in the same order.
    results.within("shift_error", 0.0, 0.0);
}

#[test]
fn neocognitron() {
    let results = run("14_neocognitron", &["14_features", "14_shifts"]);
    results.within("neocognitron", 0.87, 1.0);
    let ahead =
        |of: &str| results.get(&format!("neocognitron{of}")) - results.get(&format!("pixels{of}"));
    // The standard error of an accuracy on 500 digits is 0.02.
    assert!(ahead("") > 0.02, "{} better on centred digits", ahead(""));
    assert!(
        ahead("_shifted") > 0.1,
        "{} better on shifted digits",
        ahead("_shifted")
    );
}

#[test]
fn recurrent() {
    let charts = ["15_accuracy", "15_gradients", "15_clipping"];
    let results = run("15_recurrent", &charts);
    results.within("rnn", 0.4, 1.0);
    results.within("lstm", 0.7, 1.0);
    results.within("gru", 0.7, 1.0);
    // ReLU passes half of the units, tanh less than all: 27 steps of 1.5·√½ to 1.5.
    results.within("relu_grows", 10.0, 5e4);
    results.within("tanh_grows", 3.0, 5e4);
    // At most 0.7 per step; at least half of that.
    results.within("small_grows", 1e-9, 6.6e-5);
    // 0.95 per step, and what flows through the gates themselves.
    results.within("lstm_open_grows", 0.25, 10.0);
    results.within("relu_fails_at", 1.0, 20.0);
    // Chance is a tenth.
    results.within("relu_clipped", 0.3, 1.0);
    results.within("tanh_clipped", 0.5, 1.0);
    let ahead = results.get("tanh_clipped") - results.get("tanh");
    assert!(ahead > 0.1, "clipping makes tanh {ahead} more accurate");
}

#[test]
fn transformer() {
    let results = run("16_transformer", &["16_accuracy", "16_attention"]);
    results.within("exact", 0.9, 1.0);
    results.within("digits", 0.95, 1.0);
}
