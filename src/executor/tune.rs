//! Measurement of the matmul algorithms for a product.

use crate::device::{AdapterReport, Gpu, Readback, Recorded, Region, Timestamps};
use crate::kernel::base::state::state_at;
use crate::kernel::{Algorithm, Capabilities, Compute, Kernel, Matmul, MatrixShape, Tuning};
use crate::plan::Plan;
use crate::{Error, Result};
use std::sync::Arc;

/// Timed runs of each algorithm, after a warm-up run; a long product has fewer.
const ROUNDS: usize = 15;
const MIN_ROUNDS: usize = 3;

/// Total seconds of a product's runs after which no further round begins.
const LONG: f64 = 0.5;

/// Fraction of the default's time that another algorithm must stay below, since clocks and caches cause small
/// differences.
const MARGIN: f64 = 0.97;

/// Times every algorithm for every product of some plans on a GPU, and chooses the fastest.
pub(crate) async fn tune(gpu: &Gpu, plans: &[Plan]) -> Result<Tuning> {
    let report = gpu.report();
    if !gpu.has_timestamps() {
        let found = report.adapter.name;
        return Err(Error::argument(
            "the adapter to tune",
            "one with timestamp queries",
            found,
        ));
    }
    let mut tuning = Tuning::new(&report.adapter.to_string());
    for call in plans.iter().flat_map(|plan| &plan.calls) {
        if let Kernel::Matmul(product) = &call.kernel {
            // The first epilogue of a shape represents all.
            if tuning.algorithm(product).is_none() && product.result().floats() > 0 {
                let fastest = fastest(gpu, &report.adapter, product).await?;
                tuning.choose(product, fastest);
            }
        }
    }
    Ok(tuning)
}

/// A prepared algorithm and its times in seconds.
struct Candidate {
    algorithm: Algorithm,
    recorded: Recorded,
    times: Vec<f64>,
}

async fn fastest(gpu: &Gpu, adapter: &AdapterReport, product: &Matmul) -> Result<Algorithm> {
    let untuned = Capabilities {
        tuning: None,
        ..gpu.capabilities.clone()
    };
    let default = Algorithm::choose(product, &untuned);
    let others = Algorithm::for_gpus().filter(|other| *other != default);
    let operands = Operands::new(gpu, product)?;
    let kernel = Kernel::from(product.clone());
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut expected = None;
    for algorithm in std::iter::once(default).chain(others) {
        let mut choice = Tuning::new(&adapter.to_string());
        choice.choose(product, algorithm);
        let capabilities = Capabilities {
            tuning: Some(Arc::new(choice)),
            ..untuned.clone()
        };
        let recorded = gpu.record_for(&capabilities, &[(&kernel, operands.regions.clone())])?;
        // The operands are small integers, so that results do not depend on the order of sums.
        operands.clear(gpu)?;
        gpu.submit(|encoder| {
            recorded.encode(&mut encoder.begin_compute_pass(&Default::default()));
        })?;
        let found = operands.results(gpu).await?;
        if *expected.get_or_insert_with(|| found.clone()) != found {
            let label = kernel.label();
            return Err(Error::Gpu {
                message: format!("{label} differs when computed as {algorithm} and as {default}"),
            });
        }
        candidates.push(Candidate {
            algorithm,
            recorded,
            times: Vec::new(),
        });
    }
    let mut total = 0.0;
    for round in 0..ROUNDS {
        if round >= MIN_ROUNDS && total > LONG {
            break;
        }
        // The candidates take turns, so that changes of the clock affect all equally. Each has its own submit, since
        // together they could exceed the operating system's time limit for a submit.
        for candidate in &mut candidates {
            let recorded = || std::iter::once(&candidate.recorded);
            let timestamps = Timestamps::new(gpu, recorded())?;
            let submission = gpu.submit(|encoder| timestamps.encode(encoder, recorded()))?;
            for [begin, end] in timestamps.read(gpu, submission).await? {
                candidate.times.push(end - begin);
                total += end - begin;
            }
        }
    }
    let median = |candidate: &Candidate| {
        let mut times = candidate.times.clone();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(f64::INFINITY)
    };
    let wanted = median(&candidates[0]) * MARGIN;
    let faster = candidates[1..]
        .iter()
        .filter(|other| median(other) < wanted);
    let fastest = faster.min_by(|a, b| median(a).total_cmp(&median(b)));
    Ok(fastest.map_or(default, |candidate| candidate.algorithm))
}

/// The buffers of a product, in the order of its arguments.
struct Operands {
    regions: Vec<Region>,
    /// Indices of the results among the regions, without the guard's state.
    written: Vec<usize>,
}

impl Operands {
    fn new(gpu: &Gpu, product: &Matmul) -> Result<Self> {
        let (m, n) = (product.m, product.n);
        let (mut regions, mut written) = (Vec::new(), Vec::new());
        for (place, binding) in product.bindings().iter().enumerate() {
            let shape = match binding.number {
                1 => product.stored_a(),
                2 => product.stored_b(),
                4 => MatrixShape::new(1, n),
                7 => MatrixShape::new(1, m),
                _ => product.result(),
            };
            let bytes = shape.floats() as u64 * 4;
            gpu.check_size("operand", bytes)?;
            let buffer = match binding.number {
                8 => gpu.upload("state", &state_at(0))?,
                3 | 6 | 7 => gpu.allocate("result", bytes)?,
                seed => gpu.upload("operand", &whole_numbers(shape, seed))?,
            };
            if matches!(binding.number, 3 | 6 | 7) {
                written.push(place);
            }
            regions.push(Region {
                bytes: if binding.number == 8 { 16 } else { bytes },
                offset: 0,
                buffer,
            });
        }
        Ok(Operands { regions, written })
    }

    /// Fills the results with NaN, so that a missing write is noticed.
    fn clear(&self, gpu: &Gpu) -> Result<()> {
        for region in self.written.iter().map(|&place| &self.regions[place]) {
            let words = vec![u32::MAX; region.bytes as usize / 4];
            gpu.write(&region.buffer, 0, &words)?;
        }
        Ok(())
    }

    async fn results(&self, gpu: &Gpu) -> Result<Vec<Vec<u32>>> {
        let mut results = Vec::new();
        for region in self.written.iter().map(|&place| &self.regions[place]) {
            let staging = gpu.staging(region.bytes)?;
            let submission = gpu.submit(|encoder| {
                encoder.copy_buffer_to_buffer(&region.buffer, 0, &staging, 0, region.bytes);
            })?;
            let readback = Readback::request(gpu, &staging, region.bytes, submission)?;
            results.push(readback.finish(gpu, <[u32]>::to_vec).await?.0);
        }
        Ok(results)
    }
}

/// A matrix of pseudo-random integers from −2 to 2, as bits of floats: sums of up to 2²² of their products are exact
/// in `f32`.
fn whole_numbers(shape: MatrixShape, seed: u32) -> Vec<u32> {
    let mut state = seed;
    let mut next = || {
        // Numerical Recipes' linear congruential generator; its high bits are random enough for this.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) % 5) as f32 - 2.0
    };
    let dense: Vec<u32> = (0..shape.rows * shape.cols)
        .map(|_| next().to_bits())
        .collect();
    shape.pad(&dense)
}
