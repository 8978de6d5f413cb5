//! Hyperparameters of optimizers: outside their ranges, at the ends, and in range only as `f64`.

use super::common::devices::{cpu, gpu};
use super::zeros;
use wgrad::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Error, Lion, NAdam, Optimizer, OptimizerState, RAdam,
    RmsProp, Sgd, Tensor,
};

fn assert_refused(optimizers: &[Optimizer]) {
    assert!(!optimizers.is_empty());
    for device in [cpu(), gpu()] {
        let w = zeros(device, 2, 2);
        let mut accepted = optimizers.to_vec();
        accepted.retain(|&optimizer| {
            let result = OptimizerState::new(&w, optimizer);
            !matches!(result, Err(Error::Argument { .. }))
        });
        assert!(accepted.is_empty(), "not refused: {accepted:#?}");
    }
}

#[test]
fn hyperparameters_outside_their_ranges_are_refused() {
    let mut bad: Vec<Optimizer> = vec![
        Sgd::new(0.1).dampening(f64::NAN).into(),
        Sgd::new(0.1).nesterov(true).into(),
        Sgd::new(0.1)
            .momentum(0.9)
            .dampening(0.1)
            .nesterov(true)
            .into(),
    ];
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1] {
        bad.append(&mut vec![
            Sgd::new(wrong).into(),
            Adam::new(wrong).into(),
            AdamW::new(wrong).into(),
        ]);
        bad.append(&mut vec![
            Adagrad::new(wrong).into(),
            RmsProp::new(wrong).into(),
            Adadelta::new(wrong).into(),
            Adamax::new(wrong).into(),
            NAdam::new(wrong).into(),
            RAdam::new(wrong).into(),
            Lion::new(wrong).into(),
        ]);
        bad.append(&mut vec![
            Sgd::new(0.1).l1(wrong).into(),
            Adam::new(0.1).l1(wrong).into(),
            AdamW::new(0.1).l1(wrong).into(),
            Adagrad::new(0.1).l1(wrong).into(),
            RmsProp::new(0.1).l1(wrong).into(),
            Adadelta::new(0.1).l1(wrong).into(),
            Adamax::new(0.1).l1(wrong).into(),
            NAdam::new(0.1).l1(wrong).into(),
            RAdam::new(0.1).l1(wrong).into(),
            Lion::new(0.1).l1(wrong).into(),
        ]);
        bad.append(&mut vec![
            Sgd::new(0.1).weight_decay(wrong).into(),
            Adam::new(0.1).weight_decay(wrong).into(),
            AdamW::new(0.1).weight_decay(wrong).into(),
            Adagrad::new(0.1).weight_decay(wrong).into(),
            RmsProp::new(0.1).weight_decay(wrong).into(),
            Adadelta::new(0.1).weight_decay(wrong).into(),
            Adamax::new(0.1).weight_decay(wrong).into(),
            NAdam::new(0.1).weight_decay(wrong).into(),
            NAdam::new(0.1).weight_decay(wrong).decoupled(true).into(),
            RAdam::new(0.1).weight_decay(wrong).into(),
            RAdam::new(0.1).weight_decay(wrong).decoupled(true).into(),
            Lion::new(0.1).weight_decay(wrong).into(),
            NAdam::new(0.1).momentum_decay(wrong).into(),
            Adagrad::new(0.1).rate_decay(wrong).into(),
            Adagrad::new(0.1).initial_accumulator(wrong).into(),
        ]);
    }
    for wrong in [f64::NAN, f64::INFINITY, -0.1, 1.0, 1.5] {
        bad.append(&mut vec![
            Sgd::new(0.1).momentum(wrong).into(),
            Adam::new(0.1).betas(wrong, 0.9).into(),
            Adam::new(0.1).betas(0.9, wrong).into(),
            RmsProp::new(0.1).alpha(wrong).into(),
            RmsProp::new(0.1).momentum(wrong).into(),
            Adadelta::new(0.1).rho(wrong).into(),
            Adamax::new(0.1).betas(wrong, 0.9).into(),
            Adamax::new(0.1).betas(0.9, wrong).into(),
            NAdam::new(0.1).betas(wrong, 0.9).into(),
            NAdam::new(0.1).betas(0.9, wrong).into(),
            RAdam::new(0.1).betas(wrong, 0.9).into(),
            RAdam::new(0.1).betas(0.9, wrong).into(),
            Lion::new(0.1).betas(wrong, 0.9).into(),
            Lion::new(0.1).betas(0.9, wrong).into(),
        ]);
    }
    for wrong in [f64::NAN, f64::INFINITY, -1e-8, 0.0, 1e-60] {
        bad.append(&mut vec![
            Adam::new(0.1).epsilon(wrong).into(),
            Adagrad::new(0.1).epsilon(wrong).into(),
            RmsProp::new(0.1).epsilon(wrong).into(),
            Adadelta::new(0.1).epsilon(wrong).into(),
            Adamax::new(0.1).epsilon(wrong).into(),
            NAdam::new(0.1).epsilon(wrong).into(),
            RAdam::new(0.1).epsilon(wrong).into(),
        ]);
    }
    assert_refused(&bad);
}

