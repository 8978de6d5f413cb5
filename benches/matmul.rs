//! Rates of matrix products on every device in one run: squares, and the three products of a dense layer's training
//! step (forward NT, dX NN, dW TN), compared with the bare `gemm` crate. criterion's Gelem/s is Gflop/s: one element
//! is one multiplication or addition.
//!
//! ```text
//! cargo bench --bench matmul -- --quick
//! ```
//!
//! Before the timing, every product is compared with an exact result.

mod common;
#[path = "common/gemm_alone.rs"]
mod gemm_alone;
#[path = "common/naive.rs"]
mod naive;

use common::{devices, integers, label};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use naive::Naive;
use std::error::Error;
use wgrad::{Device, Layout, Tensor};

/// Number of products that share a wait. A tensor call allocates its output and, on a GPU, records and submits. This
/// is part of its cost and is timed, and so is 1/16 of the wait.
const PRODUCTS: u64 = 16;

/// Size of the square that the naive kernel also computes.
const NAIVE: usize = 512;

/// Floating-point operations above which there are only ten samples: one takes seconds on a software adapter.
const SLOW: u64 = 2 * 512 * 512 * 512;

/// One product: layout, M, N, K, operands, and C.
struct Case {
    layout: Layout,
    dims: [usize; 3],
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Case {
    fn new(layout: Layout, dims: [usize; 3]) -> Self {
        let [m, n, k] = dims;
        // Integers from −4 to 4: every partial sum is an integer below 2²⁴ and so exact, in any order.
        let draw = |seed, count| -> Vec<f32> {
            integers(seed, count, 9)
                .iter()
                .map(|&i| i as f32 - 4.0)
                .collect()
        };
        let (a, b) = (draw(1, m * k), draw(2, k * n));
        let c = oracle(layout, dims, &a, &b);
        Case {
            layout,
            dims,
            a,
            b,
            c,
        }
    }

    fn name(&self) -> String {
        let [m, n, k] = self.dims;
        format!("{:?} {m}x{n}x{k}", self.layout)
    }

    /// The shapes in which A and B are stored.
    fn stored(&self) -> [[usize; 2]; 2] {
        let [m, n, k] = self.dims;
        match self.layout {
            Layout::NN => [[m, k], [k, n]],
            Layout::NT => [[m, k], [n, k]],
            Layout::TN => [[k, m], [k, n]],
        }
    }

    /// Panics unless `found` is C, element by element.
    fn check(&self, who: &str, found: &[f32]) {
        assert_eq!(found.len(), self.c.len(), "{} on {who}", self.name());
        let wrong = found
            .iter()
            .zip(&self.c)
            .position(|(found, wanted)| found != wanted);
        if let Some(i) = wrong {
            let (found, wanted) = (found[i], self.c[i]);
            panic!(
                "{} on {who}: element {i} is {found}, expected {wanted}",
                self.name()
            );
        }
    }
}

/// C [M, N] by plain loops in f64.
fn oracle(layout: Layout, [m, n, k]: [usize; 3], a: &[f32], b: &[f32]) -> Vec<f32> {
    // Strides from one row of A (or column of B) to the next, and from one k to the next.
    let (a_row, a_depth) = if layout == Layout::TN { (1, m) } else { (k, 1) };
    let (b_col, b_depth) = if layout == Layout::NT { (k, 1) } else { (1, n) };
    let mut c = vec![0.0; m * n];
    for (i, row) in c.chunks_exact_mut(n).enumerate() {
        for l in 0..k {
            let a = f64::from(a[i * a_row + l * a_depth]);
            for (j, sum) in row.iter_mut().enumerate() {
                *sum += a * f64::from(b[j * b_col + l * b_depth]);
            }
        }
    }
    c.iter().map(|&sum: &f64| sum as f32).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    let devices = devices()?;
    let [_, gpu] = &devices;
    let squares = [64, 128, 256, 512, 1024].map(|size| (Layout::NN, [size; 3]));
    let training = [
        (Layout::NT, [64, 512, 784]),
        (Layout::NN, [64, 512, 512]),
        (Layout::TN, [512, 784, 64]),
    ];
    for (layout, dims) in squares.into_iter().chain(training) {
        let case = Case::new(layout, dims);
        let flops = 2 * dims.iter().product::<usize>() as u64;
        let mut group = criterion.benchmark_group(case.name());
        if flops >= SLOW {
            group.sample_size(10).sampling_mode(SamplingMode::Flat);
        }
        for device in &devices {
            group.throughput(Throughput::Elements(PRODUCTS * flops));
            time(&mut group, device, &case)?;
        }
        time_gemm_alone(&mut group, &case);
        if dims == [NAIVE; 3] {
            group.throughput(Throughput::Elements(flops));
            time_naive(&mut group, gpu, &case)?;
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}

fn time(
    group: &mut BenchmarkGroup<'_, WallTime>,
    device: &Device,
    case: &Case,
) -> wgrad::Result<()> {
    let [a, b] = case.stored();
    let a = Tensor::new(device, a, &case.a)?;
    let b = Tensor::new(device, b, &case.b)?;
    case.check(&label(device), &a.matmul(&b, case.layout)?.download()?);
    // Downloading one element waits for all earlier submits, and moves almost nothing.
    let last = Tensor::zeros(device, [1, 1])?;
    let products = || {
        for _ in 0..PRODUCTS {
            a.matmul(&b, case.layout)?;
        }
        last.download()
    };
    group.bench_function(label(device), |bench| {
        bench.iter(|| products().expect("products"))
    });
    Ok(())
}

/// The bare `gemm` crate, with the same number of products in a sample.
fn time_gemm_alone(group: &mut BenchmarkGroup<'_, WallTime>, case: &Case) {
    let mut c = vec![0.0; case.c.len()];
    let mut product = || gemm_alone::product(case.layout, case.dims, &case.a, &case.b, &mut c);
    product();
    group.bench_function("gemm crate", |bench| {
        bench.iter(|| (0..PRODUCTS).for_each(|_| product()));
    });
    case.check("the gemm crate", &c);
}

/// Like [`time`], but recorded beforehand, and with a wait for each product. On a software adapter a wait is
/// negligible against the hundreds of milliseconds of a product. On hardware the naive kernel is faster than this
/// measurement.
fn time_naive(
    group: &mut BenchmarkGroup<'_, WallTime>,
    device: &Device,
    case: &Case,
) -> Result<(), Box<dyn Error>> {
    let naive = Naive::new(&device.report(), NAIVE, &case.a, &case.b)?;
    let name = format!("{}, naive kernel", label(device));
    naive.run()?;
    case.check(&name, &naive.download()?);
    group.bench_function(name, |bench| bench.iter(|| naive.run().expect("a product")));
    Ok(())
}
