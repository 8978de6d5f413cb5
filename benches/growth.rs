//! Growth of a training step's time with batch, width and depth, on every device in one run: the slope of log time
//! over log floating-point operations. At 1 the time is proportional; below 1 small networks take more than their
//! share, above 1 large ones do.
//!
//! ```text
//! cargo bench --bench growth
//! ```
//!
//! Before the timing, the devices must agree on the loss of the first step.

mod common;

use approx::abs_diff_eq;
use common::{devices, integers, label};
use std::error::Error;
use std::time::{Duration, Instant};
use wgrad::{Adam, Dataset, Device, Sequential, Trainer};

/// Samples in a batch, and units of the layers, the features first.
type Network = (usize, Vec<usize>);

/// Minimum time of measurement for each network, after its first submits.
const TIME: Duration = Duration::from_millis(300);

fn main() -> Result<(), Box<dyn Error>> {
    // Run as a test, it has nothing to check quickly.
    if !std::env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let powers = |from: u32, to: u32| (from..=to).step_by(2).map(|power| 1usize << power);
    let families: [(&str, Vec<Network>); 3] = [
        (
            "batch",
            powers(4, 12)
                .map(|batch| (batch, vec![256, 512, 512, 10]))
                .collect(),
        ),
        (
            "width",
            powers(4, 12)
                .map(|width| (64, vec![64, width, width, 10]))
                .collect(),
        ),
        (
            "depth",
            powers(0, 6)
                .map(|depth| (64, [vec![128; depth + 1], vec![10]].concat()))
                .collect(),
        ),
    ];
    let devices = devices()?;
    for (name, networks) in &families {
        for device in &devices {
            println!("{name}, {}", label(device));
            println!(
                "{:>6} {:>24} {:>14} {:>12} {:>10}",
                "batch", "units", "flop", "ms a step", "GFLOP/s"
            );
            let mut points = Vec::new();
            for (batch, units) in networks {
                check(&devices, *batch, units)?;
                let (flops, seconds) = time(device, *batch, units)?;
                println!(
                    "{batch:>6} {:>24} {flops:>14} {:>12.3} {:>10.2}",
                    short(units),
                    1e3 * seconds,
                    1e-9 * flops as f64 / seconds
                );
                points.push(((flops as f64).ln(), seconds.ln()));
            }
            let last = &points[points.len() - 2..];
            println!(
                "slope {:.2}, between the last two {:.2}\n",
                slope(&points),
                slope(last)
            );
        }
    }
    Ok(())
}

fn short(units: &[usize]) -> String {
    match units {
        [first, .., last] if units.len() > 5 => format!("{first} x {}-{last}", units.len() - 1),
        _ => units
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join("-"),
    }
}

fn trainer(device: &Device, batch: usize, units: &[usize]) -> wgrad::Result<Trainer> {
    let mut layers = Sequential::new(units[0]);
    for &width in &units[1..units.len() - 1] {
        layers = layers.dense(width).relu();
    }
    let network = layers.dense(units[units.len() - 1]).build(device, 1)?;
    // With such a small rate the network hardly changes, so all steps cost the same.
    Trainer::builder(network)
        .optimizer(Adam::new(1e-9))
        .batch_size(batch)
        .steps_per_submit(4)
        .build()
}

/// Random samples and labels, four batches of them.
fn data(batch: usize, units: &[usize]) -> wgrad::Result<Dataset> {
    let (features, batch) = (units[0], 4 * batch);
    let samples = integers(1, batch * features, 256);
    let samples = samples.into_iter().map(|value| value as u8).collect();
    let classes = units[units.len() - 1];
    let labels = integers(2, batch, classes as u64);
    Dataset::from_bytes(features, samples, labels, classes)
}

/// Panics unless the devices agree on the loss of the first step, to 1e-3.
fn check(devices: &[Device], batch: usize, units: &[usize]) -> Result<(), Box<dyn Error>> {
    let data = data(batch, units)?;
    let mut losses = Vec::new();
    for device in devices {
        losses.push(trainer(device, batch, units)?.steps(&data, 1)?.loss);
    }
    let agree = losses
        .iter()
        .all(|loss| abs_diff_eq!(loss / losses[0], 1.0, epsilon = 1e-3));
    if agree {
        Ok(())
    } else {
        Err(format!("the devices do not agree: {losses:?}").into())
    }
}

/// Operations of a step, and its time in seconds: the median over submits of four steps.
fn time(device: &Device, batch: usize, units: &[usize]) -> wgrad::Result<(u64, f64)> {
    let data = data(batch, units)?;
    let mut trainer = trainer(device, batch, units)?;
    trainer.steps(&data, 8)?;
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < TIME || times.len() < 5 {
        let submit = Instant::now();
        trainer.steps(&data, 4)?;
        times.push(submit.elapsed().as_secs_f64() / 4.0);
    }
    times.sort_by(f64::total_cmp);
    Ok((trainer.plan().flops(), times[times.len() / 2]))
}

/// Slope of the least-squares line.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    covariance / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
}