#[test]
fn hyperparameters_that_are_not_finite_as_f32_or_flush_to_zero_are_refused() {
    assert_refused(&[
        // Finite as f64, infinite as f32: 0 · ∞ is NaN.
        Sgd::new(1e39).into(),
        AdamW::new(0.1).weight_decay(1e39).into(),
        Adagrad::new(0.1).initial_accumulator(1e39).into(),
        Adam::new(0.1).epsilon(1e39).into(),
        Sgd::new(0.1).momentum(0.5).dampening(1e39).into(),
        // Below 1 as f64, but 1 as f32: the average never forgets.
        Adam::new(0.1).betas(0.9, 1.0 - 1e-12).into(),
        Sgd::new(0.1).momentum(1.0 - 1e-12).into(),
        // Subnormal as f32: a GPU may flush it to zero, and 0/0 is NaN.
        Adam::new(0.1).epsilon(1e-40).into(),
        Adagrad::new(0.1).epsilon(1e-40).into(),
        RmsProp::new(0.1).epsilon(1e-40).into(),
    ]);
}

#[test]
fn hyperparameters_at_the_ends_of_their_ranges_are_legal() {
    let optimizers: [Optimizer; 11] = [
        Sgd::new(0.0).into(),
        Sgd::new(0.0).momentum(0.999).dampening(1.0).into(),
        Adam::new(0.0).betas(0.0, 0.0).into(),
        Adagrad::new(0.0).initial_accumulator(0.0).into(),
        RmsProp::new(0.0).alpha(0.0).momentum(0.0).into(),
        Adadelta::new(0.0).rho(0.0).into(),
        Adamax::new(0.0).betas(0.0, 0.0).into(),
        NAdam::new(0.0).betas(0.0, 0.0).momentum_decay(0.0).into(),
        RAdam::new(0.0).betas(0.0, 0.0).into(),
        Lion::new(0.0).betas(0.0, 0.0).into(),
        Sgd::new(0.0)
            .momentum(0.9)
            .nesterov(true)
            .classical(true)
            .into(),
    ];
    for optimizer in optimizers {
        for device in [cpu(), gpu()] {
            let mut w = Tensor::new(device, [1, 2], &[1.5, -2.5]).unwrap();
            let mut state = OptimizerState::new(&w, optimizer).unwrap();
            let gradient = Tensor::new(device, [1, 2], &[1.0, 0.0]).unwrap();
            w.update(&gradient, &mut state).unwrap();
            assert_eq!(w.download().unwrap(), [1.5, -2.5], "{optimizer:?}");
        }
    }
}
