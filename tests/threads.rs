//! The CPU device's threads: their number is a setting that changes no bit; a thread that waits for them runs no other
//! task.

#[path = "threads/bits.rs"]
mod bits;
mod common;
#[path = "threads/shared.rs"]
mod shared;

use common::compare::assert_same_bits;
use common::data::Random;
use rayon::prelude::*;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wgrad::{Activation, Adam, Dataset, Device, Error, Init, Layout, Sequential, Tensor, Trainer};

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
    check::<wgrad::Generator>();
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
    let words = Sequential::new(2).embedding(3, 1).build(&Device::cpu(), 1);
    let words = words.unwrap();
    check_future(wgrad::Generator::new_async(&words, 1));
    let mut generator = wgrad::Generator::new(&words, 1).unwrap();
    check_future(generator.push_async(&[0]));
    check_future(generator.refresh_async(&words));
}
