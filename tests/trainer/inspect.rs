//! Inspected steps.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::common::oracle::norm;
use super::{data, gradients, network, samples};
use wgrad::{Adam, Trainer};

#[test]
fn an_inspected_step_is_a_step_and_measures_what_it_did() {
    let data = data(20);
    let (x, labels) = (samples(&data), data.labels());
    // Sums of some dozen squares in f32.
    let tolerance = Tolerance {
        relative: 1e-4,
        absolute: 1e-7,
    };
    for device in [cpu(), gpu()] {
        let build = || {
            Trainer::builder(network(device))
                .optimizer(Adam::new(0.01))
                .build()
                .unwrap()
        };
        let (mut plain, mut inspected) = (build(), build());
        let before = parameters(plain.network_mut());
        let g = gradients(&mut network(device), &x, labels);
        let report = plain.step(&x, labels).unwrap();
        let (same, inspection) = inspected.inspect_step(&x, labels).unwrap();
        assert_eq!(report, same);
        let after = parameters(plain.network_mut());
        assert_same_bits("weights", &after, &parameters(inspected.network_mut()));

        let update: Vec<f32> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        for (name, found, expected) in [
            ("gradient", inspection.gradient_norm(), norm(&g)),
            ("update", inspection.update_norm(), norm(&update)),
            ("weight", inspection.weight_norm(), norm(&after)),
        ] {
            assert_close(name, &[found as f32], &[expected], tolerance);
        }
        let names: Vec<&str> = inspection
            .parameters
            .iter()
            .map(|p| p.name.as_str())
            .collect();
        assert_eq!(names, network(device).parameter_names());
        assert_eq!(inspection.parameters[0].weight.count, 8 * 6);

        // The hidden layer, by hand.
        let w = &before[..48];
        let hidden: Vec<f32> = x
            .chunks_exact(6)
            .flat_map(|x| {
                (0..8).map(move |j| (0..6).map(|k| w[6 * j + k] * x[k]).sum::<f32>().tanh())
            })
            .collect();
        assert_eq!(inspection.activations.len(), 1);
        let tanh = &inspection.activations[0];
        assert_eq!((tanh.name.as_str(), tanh.values.count), ("0 tanh", 160));
        let mean = hidden.iter().sum::<f32>() / 160.0;
        assert_close(
            "mean",
            &[tanh.values.mean as f32],
            &[mean.into()],
            Tolerance::absolute(1e-5),
        );
        assert_close(
            "norm",
            &[tanh.values.norm as f32],
            &[norm(&hidden)],
            tolerance,
        );
        // A line for each, and one for each of the two headings.
        assert_eq!(inspection.to_string().lines().count(), 1 + 4 + 2);
    }
}
