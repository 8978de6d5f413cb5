//! A lost device: every call on it says so, and another one can be opened.

use super::common::devices::{cpu, open};
use super::{state, words, zeros};
use wgrad::{Error, GpuOptions, Layout, Tensor, Words};

#[test]
fn every_call_on_a_lost_device_says_so() {
    let device = open(GpuOptions::default());
    let x = Tensor::new(&device, [2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let labels = words(&device, &[0, 1]);
    let mut w = zeros(&device, 2, 2);
    let mut w_state = state(&w);
    assert_eq!(x.sum().unwrap(), 10.0);
    device.simulate_loss();
    // Twice, since a loss is for good.
    for round in 0..2 {
        let calls = [
            ("download", x.download().map(drop)),
            ("add", x.add(&x).and_then(|y| y.download()).map(drop)),
            (
                "matmul",
                x.matmul(&x, Layout::NN)
                    .and_then(|y| y.download())
                    .map(drop),
            ),
            ("sum", x.sum().map(drop)),
            ("cross_entropy", x.cross_entropy(&labels).map(drop)),
            (
                "update",
                w.update(&x, &mut w_state)
                    .and_then(|()| w.download())
                    .map(drop),
            ),
            (
                "Tensor::new",
                Tensor::new(&device, [1, 1], &[1.0])
                    .and_then(|y| y.download())
                    .map(drop),
            ),
            ("Words::new", Words::new(&device, &[1]).map(drop)),
        ];
        for (name, result) in calls {
            assert!(
                matches!(result, Err(Error::DeviceLost { .. })),
                "{name}, round {round}: {result:?}"
            );
        }
    }
    // What is left of it can be let go, and another one opened.
    drop((x, labels, w, w_state, device));
    assert_eq!(
        zeros(&open(GpuOptions::default()), 2, 2).sum().unwrap(),
        0.0
    );
}

#[test]
fn losing_the_cpu_does_nothing() {
    cpu().simulate_loss();
    assert_eq!(zeros(cpu(), 2, 2).sum().unwrap(), 0.0);
}
