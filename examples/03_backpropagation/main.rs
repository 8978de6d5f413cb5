//! Backpropagation by hand: every number of a 2-2-1 network, computed in three ways.
//!
//! Forward, layer by layer from a⁽⁰⁾ = x, with f = σ, the sigmoid:
//!
//! ```text
//! z⁽ˡ⁾ = W⁽ˡ⁾a⁽ˡ⁻¹⁾ + b⁽ˡ⁾      a⁽ˡ⁾ = f(z⁽ˡ⁾)      L = ½‖a⁽²⁾ − y‖²
//! ```
//!
//! Backward, with δ⁽ˡ⁾ = ∂L/∂z⁽ˡ⁾ and f′(z) = a(1 − a):
//!
//! ```text
//! δ⁽²⁾ = (a⁽²⁾ − y) ⊙ f′(z⁽²⁾)      δ⁽¹⁾ = (W⁽²⁾)ᵀδ⁽²⁾ ⊙ f′(z⁽¹⁾)
//! ∂L/∂W⁽ˡ⁾ = δ⁽ˡ⁾(a⁽ˡ⁻¹⁾)ᵀ          ∂L/∂b⁽ˡ⁾ = δ⁽ˡ⁾
//! ```
//!
//! The functions below are these formulas in plain Rust. The table compares their gradients with those of the network,
//! and with central differences of the loss, (L(θ + h) − L(θ − h))/2h. All three agree.
//!
//! A second table does the same for the derivatives from which these formulas follow: of traces and norms, of a vector by
//! a vector, of a matrix by a matrix (`Network::jacobian`).

#[path = "../common/mod.rs"]
mod common;
mod identities;

use common::{Args, Result};
use wgrad::{Loss, LossTarget, Sequential};

const X: [f64; 2] = [0.5, -1.0];
const Y: f64 = 0.8;

/// All parameters in the order of the network: for each layer the matrix row by row, then the bias.
type Numbers = [f64; 9];

const NAMES: [&str; 9] = [
    "W1[0,0]", "W1[0,1]", "W1[1,0]", "W1[1,1]", "b1[0]", "b1[1]", "W2[0,0]", "W2[0,1]", "b2[0]",
];

/// Without symmetry, so that a transposed matrix would be noticed.
const START: Numbers = [0.3, -0.7, 0.9, 0.2, 0.1, -0.4, 1.2, -0.6, 0.25];

/// Results of the forward pass.
struct Forward {
    z1: [f64; 2],
    a1: [f64; 2],
    z2: f64,
    a2: f64,
    loss: f64,
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn forward([w00, w01, w10, w11, b0, b1, v0, v1, c]: Numbers) -> Forward {
    let z1 = [w00 * X[0] + w01 * X[1] + b0, w10 * X[0] + w11 * X[1] + b1];
    let a1 = z1.map(sigmoid);
    let z2 = v0 * a1[0] + v1 * a1[1] + c;
    let a2 = sigmoid(z2);
    let loss = 0.5 * (a2 - Y).powi(2);
    Forward {
        z1,
        a1,
        z2,
        a2,
        loss,
    }
}

/// δ⁽¹⁾, δ⁽²⁾ and the gradient.
fn backward([.., v0, v1, _]: Numbers, f: &Forward) -> ([f64; 2], f64, Numbers) {
    let derivative = |a: f64| a * (1.0 - a);
    let d2 = (f.a2 - Y) * derivative(f.a2);
    let d1 = [v0 * d2 * derivative(f.a1[0]), v1 * d2 * derivative(f.a1[1])];
    let [dw00, dw01, dw10, dw11] = [d1[0] * X[0], d1[0] * X[1], d1[1] * X[0], d1[1] * X[1]];
    let [dv0, dv1] = f.a1.map(|a| d2 * a);
    (d1, d2, [dw00, dw01, dw10, dw11, d1[0], d1[1], dv0, dv1, d2])
}

/// ∂L/∂θ for every parameter θ, by central differences.
fn differences() -> Numbers {
    const H: f64 = 1e-5;
    let loss_at = |i: usize, change: f64| {
        let mut moved = START;
        moved[i] += change;
        forward(moved).loss
    };
    std::array::from_fn(|i| (loss_at(i, H) - loss_at(i, -H)) / (2.0 * H))
}

/// The greater of two errors. NaN counts as the greatest; `f64::max` would hide it.
fn greater(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

fn main() -> Result {
    let (_, device) = Args::open()?;

    let f = forward(START);
    let (delta1, delta2, by_hand) = backward(START, &f);
    println!("forward, x = {X:?}, y = {Y}");
    println!("  z1 = W1·x + b1       = {:.6?}", f.z1);
    println!("  a1 = σ(z1)           = {:.6?}", f.a1);
    println!("  z2 = W2·a1 + b2      = {:.6}", f.z2);
    println!("  a2 = σ(z2)           = {:.6}", f.a2);
    println!("  L  = ½(a2 − y)²      = {:.6}", f.loss);
    println!("backward");
    println!("  δ2 = (a2 − y)⊙σ′(z2) = {delta2:.6}");
    println!("  δ1 = W2ᵀδ2 ⊙ σ′(z1)  = {delta1:.6?}");

    // The same network in wgrad.
    let (mut graph, output) = Sequential::new(2)
        .dense(2)
        .sigmoid()
        .dense(1)
        .sigmoid()
        .graph()?;
    graph.loss(
        "loss",
        &[output],
        LossTarget::Batch,
        Loss::half_squared_error(),
    )?;
    let mut network = graph.build(output, &device, 1)?;
    let names: Vec<String> = network
        .parameter_names()
        .iter()
        .map(|name| name.to_string())
        .collect();
    let values = START.map(|value| value as f32);
    for (name, part) in names.iter().zip([0..4, 4..6, 6..8, 8..9]) {
        network.set_parameter(name, &values[part])?;
    }
    let (x, y) = (X.map(|x| x as f32), [Y as f32]);
    let computed = network.gradients(&x, &y)?;
    let of_network: Vec<f32> = computed
        .gradients
        .into_iter()
        .flat_map(|(_, values)| values)
        .collect();

    println!(
        "{:<9} {:>13} {:>13} {:>13}",
        "gradient", "by hand", "network", "difference"
    );
    let (mut worst_network, mut worst_difference) =
        ((f64::from(computed.loss) - f.loss).abs(), 0.0f64);
    let rows = by_hand.into_iter().zip(of_network).zip(differences());
    for (name, ((hand, network), difference)) in NAMES.iter().zip(rows) {
        println!("{name:<9} {hand:>13.9} {network:>13.9} {difference:>13.9}");
        worst_network = greater(worst_network, (hand - f64::from(network)).abs());
        worst_difference = greater(worst_difference, (hand - difference).abs());
    }

    // The library's gradient check works for networks of any size: it takes differences along one random direction for
    // each parameter.
    let check = network.gradient_check(&x, &y, 1)?;
    let worst_check = check.parameters.iter().fold(0.0, |worst, parameter| {
        greater(worst, parameter.relative_error())
    });
    let (jacobian, jacobian_difference) = identities::check(&device)?;
    println!(
        "loss={:.6} network_error={worst_network:e} difference_error={worst_difference:e} gradient_check={worst_check:e} \
         jacobian_error={jacobian:e} jacobian_difference_error={jacobian_difference:e}",
        computed.loss
    );
    Ok(())
}
