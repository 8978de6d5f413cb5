//! Timing of kernel calls.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::{data, network};
use wgrad::Trainer;

#[test]
fn a_profile_times_every_call_and_changes_no_step() {
    let data = data(80);
    for device in [cpu(), gpu()] {
        let build = || {
            Trainer::builder(network(device))
                .batch_size(16)
                .build()
                .unwrap()
        };
        let (mut plain, mut profiled) = (build(), build());
        plain.steps(&data, 7).unwrap();
        let profile = profiled.profile(&data, 7).unwrap();
        assert_same_bits(
            "weights",
            &parameters(profiled.network_mut()),
            &parameters(plain.network_mut()),
        );
        assert_eq!(profile.calls.len(), 7 * plain.dispatches_per_step());
        assert!(profile.seconds() > 0.0);
        assert_eq!(profile.calls[0].begin, 0.0);
        assert!(
            profile
                .calls
                .windows(2)
                .all(|pair| pair[0].begin <= pair[1].begin)
        );
        let update = profile.calls.last().unwrap();
        assert!(update.kernel.contains("update") && update.bytes > 0 && update.flops > 0);

        let trace: serde_json::Value = serde_json::from_str(&profile.to_trace()).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 1 + profile.calls.len());
        assert_eq!(events[1]["name"], profile.calls[0].kernel.as_str());
        // The device, a heading, and a line for each kernel.
        let mut kernels: Vec<&str> = profile
            .calls
            .iter()
            .map(|call| call.kernel.as_str())
            .collect();
        kernels.sort_unstable();
        kernels.dedup();
        assert_eq!(profile.to_string().lines().count(), 2 + kernels.len());
        // Afterwards nothing is timed, and training goes on.
        profiled.steps(&data, 3).unwrap();
    }
}
