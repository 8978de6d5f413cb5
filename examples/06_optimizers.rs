//! Optimizers side by side: the same network and the same order of the digits, for one epoch.
//!
//! Their update rules, with the gradient g and the learning rate η; plain descent is θ ← θ − ηg:
//!
//! ```text
//! momentum    β ← μβ − ηg, θ ← θ + β          keeps moving in the same direction; Nesterov's looks ahead
//! AdaGrad     c ← c + g², θ ← θ − ηg/(√c + ε)      a decreasing rate for each weight
//! RMSprop     s ← γs + (1 − γ)g², θ ← θ − ηg/(√s + ε)      forgets old gradients
//! Adadelta    as RMSprop, with a step in the unit of θ
//! Adam        v, s: decaying means of g and g², θ ← θ − ηv/(√s + ε), both divided by 1 − βᵗ ("bias correction")
//! plain Adam  without the bias correction
//! AdamW       Adam, and θ shrinks by ηλθ separately; AMSGrad keeps the maximum of s; Adamax that of |g|
//! NAdam       Adam that looks ahead; RAdam corrects the rate while s is uncertain
//! Lion        θ ← θ − η·sign(mean of g): every weight moves by the same amount
//! ```
//!
//! In the table, all of them learn with their usual rates, and the adaptive ones need little tuning. The ranking is
//! that of this task only.
//!
//! The second chart is a saddle point, of
//!
//! ```text
//! f(x, y) = x²/2 − y²/2 + y⁴/4      ∇f = (x, y³ − y)
//! ```
//!
//! The gradient is zero at (0, 0), which is a minimum along x and a maximum along y; the minima are at y = ±1, where
//! f = −¼. From (1, 0.001), x falls at once, and y grows by a constant factor a step: 1 + η for plain descent. With
//! momentum the factor is the larger root of r² − (1 + μ + η)r + μ = 0, so it leaves sooner. Adam divides by the size of
//! the gradient, and hardly notices that it is small.

mod common;

use common::{Args, Chart, Result};
use wgrad::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Dataset, Device, Evaluation, Lion, Mnist, NAdam,
    Optimizer, OptimizerState, RAdam, RmsProp, Sequential, Sgd, Tensor, Trainer,
};

/// Steps between two points of the chart.
const PART: u64 = 13;
/// Points of the chart: 13 · 12 · 64 digits are about one epoch of the 10,000.
const PARTS: u64 = 12;
/// Steps from the start near the saddle point.
const SADDLE_STEPS: usize = 450;

