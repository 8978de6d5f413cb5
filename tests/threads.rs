//! The CPU device's threads: their number is a setting that changes no bit; a thread that waits for them runs no other
//! task.

mod common;

use common::compare::assert_same_bits;
use common::data::Random;
use common::networks::parameters;
use rayon::prelude::*;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wgrad::{
    Activation, Adam, Cell, Convolution, Dataset, Device, Error, Init, Inputs, Layout, Network,
    Recurrent, Sequential, Tensor, Trainer, TransformerLayer,
};

const THREADS: [usize; 4] = [1, 2, 3, 8];

fn devices() -> Vec<Device> {
    let open = |threads| Device::cpu_with_threads(threads).unwrap();
    THREADS
        .map(open)
        .into_iter()
        .chain([Device::cpu()])
        .collect()
}

#[test]
fn a_report_says_the_number_of_threads() {
    for threads in THREADS {
        let device = Device::cpu_with_threads(threads).unwrap();
        assert_eq!(device.report().threads, threads);
        assert!(device.is_same(&device.clone()));
        assert!(!device.is_same(&Device::cpu()));
    }
    let refused = Device::cpu_with_threads(0);
    assert!(
        matches!(refused, Err(Error::Argument { .. })),
        "{refused:?}"
    );
}

#[test]
fn products_have_the_same_bits_for_any_number_of_threads() {
    // Small and shared out; one stretch of K and several; more rows than a task takes; few columns; few rows.
    let shapes = [
        [64, 512, 784],
        [300, 257, 130],
        [700, 10, 1030],
        [1, 1500, 700],
        [17, 1100, 513],
        [512, 784, 64],
        [5, 7, 3],
    ];
    let mut random = Random::new(3);
    for [m, n, k] in shapes {
        let (a, b, bias) = (
            random.normals(m * k),
            random.normals(k * n),
            random.normals(n),
        );
        for layout in Layout::ALL {
            let (stored_a, stored_b) = match layout {
                Layout::NN => ([m, k], [k, n]),
                Layout::NT => ([m, k], [n, k]),
                Layout::TN => ([k, m], [k, n]),
            };
            let results = devices().into_iter().map(|device| {
                let a = Tensor::new(&device, stored_a, &a).unwrap();
                let b = Tensor::new(&device, stored_b, &b).unwrap();
                a.matmul(&b, layout).unwrap().download().unwrap()
            });
            let results: Vec<Vec<f32>> = results.collect();
            for (result, threads) in results[1..].iter().zip(&THREADS[1..]) {
                let name = format!("{layout:?} [{m}, {n}, {k}], {threads} threads");
                assert_same_bits(&name, result, &results[0]);
            }
        }
        let dense = devices().into_iter().map(|device| {
            let x = Tensor::new(&device, [m, k], &a).unwrap();
            let w = Tensor::new(&device, [n, k], &b).unwrap();
            let bias = Tensor::new(&device, [1, n], &bias).unwrap();
            let y = x.dense(&w, &bias, Activation::Gelu).unwrap();
            y.download().unwrap()
        });
        let dense: Vec<Vec<f32>> = dense.collect();
        for result in &dense[1..] {
            assert_same_bits(&format!("dense [{m}, {n}, {k}]"), result, &dense[0]);
        }
    }
}

#[test]
fn training_has_the_same_bits_for_any_number_of_threads() {
    const FEATURES: usize = 260;
    const SAMPLES: usize = 500;
    let mut random = Random::new(4);
    let (samples, labels) = (
        random.normals(SAMPLES * FEATURES),
        random.words(SAMPLES, 10),
    );
    let data = Dataset::from_floats(FEATURES, samples, labels, 10).unwrap();
    // Large enough that products, updates and the rest are shared out.
    let train = |device: Device| {
        let layers = Sequential::new(FEATURES).dense(401).relu().dropout(0.2);
        let layers = layers.dense(300).batch_norm().gelu().dense(10);
        let mut trainer = Trainer::builder(layers.build(&device, 5).unwrap())
            .optimizer(Adam::new(1e-3))
            .clip_norm(1.0)
            .batch_size(192)
            .build()
            .unwrap();
        // Two epochs, each with a short last batch.
        let report = trainer.steps(&data, 6).unwrap();
        (parameters(trainer.network_mut()), report.loss)
    };
    let results: Vec<_> = devices().into_iter().map(train).collect();
    for (weights, loss) in &results[1..] {
        assert_same_bits("weights", weights, &results[0].0);
        assert_eq!(loss.to_bits(), results[0].1.to_bits());
    }
}

