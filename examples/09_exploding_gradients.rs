//! Exploding gradients, and three remedies.
//!
//! Backpropagation multiplies the gradient in each layer by weights and derivatives. With w the gain of the weights, a
//! layer changes the length of the gradient by a factor of about w·σ′. If it is above 1, the gradient grows
//! exponentially with the depth, and so does the output:
//!
//! ```text
//! δ⁽ˡ⁾ = (W⁽ˡ⁺¹⁾)ᵀ δ⁽ˡ⁺¹⁾ ⊙ σ′(z⁽ˡ⁾)      w·σ′ > 1:  ‖δ⁽¹⁾‖ ≈ (w·σ′)ⁿ ‖δ⁽ⁿ⁺¹⁾‖
//! ```
//!
//! The example fits a noisy linear function with a stack of linear layers (σ′ = 1) and orthogonal weights of gain 1.4.
//! 500 steps with a small learning rate converge. Then the rate rises tenfold, and each step overshoots by more than
//! the one before, until a value is infinite. [`Error::NonFinite`](wgrad::Error::NonFinite) names the step and the
//! tensor, and the weights are those before that step. The same run is repeated with one remedy at a time:
//!
//! - **another activation**: tanh, whose σ′ falls towards 0 as z grows, so w·σ′ does not stay above 1;
//! - **gradient clipping**, by value or by norm, which limits the length of a step (Pascanu, Mikolov and Bengio 2013);
//! - **L2 and L1 penalties**, which shrink weights that the data do not need. They need some steps, so they also apply
//!   during those with the small rate.
//!
//! In the chart all curves fall at first. The one without a remedy leaves the chart at the top right after step 500.

mod common;

use common::{Args, Chart, Random, Result};
use wgrad::{
    Clip, Dataset, Device, Error, Init, Loss, Network, Schedule, Sequential, Sgd, Trainer,
};

const INPUTS: usize = 8;
const UNITS: usize = 16;
const LAYERS: usize = 8;
const GAIN: f64 = 1.4;
const SAMPLES: usize = 256;
const STEPS: u64 = 1000;

fn main() -> Result {
    let (args, device) = Args::open()?;
    let data = data()?;
    let mut chart = Chart::new(
        "A learning rate that rises tenfold at step 500",
        "step",
        "mean squared error",
    )
    .log_y();
    let mut result = Vec::new();
    let sgd = Sgd::new(0.001);
    let linear = || -> Result<_> { Ok(Trainer::builder(stack(&device, false)?).optimizer(sgd)) };
    for (name, trainer) in [
        ("plain", linear()?),
        (
            "tanh",
            Trainer::builder(stack(&device, true)?).optimizer(sgd),
        ),
        ("clip_value", linear()?.clip(Clip::Value(0.05))),
        ("clip_norm", linear()?.clip(Clip::Norm(1.0))),
        ("l2", linear()?.optimizer(sgd.weight_decay(0.3))),
        ("l1", linear()?.optimizer(sgd.l1(0.1))),
    ] {
        let mut trainer = trainer
            .loss(Loss::mean_squared_error())
            .schedule(Schedule::MultiStep {
                milestones: vec![STEPS / 2],
                factor: 10.0,
            })
            .batch_size(64)
            .build()?;
        let mut losses = Vec::new();
        match train(&mut trainer, &data, &mut losses) {
            Ok(()) => {
                let loss = trainer.evaluate(&data)?.loss;
                println!("{name:<10}: loss {loss:.3} after {STEPS} steps");
                result.push(format!("{name}={loss:.3}"));
            }
            Err(Error::NonFinite { step, tensor }) => {
                println!("{name:<10}: {tensor} is not finite in step {step}");
                result.push(format!("{name}_fails_at={step}"));
            }
            Err(error) => return Err(error.into()),
        }
        // Its last losses would compress all other curves.
        losses.retain(|(_, loss)| *loss < 1e3);
        chart.curve(name, losses);
    }
    chart.save(&args, "09_exploding_gradients")?;
    println!("{}", result.join(" "));
    Ok(())
}

/// Runs all steps and returns their losses.
fn train(trainer: &mut Trainer, data: &Dataset, losses: &mut Vec<(f64, f64)>) -> wgrad::Result<()> {
    while trainer.step_count() < STEPS {
        trainer.epoch_with(data, |progress| {
            losses.push((progress.last.step as f64, progress.last.loss));
        })?;
    }
    Ok(())
}

/// Eight hidden layers and an output layer, with orthogonal weights: each multiplies lengths by the gain.
fn stack(device: &Device, tanh: bool) -> wgrad::Result<Network> {
    let init = Init::Orthogonal { gain: GAIN };
    let mut stack = Sequential::new(INPUTS);
    for _ in 0..LAYERS {
        stack = stack.dense(UNITS).init(init);
        if tanh {
            stack = stack.tanh();
        }
    }
    stack.dense(1).init(init).build(device, 1)
}

/// A linear function of normal inputs, with noise.
fn data() -> Result<Dataset> {
    let mut random = Random::new(9);
    let x: Vec<f32> = (0..SAMPLES * INPUTS).map(|_| random.normal()).collect();
    let y = x
        .chunks_exact(INPUTS)
        .map(|x| x[0] - x[1] + 0.5 * x[2] + 0.3 * random.normal())
        .collect();
    Ok(Dataset::regression(INPUTS, x.clone(), 1, y)?)
}
