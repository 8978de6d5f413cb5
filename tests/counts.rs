//! Counts of dispatches, submits and allocations, which can be asserted, unlike times.

mod common;
#[path = "counts/layers.rs"]
mod layers;
#[path = "counts/memory.rs"]
mod memory;
#[path = "counts/recurrent.rs"]
mod recurrent;
#[path = "counts/stacks.rs"]
mod stacks;

use common::devices::{cpu, gpu};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};
use wgrad::{
    Activation, Adam, Dataset, Device, GpuOptions, Graph, Init, Sequential, Trainer, TrainerBuilder,
};

/// Counts the allocations of this process, the bytes that are allocated, and the most that ever were.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static MAX_BYTES: AtomicUsize = AtomicUsize::new(0);

impl Counting {
    fn grow(&self, bytes: usize) {
        let before = BYTES.fetch_add(bytes, Ordering::Relaxed);
        MAX_BYTES.fetch_max(before + bytes, Ordering::Relaxed);
    }
}

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        self.grow(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // Large blocks are moved by their page table, so old and new are not there at once.
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        self.grow(size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The test that counts allocations runs alone.
static ALONE: RwLock<()> = RwLock::new(());

fn trainer(device: &Device, hidden: &[usize]) -> TrainerBuilder {
    let mut layers = Sequential::new(12);
    for &units in hidden {
        layers = layers.dense(units).relu();
    }
    let network = layers.dense(3).build(device, 0).unwrap();
    Trainer::builder(network)
        .optimizer(Adam::new(1e-3))
        .batch_size(8)
}

fn data(samples: usize) -> Dataset {
    let values = (0..12 * samples).map(|i| (i % 7) as f32).collect();
    Dataset::from_floats(12, values, (0..samples as u32).map(|i| i % 3).collect(), 3).unwrap()
}

#[test]
fn a_step_of_l_dense_layers_takes_3l_plus_2_dispatches() {
    let _guard = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    for depth in 0..5 {
        let trainer_of = |norm| {
            trainer(cpu(), &vec![9; depth])
                .gradient_norm(norm)
                .build()
                .unwrap()
        };
        let layers = depth + 1;
        assert_eq!(trainer_of(false).dispatches_per_step(), 3 * layers + 2);
        assert_eq!(trainer_of(true).dispatches_per_step(), 3 * layers + 3);
        // The listing has a line a call and one for the totals.
        assert_eq!(
            trainer_of(false).plan().to_string().lines().count(),
            3 * layers + 2
        );
    }
}

#[test]
fn a_plan_counts_its_work() {
    let _guard = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    // 12-16-3, batch 8. Products: forward, dW, and dx but for the first layer; each 2·batch·inputs·outputs.
    let products = 2 * 8 * (2 * 12 * 16 + 3 * 16 * 3);
    // Six operations for each logit; 17 for each parameter, in an arena of multiples of 64: 192 + 64 + 64 + 64 floats.
    let rest = 6 * 8 * 3 + 17 * (192 + 64 + 64 + 64);
    let trainer = trainer(cpu(), &[16]).build().unwrap();
    assert_eq!(trainer.plan().flops(), products + rest);
    assert_eq!(trainer.plan().batch(), 8);
    // Weights, gradients and two moments are read or written by the update, among others.
    assert!(trainer.plan().bytes_moved() > 4 * 4 * 384);
    assert!(trainer.plan().bytes_allocated() > 4 * 4 * 384);
}

#[test]
fn a_plan_moves_little_more_than_it_must() {
    let _guard = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    for (dims, batch) in [
        (&[784, 512, 512, 10][..], 64),
        (&[784, 512, 512, 10], 256),
        (&[784, 128, 10], 32),
        (&[784, 2048, 2048, 10], 256),
        (&[100; 20], 100),
    ] {
        let mut layers = Sequential::new(dims[0]);
        for &units in &dims[1..dims.len() - 1] {
            layers = layers.dense(units).relu();
        }
        let network = layers.dense(dims[dims.len() - 1]).build(cpu(), 0).unwrap();
        let trainer = Trainer::builder(network).batch_size(batch).build().unwrap();
        let plan = trainer.plan();
        let (bytes, flops) = (
            plan.bytes_moved() as f64 / plan.lower_bound_bytes() as f64,
            plan.flops() as f64 / plan.lower_bound_flops() as f64,
        );
        assert!(
            (1.0..1.3).contains(&bytes),
            "{dims:?}: {bytes} times the lower bound of bytes"
        );
        assert!(
            (1.0..1.05).contains(&flops),
            "{dims:?}: {flops} times the lower bound of operations"
        );
    }
}

#[test]
fn steps_share_submits() {
    let _guard = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let data = data(8 * 32);
    for device in [cpu(), gpu()] {
        for (steps_per_submit, submits) in [(1, 32), (8, 4), (16, 2), (32, 1), (100, 1)] {
            let mut trainer = trainer(device, &[9])
                .steps_per_submit(steps_per_submit)
                .build()
                .unwrap();
            trainer.epoch(&data).unwrap();
            assert_eq!(trainer.submits(), submits, "{steps_per_submit}");
        }
    }
}

#[test]
fn activations_reuse_their_buffers() {
    let _guard = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let slots = |depth: usize| {
        let trainer = trainer(cpu(), &vec![16; depth]).build().unwrap();
        trainer.plan().bytes_allocated() - 4 * 4 * (trainer_floats(depth) as u64)
    };
    // A layer more keeps one more activation for the backward pass; its gradient finds room in what is free by then.
    let growth = slots(9) - slots(8);
    assert!(
        growth <= 8 * 16 * 4 + 256,
        "{growth} bytes for one more layer of {} bytes",
        8 * 16 * 4
    );
}

/// Floats of the parameter arena: tensors start at multiples of 64.
fn trainer_floats(depth: usize) -> usize {
    let aligned = |floats: usize| floats.next_multiple_of(64);
    let mut inputs = 12;
    let mut sum = 0;
    for outputs in std::iter::repeat_n(16, depth).chain([3]) {
        sum += aligned(outputs * inputs) + aligned(outputs);
        inputs = outputs;
    }
    sum
}

#[test]
fn the_cpu_loop_allocates_nothing_per_step() {
    let _guard = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    // Too small for threads, whose pool allocates now and then.
    let mut graph = Graph::new();
    let x = graph.input(12).unwrap();
    let b = graph.vector("b", 12, Init::Zeros).unwrap();
    let c = graph.vector("c", 12, Init::Zeros).unwrap();
    let h = graph.bias_add(x, b).unwrap();
    let h = graph.activation(h, Activation::Gelu).unwrap();
    let h = graph.softmax(h).unwrap();
    let logits = graph.bias_add(h, c).unwrap();
    let without_products = graph.build(logits, cpu(), 0).unwrap();
    let without_products = Trainer::builder(without_products).batch_size(8);
    for (name, trainer) in [
        ("without products", without_products),
        ("with products", trainer(cpu(), &[9])),
    ] {
        let mut trainer = trainer.steps_per_submit(16).build().unwrap();
        let data = data(8 * 512);
        trainer.steps(&data, 64).unwrap();
        let count = |trainer: &mut Trainer, steps| {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            trainer.steps(&data, steps).unwrap();
            ALLOCATIONS.load(Ordering::Relaxed) - before
        };
        // The thread pool may allocate now and then, so the quietest of several tries counts.
        let few = (0..5).map(|_| count(&mut trainer, 16)).min().unwrap();
        let many = (0..5).map(|_| count(&mut trainer, 64)).min().unwrap();
        assert!(
            many <= few,
            "{name}: {many} allocations for 64 steps, {few} for 16"
        );
    }
}

/// Runs `round` with the numbers below `rounds`, and checks that the bytes of host and device do not grow after the
/// first half: all of a cycle has been seen by then.
#[track_caller]
fn assert_flat(name: &str, device: &Device, rounds: usize, mut round: impl FnMut(usize)) {
    let bytes = || (BYTES.load(Ordering::Relaxed), device.bytes_allocated());
    (0..rounds / 2).for_each(&mut round);
    let (host, on_device) = bytes();
    (rounds / 2..rounds).for_each(&mut round);
    let (host_after, on_device_after) = bytes();
    // A plan takes several kilobytes, and most rounds make four. Of maps and queues some may grow late.
    let most = 100_000;
    assert!(
        host_after <= host + most,
        "{name} on {}: {host} bytes, then {host_after}",
        device.report()
    );
    // Those of the few plans that are kept differ.
    assert!(
        on_device_after <= on_device + 16 * 1024,
        "{name} on {}: {on_device} bytes of the device, then {on_device_after}",
        device.report()
    );
}

#[test]
fn plans_are_let_go() {
    let _guard = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let own = GpuOptions::default().allow_software(true);
    for (device, rounds) in [(cpu().clone(), 1000), (Device::gpu(own).unwrap(), 200)] {
        // Lengths in a scattered order, so that both halves have all sizes.
        let length = |round: usize| 1 + round * 37 % 101;
        let sets: Vec<Dataset> = (0..rounds).map(|round| data(length(round))).collect();
        let x = vec![0.5; 12 * 101];
        let mut trainer = trainer(&device, &[9]).batch_size(40).build().unwrap();
        assert_flat("data sets", &device, rounds, |round| {
            let data = &sets[round];
            trainer.epoch(data).unwrap();
            trainer.evaluate(data).unwrap();
            let rows = 1 + round % 101;
            let network = trainer.network_mut();
            network.predict(&x[..12 * rows]).unwrap();
            let labels = &data.labels()[..rows.min(data.len())];
            network.gradients(&x[..12 * labels.len()], labels).unwrap();
            let rows = 1 + round % 40;
            trainer.step(&x[..12 * rows], &vec![1; rows]).unwrap();
        });

        let mut network = Some(trainer.into_network());
        assert_flat("trainers", &device, rounds, |round| {
            let of = network.take().unwrap();
            let mut trainer = Trainer::builder(of)
                .batch_size(1 + round % 7)
                .steps_per_submit(1 + round % 3)
                .build()
                .unwrap();
            trainer.steps(&sets[0], 2).unwrap();
            trainer.evaluate(&sets[0]).unwrap();
            network = Some(trainer.into_network());
        });

        // As many micro-batches as rounds, twice.
        let network = network.unwrap();
        let accumulate = rounds / 4;
        let builder = Trainer::builder(network)
            .batch_size(1)
            .accumulate(accumulate);
        let mut trainer = builder.build().unwrap();
        let set = data(101);
        assert_flat("micro-batches", &device, rounds, |_| {
            trainer.steps(&set, 1).unwrap();
        });
    }
}
