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

mod common;

use common::{Args, Chart, Result};
use wgrad::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Dataset, Device, Evaluation, Lion, Mnist, NAdam,
    Optimizer, RAdam, RmsProp, Sequential, Sgd, Trainer,
};

/// Steps between two points of the chart.
const PART: u64 = 13;
/// Points of the chart: 13 · 12 · 64 digits are about one epoch of the 10,000.
const PARTS: u64 = 12;

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
    let pairs: Vec<String> = scores
        .iter()
        .map(|(name, loss, _)| format!("{name}={loss:.4}"))
        .collect();
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
