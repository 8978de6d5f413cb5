//! Lower bounds for the time of a training step on some GPUs, from data sheets. They are no measurements.
//!
//! ```text
//! cargo run --example roofline
//! ```
//!
//! Floating-point operations and bytes are those of the library's plan (`Plan::flops`, `Plan::bytes_moved`). The peak
//! rate of fused multiply-adds bounds the operations. Memory bandwidth bounds the bytes, unless caches keep data from
//! one call to the next. The cost of launches is not counted.

use wgrad::{Adam, Device, Sequential, Trainer};

/// Figures of a GPU's data sheet.
struct Gpu {
    name: &'static str,
    /// `f32` multiply-adds per clock.
    lanes: f64,
    /// Boost clock.
    gigahertz: f64,
    /// Of the memory.
    gigabytes_per_second: f64,
}

impl Gpu {
    const fn new(
        name: &'static str,
        lanes: u32,
        gigahertz: f64,
        gigabytes_per_second: f64,
    ) -> Self {
        Gpu {
            name,
            lanes: lanes as f64,
            gigahertz,
            gigabytes_per_second,
        }
    }

    fn teraflops(&self) -> f64 {
        2.0 * self.lanes * self.gigahertz / 1e3
    }
}

const GPUS: [Gpu; 6] = [
    Gpu::new("GeForce RTX 4090", 16_384, 2.52, 1008.0),
    Gpu::new("GeForce RTX 3060 12 GB", 3584, 1.777, 360.0),
    // Each of the 6,144 lanes may take two operations a clock.
    Gpu::new("Radeon RX 7900 XTX", 2 * 6144, 2.5, 960.0),
    Gpu::new("Radeon RX 6600", 1792, 2.491, 224.0),
    // Apple publishes cores and bandwidth; lanes per core and the clock are measurements by others.
    Gpu::new("Apple M2 Max, 38 cores", 38 * 128, 1.398, 400.0),
    // At the graphics clock: Intel's figure for a typical load.
    Gpu::new("Arc A770 16 GB", 4096, 2.1, 560.0),
];

const STEPS: [(&[usize], usize); 3] = [
    (&[784, 512, 512, 10], 64),
    (&[784, 512, 512, 10], 256),
    (&[784, 2048, 2048, 10], 256),
];

fn main() -> wgrad::Result<()> {
    for (dims, batch) in STEPS {
        let (flops, bytes) = cost(dims, batch)?;
        let shape: Vec<String> = dims.iter().map(usize::to_string).collect();
        println!(
            "\n{}, batch {batch}, Adam: {:.1} Mflop, {:.1} MB",
            shape.join("-"),
            flops / 1e6,
            bytes / 1e6
        );
        println!("| GPU | f32 TFLOP/s | GB/s | arithmetic, µs | memory, µs | bound, µs |");
        println!("|---|---|---|---|---|---|");
        for gpu in GPUS {
            let arithmetic = flops / (gpu.teraflops() * 1e12) * 1e6;
            let memory = bytes / (gpu.gigabytes_per_second * 1e9) * 1e6;
            println!(
                "| {} | {:.1} | {:.0} | {arithmetic:.0} | {memory:.0} | {:.0} |",
                gpu.name,
                gpu.teraflops(),
                gpu.gigabytes_per_second,
                arithmetic.max(memory)
            );
        }
    }
    Ok(())
}

/// Floating-point operations and bytes of one step, without the gathering of the batch.
fn cost(dims: &[usize], batch: usize) -> wgrad::Result<(f64, f64)> {
    let mut layers = Sequential::new(dims[0]);
    for &units in &dims[1..dims.len() - 1] {
        layers = layers.dense(units).relu();
    }
    // The counts are the same on every device.
    let network = layers
        .dense(dims[dims.len() - 1])
        .build(&Device::cpu(), 0)?;
    let trainer = Trainer::builder(network)
        .optimizer(Adam::new(1e-3))
        .batch_size(batch)
        .build()?;
    let plan = trainer.plan();
    Ok((plan.flops() as f64, plan.bytes_moved() as f64))
}