fn main() -> Result {
    let (args, device) = Args::open()?;
    macro_rules! bundled {
        ($kind:literal) => {
            Mnist::set(
                concat!($kind, " images"),
                include_bytes!(concat!("data/", $kind, "-images-idx3-ubyte.gz")),
                concat!($kind, " labels"),
                include_bytes!(concat!("data/", $kind, "-labels-idx1-ubyte.gz")),
            )?
        };
    }
    let (train, test) = (bundled!("train"), bundled!("t10k"));

    let optimizers: [(&str, Optimizer); 14] = [
        ("sgd", Sgd::new(0.3).into()),
        (
            "momentum",
            Sgd::new(0.1).momentum(0.9).classical(true).into(),
        ),
        (
            "nesterov",
            Sgd::new(0.1).momentum(0.9).nesterov(true).into(),
        ),
        ("adagrad", Adagrad::new(0.02).into()),
        ("rms_prop", RmsProp::new(0.002).alpha(0.9).into()),
        ("adadelta", Adadelta::new(1.0).into()),
        ("adam", Adam::new(0.003).into()),
        (
            "adam_plain",
            Adam::new(0.003)
                .betas(0.9, 0.9999)
                .bias_correction(false)
                .into(),
        ),
        ("adam_w", AdamW::new(0.003).into()),
        ("amsgrad", Adam::new(0.003).amsgrad(true).into()),
        ("adamax", Adamax::new(0.01).into()),
        ("nadam", NAdam::new(0.005).into()),
        ("radam", RAdam::new(0.01).into()),
        ("lion", Lion::new(0.001).into()),
    ];
    let mut chart = Chart::new(
        "Loss by optimizer, one epoch of digits",
        "step",
        "cross-entropy",
    )
    .log_y();
    let mut scores = Vec::new();
    for (name, optimizer) in optimizers {
        let (curve, score) = learn(&device, optimizer, &train, &test)?;
        chart.curve(name, curve);
        scores.push((name, score.loss, score.accuracy.unwrap_or(0.0)));
    }
    chart.save(&args, "06_optimizers")?;

    scores.sort_by(|a, b| a.1.total_cmp(&b.1));
    println!("{:<12} {:>10} {:>9}", "", "test loss", "accuracy");
    for (name, loss, accuracy) in &scores {
        println!("{name:<12} {loss:>10.4} {accuracy:>9.4}");
    }

    let saddle: [(&str, Optimizer); 4] = [
        ("sgd", Sgd::new(0.02).into()),
        ("momentum", Sgd::new(0.02).momentum(0.9).into()),
        (
            "nesterov",
            Sgd::new(0.02).momentum(0.9).nesterov(true).into(),
        ),
        ("adam", Adam::new(0.02).into()),
    ];
    let mut chart = Chart::new("Leaving a saddle point", "step", "f(x, y)");
    let mut left = Vec::new();
    for (name, optimizer) in saddle {
        let curve = descend(&device, optimizer)?;
        // f is −⅛ when half of the way down is done.
        let step = curve.iter().position(|&(_, f)| f <= -0.125);
        left.push((name, step.unwrap_or(SADDLE_STEPS)));
        chart.curve(name, curve);
    }
    chart.save(&args, "06_saddle_point")?;
    println!("steps until half of the way down from the saddle point is done:");
    for (name, step) in &left {
        println!("{name:<12} {step:>4}");
    }

    let mut pairs: Vec<String> = scores
        .iter()
        .map(|(name, loss, _)| format!("{name}={loss:.4}"))
        .collect();
    pairs.extend(
        left.iter()
            .map(|(name, step)| format!("saddle_{name}={step}")),
    );
    println!("{}", pairs.join(" "));
    Ok(())
}

/// Trains for an epoch; returns the losses during it, and the score on the test digits.
fn learn(
    device: &Device,
    optimizer: Optimizer,
    train: &Dataset,
    test: &Dataset,
) -> Result<(Vec<(f64, f64)>, Evaluation)> {
    let network = Sequential::new(784)
        .dense(32)
        .relu()
        .dense(10)
        .build(device, 1)?;
    let mut trainer = Trainer::builder(network)
        .optimizer(optimizer)
        .seed(1)
        .build()?;
    let mut curve = Vec::new();
    for part in 1..=PARTS {
        let report = trainer.steps(train, PART)?;
        curve.push(((part * PART) as f64, report.loss));
    }
    Ok((curve, trainer.evaluate(test)?))
}

/// Descends from (1, 0.001); returns the step numbers and f.
fn descend(device: &Device, optimizer: Optimizer) -> Result<Vec<(f64, f64)>> {
    let mut point = Tensor::new(device, 2, &[1.0, 0.001])?;
    let mut state = OptimizerState::new(&point, optimizer)?;
    let mut curve = Vec::new();
    for step in 0..SADDLE_STEPS {
        let values = point.download()?;
        let (x, y) = (f64::from(values[0]), f64::from(values[1]));
        curve.push((step as f64, x * x / 2.0 - y * y / 2.0 + y.powi(4) / 4.0));
        let gradient = [x, y.powi(3) - y].map(|g| g as f32);
        point.update(&Tensor::new(device, 2, &gradient)?, &mut state)?;
    }
    Ok(curve)
}
