//! Parameters and moments of about the size of a binding.

use super::common::devices::gpu;
use approx::assert_abs_diff_eq;
use wgrad::{Adam, Error, Sequential, Sgd, Trainer};

#[test]
fn a_parameter_over_the_binding_limit_is_refused_with_both_numbers() {
    let limit = gpu().report().max_binding_bytes;
    let outputs = (limit / 4 / 1024 + 1) as usize;
    let Err(Error::Limit {
        needed,
        limit: found,
        ..
    }) = Sequential::new(1024).dense(outputs).build(gpu(), 0)
    else {
        panic!("not refused")
    };
    assert!(found == limit && needed > limit, "{needed} {found}");
}

#[test]
fn a_large_parameter_trains_with_what_moments_there_is_room_for() {
    let limit = gpu().report().max_binding_bytes.min(1 << 27);
    // Two moments are one and a half times what a binding holds.
    let outputs = (limit / 16 * 3 / 1024) as usize;
    let build = || {
        let layers = Sequential::new(1024).dense_without_bias(outputs);
        layers.init(wgrad::Init::Zeros).build(gpu(), 0).unwrap()
    };
    if gpu().report().max_binding_bytes == limit {
        let refused = Trainer::builder(build()).optimizer(Adam::new(0.1)).build();
        assert!(
            matches!(refused, Err(Error::Limit { .. })),
            "{:?}",
            refused.map(drop)
        );
    }
    let mut trainer = Trainer::builder(build())
        .optimizer(Sgd::new(1.0).momentum(0.9))
        .batch_size(1)
        .build()
        .unwrap();
    let report = trainer.step(&[1.0; 1024], &[0u32]).unwrap();
    assert_abs_diff_eq!(report.loss, (outputs as f64).ln(), epsilon = 1e-3);
}
