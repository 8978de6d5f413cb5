//! Calls of a generator that are dropped while they wait.

use super::*;
use crate::executor::pause::PAUSES;
use crate::{Device, GpuOptions, Sequential, TransformerLayer};
use std::pin::pin;
use std::task::{Context, Waker};

/// Polls a future until it waits for the `waits`-th time, and drops it; returns whether it was done before.
fn drop_after<T>(waits: usize, future: impl Future<Output = T>) -> bool {
    PAUSES.set(true);
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let done = (0..waits).any(|_| future.as_mut().poll(&mut context).is_ready());
    PAUSES.set(false);
    done
}

#[test]
fn a_dropped_call_changes_nothing() {
    let gpu = Device::gpu(GpuOptions::default().allow_software(true)).unwrap();
    let layer = TransformerLayer::new(1).causal(true);
    let layers = Sequential::new(5).embedding(6, 4).learned_positions();
    let layers = layers.transformer_encoder(layer);
    for device in [Device::cpu(), gpu] {
        let network = layers.build(&device, 1).unwrap();
        let mut generator = Generator::new(&network, 1).unwrap();
        let mut wanted = Vec::new();
        for tokens in [&[1, 2][..], &[3], &[4, 5]] {
            wanted.push(generator.push(tokens).unwrap());
        }
        let other = layers.build(&device, 2).unwrap();
        for waits in 1.. {
            generator.reset();
            assert_eq!(generator.push(&[1, 2]).unwrap(), wanted[0]);
            // The rows that it writes to the cache are written again.
            let done = drop_after(waits, generator.push_async(&[5]));
            if done {
                assert!(waits > 1);
                break;
            }
            assert_eq!(generator.length(), 2);
            assert_eq!(generator.push(&[3]).unwrap(), wanted[1]);
            assert!(!drop_after(1, generator.refresh_async(&other)));
            assert_eq!(generator.push(&[4, 5]).unwrap(), wanted[2]);
            // Plans of dropped calls are gone too.
            assert_eq!(generator.steps.network.executor.plan_count(), 0);
        }
    }
}
