//! A network that several threads share.

use super::within_a_minute;
use crate::common::compare::assert_same_bits;
use crate::common::data::Random;
use std::sync::Arc;
use wgrad::{Device, Network, Sequential};

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