/// Few large samples are cut into bands, many are shared out whole, and the weight gradient is cut into parts, or a
/// large one into bands of its rows.
#[test]
fn convolutions_have_the_same_bits_for_any_number_of_threads() {
    let mut random = Random::new(6);
    let padded = Convolution::new(6, 3).padding(1);
    for (shape, settings) in [
        // All with at least 2²⁰ operations, from which work is shared out.
        ([1, 70, 61, 3], padded),
        ([40, 12, 11, 5], padded.dilation(2)),
        ([8, 31, 40, 6], padded.groups(3)),
        ([5, 40, 31, 20], Convolution::depthwise(3).stride([1, 2])),
        ([1, 8, 8, 40], Convolution::new(70, 3)),
    ] {
        let x = random.normals(shape.iter().product());
        let results = devices().into_iter().map(|device| {
            let random = &mut Random::new(7);
            let mut tensor = |shape: &[usize]| {
                Tensor::new(&device, shape, &random.normals(shape.iter().product())).unwrap()
            };
            let [_, _, _, channels] = shape;
            let weight = match channels {
                6 => tensor(&[6, 3, 3, 2]),
                20 => tensor(&[20, 3, 3, 1]),
                40 => tensor(&[70, 3, 3, 40]),
                _ => tensor(&[6, 3, 3, channels]),
            };
            let x = Tensor::new(&device, shape, &x).unwrap();
            let y = x.convolve(&weight, None, settings).unwrap();
            let gradients = y.convolve_backward(&x, &weight, settings).unwrap();
            let tensors = [&y, &gradients.dx, &gradients.dweight, &gradients.dbias];
            tensors.map(|tensor| tensor.download().unwrap()).concat()
        });
        let results: Vec<Vec<f32>> = results.collect();
        for (result, threads) in results[1..].iter().zip(&THREADS[1..]) {
            let name = format!("{shape:?}, {threads} threads");
            assert_same_bits(&name, result, &results[0]);
        }
    }
}

#[test]
fn convolutional_training_has_the_same_bits_for_any_number_of_threads() {
    const SAMPLES: usize = 100;
    let mut random = Random::new(5);
    let (samples, labels) = (random.normals(SAMPLES * 196), random.words(SAMPLES, 10));
    let data = Dataset::from_floats([14, 14, 1], samples, labels, 10).unwrap();
    let train = |device: Device| {
        let layers = Sequential::new([14, 14, 1])
            .convolution(Convolution::new(6, 5).padding(2))
            .relu()
            .max_pool(2)
            .convolution((16, 3))
            .gelu()
            .flatten()
            .dense(10);
        let mut trainer = Trainer::builder(layers.build(&device, 5).unwrap())
            .optimizer(Adam::new(1e-3))
            .batch_size(64)
            .build()
            .unwrap();
        let report = trainer.steps(&data, 3).unwrap();
        (parameters(trainer.network_mut()), report.loss)
    };
    let results: Vec<_> = devices().into_iter().map(train).collect();
    for (weights, loss) in &results[1..] {
        assert_same_bits("weights", weights, &results[0].0);
        assert_eq!(loss.to_bits(), results[0].1.to_bits());
    }
}

