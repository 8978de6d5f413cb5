//! Latency of a prediction, from host memory to host memory, on every device in one run.
//!
//! ```text
//! cargo bench --bench predict -- --quick
//! ```
//!
//! Before the timing, each device must agree with plain loops in `f64`.

mod common;

use approx::abs_diff_eq;
use common::{devices, integers, label};
use criterion::{Criterion, Throughput};
use std::error::Error;
use wgrad::{Device, Network, Sequential};

/// Features, hidden units of each layer, classes.
const NETWORKS: [&[usize]; 2] = [&[784, 128, 10], &[784, 512, 512, 10]];

/// Samples in a prediction.
const ROWS: [usize; 3] = [1, 16, 256];

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    let devices = devices()?;
    for dims in NETWORKS {
        let sizes: Vec<String> = dims.iter().map(usize::to_string).collect();
        for rows in ROWS {
            let x: Vec<f32> = integers(5, rows * dims[0], 256)
                .iter()
                .map(|&byte| byte as f32 / 255.0)
                .collect();
            let mut group = criterion.benchmark_group(format!("{} rows {rows}", sizes.join("-")));
            group.throughput(Throughput::Elements(rows as u64));
            for device in &devices {
                let mut network = network(device, dims)?;
                check(&mut network, dims, &x, &label(device))?;
                group.bench_function(label(device), |bench| {
                    bench.iter(|| network.predict(&x).expect("a prediction"));
                });
            }
            group.finish();
        }
    }
    criterion.final_summary();
    Ok(())
}

fn network(device: &Device, dims: &[usize]) -> wgrad::Result<Network> {
    let (inputs, hidden, classes) = (dims[0], &dims[1..dims.len() - 1], dims[dims.len() - 1]);
    let layers = hidden
        .iter()
        .fold(Sequential::new(inputs), |layers, &units| {
            layers.dense(units).relu()
        });
    layers.dense(classes).build(device, 0)
}

/// Panics unless the outputs agree with plain loops to 10⁻⁴ of the largest: they are sums of up to 784 rounded
/// products.
fn check(network: &mut Network, dims: &[usize], x: &[f32], who: &str) -> wgrad::Result<()> {
    let found = network.predict(x)?;
    let mut y: Vec<f64> = x.iter().map(|&v| v.into()).collect();
    for (layer, sides) in dims.windows(2).enumerate() {
        let weights = network.parameter(&format!("layers.{layer}.weight"))?;
        let biases = network.parameter(&format!("layers.{layer}.bias"))?;
        let is_last = layer + 2 == dims.len();
        let unit = |x: &[f64], unit: usize| {
            let row = &weights[unit * sides[0]..][..sides[0]];
            let products = x.iter().zip(row).map(|(x, &w)| x * f64::from(w));
            let z = products.sum::<f64>() + f64::from(biases[unit]);
            if is_last { z } else { z.max(0.0) }
        };
        y = y
            .chunks_exact(sides[0])
            .flat_map(|x| (0..sides[1]).map(move |number| unit(x, number)))
            .collect();
    }
    let max_abs = y.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    assert_eq!(found.len(), y.len(), "{who}");
    for (i, (&found, wanted)) in found.iter().zip(&y).enumerate() {
        assert!(
            abs_diff_eq!(f64::from(found), *wanted, epsilon = 1e-4 * max_abs),
            "{who}: output {i} is {found}, expected {wanted}"
        );
    }
    Ok(())
}
