//! A restricted Boltzmann machine as a graph: the gradient of its two free energies is that of contrastive divergence.

mod common;

use common::compare::{Tolerance, assert_close};
use common::data::Random;
use common::devices::{cpu, gpu};
use wgrad::{
    Activation, Criterion, Graph, Init, Layout, Loss, LossTarget, Network, Reduction, Result, Value,
};

const ROWS: usize = 5;
const VISIBLE: usize = 7;
const HIDDEN: usize = 3;

/// Adds ±F(v) = ∓(v·b + Σⱼ softplus(v·Wⱼ + cⱼ)), averaged over the rows, to the loss.
fn free_energy(
    graph: &mut Graph,
    name: &str,
    v: Value,
    [w, c, b]: [Value; 3],
    sign: f32,
) -> Result<()> {
    let z = graph.matmul(v, w, Layout::NT)?;
    let z = graph.bias_add(z, c)?;
    let softplus = Activation::Softplus {
        beta: 1.0,
        threshold: 20.0,
    };
    let z = graph.activation(z, softplus)?;
    let vb = graph.matmul(v, b, Layout::NT)?;
    let loss = Loss::from(Criterion::Value)
        .reduction(Reduction::BatchMean)
        .scaled(-sign);
    graph.loss(
        &format!("{name}.hidden"),
        &[z],
        LossTarget::Batch,
        loss.clone(),
    )?;
    graph.loss(&format!("{name}.visible"), &[vb], LossTarget::Batch, loss)
}

/// A machine whose input is v₀ and whose output is v₁, a mean-field step there and back: without draws, so that the
/// oracle can follow.
fn machine(device: &wgrad::Device) -> Result<Network> {
    let mut graph = Graph::new();
    let weight = Init::Normal {
        mean: 0.0,
        std: 1.0,
    };
    let v0 = graph.input(VISIBLE)?;
    let w = graph.parameter("weight", [HIDDEN, VISIBLE], weight)?;
    let c = graph.parameter("hidden", [1, HIDDEN], weight)?;
    let b = graph.parameter("visible", [1, VISIBLE], weight)?;
    let hidden = graph.matmul(v0, w, Layout::NT)?;
    let hidden = graph.bias_add(hidden, c)?;
    let hidden = graph.activation(hidden, Activation::Sigmoid)?;
    let back = graph.matmul(hidden, w, Layout::NN)?;
    let back = graph.bias_add(back, b)?;
    let back = graph.activation(back, Activation::Sigmoid)?;
    let v1 = graph.stop_gradient(back)?;
    free_energy(&mut graph, "data", v0, [w, c, b], 1.0)?;
    free_energy(&mut graph, "model", v1, [w, c, b], -1.0)?;
    graph.build(v1, device, 3)
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

#[test]
fn the_gradient_of_the_free_energies_is_contrastive_divergence() {
    let x = Random::new(1).normals(ROWS * VISIBLE);
    for device in [cpu(), gpu()] {
        let mut network = machine(device).unwrap();
        let gradients = network.gradients(&x, ()).unwrap().gradients;
        let read = |name| -> Vec<f64> {
            let values = network.parameter(name).unwrap();
            values.into_iter().map(f64::from).collect()
        };
        let (w, c, b) = (read("weight"), read("hidden"), read("visible"));

        let hidden_of = |v: &[f64]| -> Vec<f64> {
            let z = |j: usize| (0..VISIBLE).map(|i| v[i] * w[j * VISIBLE + i]).sum::<f64>();
            (0..HIDDEN).map(|j| sigmoid(z(j) + c[j])).collect()
        };
        let visible_of = |h: &[f64]| -> Vec<f64> {
            let z = |i: usize| (0..HIDDEN).map(|j| h[j] * w[j * VISIBLE + i]).sum::<f64>();
            (0..VISIBLE).map(|i| sigmoid(z(i) + b[i])).collect()
        };
        // ∂L/∂W = ⟨h vᵀ⟩₁ − ⟨h vᵀ⟩₀, ∂L/∂c = ⟨h⟩₁ − ⟨h⟩₀, ∂L/∂b = ⟨v⟩₁ − ⟨v⟩₀.
        let (mut dw, mut dc, mut db) = (vec![0.0; w.len()], vec![0.0; HIDDEN], vec![0.0; VISIBLE]);
        for row in x.chunks_exact(VISIBLE) {
            let v0: Vec<f64> = row.iter().map(|&v| v.into()).collect();
            let h0 = hidden_of(&v0);
            let v1 = visible_of(&h0);
            let h1 = hidden_of(&v1);
            for (v, h, sign) in [(&v0, &h0, -1.0), (&v1, &h1, 1.0)] {
                let share = sign / ROWS as f64;
                for j in 0..HIDDEN {
                    dc[j] += share * h[j];
                    for i in 0..VISIBLE {
                        dw[j * VISIBLE + i] += share * h[j] * v[i];
                    }
                }
                for i in 0..VISIBLE {
                    db[i] += share * v[i];
                }
            }
        }
        // A few roundings of f32 of numbers up to about 1, which cancel where the two means are close.
        let tolerance = Tolerance {
            relative: 1e-5,
            absolute: 2e-6,
        };
        let expected = [("weight", dw), ("hidden", dc), ("visible", db)];
        for ((name, found), (wanted, expected)) in gradients.iter().zip(&expected) {
            assert_eq!(name, wanted);
            assert_close(name, found, expected, tolerance);
        }
    }
}