#[test]
fn recurrent_networks_have_the_same_bits_for_any_number_of_threads() {
    let mut random = Random::new(6);
    let (samples, labels) = (random.normals(64 * 3 * 8), random.words(64, 3));
    let data = Dataset::from_floats(3 * 8, samples, labels, 3).unwrap();
    // One sample and few, which no thread has to itself; groups of samples; a step is a product large enough to share.
    for (cell, batch, hidden) in [
        (Cell::Lstm, 64, 72),
        (Cell::Gru, 9, 72),
        (Cell::Lstm, 5, 300),
        (Cell::Relu, 1, 72),
    ] {
        let train = |device: Device| {
            let layers = Recurrent::new(cell, hidden).bidirectional();
            let layers = Sequential::new([3, 8]).recurrent_last(layers).dense(3);
            let mut trainer = Trainer::builder(layers.build(&device, 5).unwrap())
                .optimizer(Adam::new(1e-3))
                .batch_size(batch)
                .build()
                .unwrap();
            trainer.steps(&data, 1).unwrap();
            parameters(trainer.network_mut())
        };
        let results: Vec<_> = devices().into_iter().map(train).collect();
        for weights in &results[1..] {
            assert_same_bits(&format!("{cell:?} {batch} {hidden}"), weights, &results[0]);
        }
    }
}

#[test]
fn attention_has_the_same_bits_for_any_number_of_threads() {
    let mut random = Random::new(8);
    // Many samples, and one whose rows are shared out.
    for (samples, length) in [(40, 9), (1, 150)] {
        let tokens: Vec<u32> = random.words(samples * length, 11);
        let labels = random.words(samples, 3);
        let train = |device: Device| {
            let layer = TransformerLayer::new(3).causal(true);
            let layers = Sequential::new(length)
                .embedding(11, 24)
                .transformer_encoder(layer)
                .flatten()
                .dense(3);
            let mut trainer = Trainer::builder(layers.build(&device, 5).unwrap())
                .optimizer(Adam::new(1e-3))
                .build()
                .unwrap();
            trainer.step(Inputs::tokens(&tokens), &labels).unwrap();
            parameters(trainer.network_mut())
        };
        let results: Vec<_> = devices().into_iter().map(train).collect();
        for weights in &results[1..] {
            assert_same_bits("weights", weights, &results[0]);
        }
    }
}

/// Fails if the work takes longer than any honest run of it: a deadlock, which would else stop the whole test run.
fn within_a_minute(name: &str, work: impl FnOnce() + Send + 'static) {
    let (done, finished) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        done.send(()).unwrap();
    });
    match finished.recv_timeout(Duration::from_secs(60)) {
        Err(RecvTimeoutError::Timeout) => panic!("{name}: a deadlock"),
        // Where the work panicked, that is what to report.
        Ok(()) | Err(RecvTimeoutError::Disconnected) => thread.join().unwrap(),
    }
}

/// Runs `task(i)` for many `i` as tasks of rayon pools: the global one, and one of two threads.
fn from_many_tasks(name: &str, task: impl Fn(usize) + Send + Sync + Clone + 'static) {
    const TASKS: usize = 12;
    let global = task.clone();
    within_a_minute(&format!("{name}, global pool"), move || {
        (0..TASKS).into_par_iter().with_max_len(1).for_each(global);
    });
    within_a_minute(&format!("{name}, a pool of two"), move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2);
        let pool = pool.build().unwrap();
        pool.install(|| (0..TASKS).into_par_iter().with_max_len(1).for_each(&task));
        // From within a task that waits for others.
        pool.scope(|scope| {
            (0..TASKS).for_each(|i| {
                let task = &task;
                scope.spawn(move |_| {
                    rayon::join(|| task(i), || task(i + 1));
                });
            });
        });
    });
}

#[test]
fn predictions_from_tasks_of_any_pool_do_not_deadlock_and_have_the_same_bits() {
    const FEATURES: usize = 512;
    let x = Random::new(5).normals(8 * FEATURES);
    let mut expected: Option<Vec<f32>> = None;
    for device in devices() {
        // A product of 4 Mflop, which is shared out.
        let layers = Sequential::new(FEATURES).dense(512).relu();
        let network = layers.build(&device, 6).unwrap();
        let alone = network.predict(&x).unwrap();
        assert_same_bits(
            "one device as another",
            expected.get_or_insert_with(|| alone.clone()),
            &alone,
        );
        let (network, x) = (Arc::new(network), x.clone());
        // Without a lock of the caller's, and under one.
        let lock = Arc::new(Mutex::new(()));
        from_many_tasks(&device.report().to_string(), move |i| {
            let guard = (i % 2 == 0).then(|| lock.lock().unwrap());
            let y = network.predict(&x).unwrap();
            drop(guard);
            assert_same_bits("within a task", &y, &alone);
        });
    }
}

