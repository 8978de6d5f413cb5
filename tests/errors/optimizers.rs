//! Hyperparameters of optimizers: outside their ranges, at the ends, and in range only as `f64`.

use super::common::devices::{cpu, gpu};
use super::common::optimizers::{Facts, Range, facts};
use super::zeros;
use wgrad::{Error, Optimizer, OptimizerState, Tensor};

/// The optimizer with each value of each setting that its range gives.
fn with_values(facts: &Facts, rate: f64, values: fn(Range) -> &'static [f64]) -> Vec<Optimizer> {
    let settings = facts.settings.iter();
    settings
        .flat_map(|setting| {
            let values = values(setting.range).iter();
            values.map(|&value| (setting.set)(rate, value))
        })
        .collect()
}

#[test]
fn hyperparameters_outside_their_ranges_are_refused() {
    for facts in facts() {
        let mut refused = with_values(&facts, 0.1, |range| range.outside());
        assert!(refused.len() >= 15, "{}", facts.name);
        refused.extend(&facts.refused);
        for device in [cpu(), gpu()] {
            let w = zeros(device, 2, 2);
            for &optimizer in &refused {
                let result = OptimizerState::new(&w, optimizer).map(drop);
                let is_refused = matches!(result, Err(Error::Argument { .. }));
                assert!(is_refused, "{optimizer:?}: {result:?}");
            }
        }
    }
}

#[test]
fn hyperparameters_at_the_ends_of_their_ranges_are_legal() {
    for facts in facts() {
        let mut legal = with_values(&facts, 0.0, |range| range.ends());
        legal.extend(&facts.legal);
        for optimizer in legal {
            for device in [cpu(), gpu()] {
                let mut w = Tensor::new(device, [1, 2], &[1.5, -2.5]).unwrap();
                let mut state = OptimizerState::new(&w, optimizer).unwrap();
                let gradient = Tensor::new(device, [1, 2], &[1.0, 0.0]).unwrap();
                w.update(&gradient, &mut state).unwrap();
                assert_eq!(w.download().unwrap(), [1.5, -2.5], "{optimizer:?}");
            }
        }
    }
}