/// What threads share: a network, and what it gives to a single thread.
struct Shared {
    network: Network,
    /// Samples, and the outputs for them; of several sizes, so several plans, one of them of several batches.
    cases: Vec<(Vec<f32>, Vec<f32>)>,
    weights: Vec<f32>,
    file: Vec<u8>,
}

const WEIGHT: &str = "layers.0.weight";

fn shared(device: &Device) -> Shared {
    // Dropout and batch normalisation: neither may act.
    let layers = Sequential::new(12).dense(20).batch_norm().relu();
    let network = layers.dropout(0.5).dense(3).build(device, 11).unwrap();
    let mut random = Random::new(12);
    let cases = [1, 2, 7, 40, 300].map(|rows| {
        let x = random.normals(12 * rows);
        let y = network.predict(&x).unwrap();
        (x, y)
    });
    let weights = network.parameter(WEIGHT).unwrap();
    let file = pollster::block_on(network.to_bytes_async()).unwrap();
    Shared {
        network,
        cases: cases.to_vec(),
        weights,
        file,
    }
}

impl Shared {
    /// Does call `i` of several, and compares its result with that of a single thread.
    async fn call(&self, i: usize) {
        match i % 7 {
            5 => {
                let weights = self.network.parameter_async(WEIGHT).await.unwrap();
                assert_same_bits(WEIGHT, &weights, &self.weights);
            }
            6 => assert!(self.network.to_bytes_async().await.unwrap() == self.file),
            case => {
                let (x, expected) = &self.cases[case];
                let y = self.network.predict_async(x).await.unwrap();
                assert_same_bits(&format!("case {case}"), &y, expected);
            }
        }
    }
}

/// The CPU, a GPU, and a GPU with room for one reader at a time.
fn shared_by_threads() -> Vec<(String, Shared)> {
    let gpu = || wgrad::GpuOptions::default().allow_software(true);
    let open = |options| Device::gpu(options).expect("the GPU tests need an adapter");
    let roomy = open(gpu());
    let mut all = vec![Device::cpu(), Device::cpu_with_threads(2).unwrap()];
    all.push(roomy.clone());
    // As much as one thread takes: other threads have no room for buffers of their own.
    let alone = shared(&roomy);
    (0..7).for_each(|i| pollster::block_on(alone.call(i)));
    let bytes = roomy.bytes_allocated();
    drop(alone);
    all.push(open(gpu().memory_limit(bytes)));
    let named = all.into_iter().map(|device| {
        let name = format!("{}, {:?}", device.report(), device.report().memory_limit);
        (name, shared(&device))
    });
    named.collect()
}

#[test]
fn a_shared_network_gives_every_thread_the_same_bits() {
    for (name, shared) in shared_by_threads() {
        let shared = Arc::new(shared);
        within_a_minute(&name, move || {
            std::thread::scope(|scope| {
                for thread in 0..4 {
                    let shared = &shared;
                    scope.spawn(move || {
                        (0..14).for_each(|i| pollster::block_on(shared.call(i + 2 * thread)));
                    });
                }
            });
            // And afterwards as before.
            (0..7).for_each(|i| pollster::block_on(shared.call(i)));
        });
    }
}

#[test]
fn futures_of_a_shared_network_interleave_on_one_thread_and_may_be_dropped() {
    for (name, shared) in shared_by_threads() {
        within_a_minute(&name, move || {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let mut calls: Vec<_> = (0..14).map(|i| Box::pin(shared.call(i))).collect();
            // Dropped before the first poll and after it.
            drop(calls.pop());
            let mut last = calls.pop().unwrap();
            let _ = last.as_mut().poll(&mut context);
            drop(last);
            for _ in 0..10_000 {
                calls.retain_mut(|call| call.as_mut().poll(&mut context).is_pending());
            }
            assert!(calls.is_empty(), "{} calls do not end", calls.len());
            drop(calls);
            (0..7).for_each(|i| pollster::block_on(shared.call(i)));
        });
    }
}

#[test]
fn every_other_call_under_a_lock_from_tasks_does_not_deadlock() {
    const SIDE: usize = 300;
    let data = {
        let mut random = Random::new(7);
        let samples = random.normals(256 * SIDE);
        Dataset::from_floats(SIDE, samples, random.words(256, 10), 10).unwrap()
    };
    for device in [Device::cpu(), Device::cpu_with_threads(3).unwrap()] {
        let layers = Sequential::new(SIDE).dense(SIDE).gelu().dense(10);
        let build = Trainer::builder(layers.build(&device, 8).unwrap());
        let mut trainer = build
            .optimizer(Adam::new(1e-3))
            .batch_size(64)
            .build()
            .unwrap();
        trainer.steps(&data, 1).unwrap();
        let values = Random::new(9).normals(SIDE * SIDE);
        let square = Tensor::new(&device, [SIDE, SIDE], &values).unwrap();
        let lock = Arc::new(Mutex::new((trainer, square)));
        let (name, data) = (device.report().to_string(), data.clone());
        from_many_tasks(&name, move |i| {
            let mut guard = lock.lock().unwrap();
            let (trainer, square) = &mut *guard;
            match i % 4 {
                // Training and evaluation.
                0 => drop(trainer.steps(&data, 1).unwrap()),
                1 => drop(trainer.evaluate(&data).unwrap()),
                // Tensor calls: by their operations, and by what they move.
                2 => {
                    let y = square.matmul(square, Layout::NT).unwrap();
                    y.add(square).unwrap().transpose().unwrap().sum().unwrap();
                }
                // Initial values.
                _ => {
                    let layers = Sequential::new(128).dense(128);
                    let layers = layers.init(Init::Orthogonal { gain: 1.0 });
                    drop(layers.build(&device, 1).unwrap());
                }
            }
        });
    }
}

#[test]
fn a_call_from_outside_does_not_wait_for_a_pool_that_waits_for_it() {
    for device in devices() {
        within_a_minute(&device.report().to_string(), move || {
            let lock = Arc::new(Mutex::new(()));
            let guard = lock.lock().unwrap();
            // Every thread of the global pool waits for the lock that this thread holds.
            let threads = rayon::current_num_threads();
            for _ in 0..2 * threads {
                let lock = Arc::clone(&lock);
                rayon::spawn(move || drop(lock.lock()));
            }
            let x = Tensor::filled(&device, [256, 256], 1.0).unwrap();
            let y = x.matmul(&x, Layout::NN).unwrap().activate(Activation::Relu);
            assert_eq!(y.unwrap().download().unwrap()[0], 256.0);
            drop(guard);
        });
    }
}

#[test]
fn everything_can_be_sent_to_and_shared_with_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<Device>();
    check::<wgrad::Network>();
    check::<Trainer>();
    check::<wgrad::TrainerBuilder>();
    check::<Tensor>();
    check::<wgrad::Indices>();
    check::<wgrad::OptimizerState>();
    check::<Dataset>();
    check::<wgrad::Graph>();
    check::<Sequential>();
    check::<wgrad::Plan>();
    check::<Error>();
    // What awaits a device can be spawned on any executor.
    fn check_future(_: impl Future + Send) {}
    check_future(Device::auto_async());
    check_future(Device::gpu_async(wgrad::GpuOptions::default()));
    let x = Tensor::filled(&Device::cpu(), [1, 1], 1.0).unwrap();
    check_future(x.download_async());
    let network = Sequential::new(1).dense(1).build(&Device::cpu(), 1);
    let network = network.unwrap();
    check_future(network.predict_async(&[0.0]));
    check_future(network.classify_async(&[0.0]));
    check_future(network.parameter_async("layers.0.bias"));
    check_future(network.to_bytes_async());
}
