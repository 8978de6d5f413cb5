//! Losses: parameters out of range, targets of the wrong kind, labels that are no class, non-finite logits; and gather
//! indices out of range.

use super::common::criteria::{Target, criteria, facts, refused};
use super::common::devices::{cpu, gpu};
use super::{indices, zeros};
use wgrad::{Criterion, Error, Loss, Tensor, TensorTarget};

#[test]
fn labels_and_indices_out_of_range_are_refused() {
    for device in [cpu(), gpu()] {
        for (labels, bad_row, bad_label) in [
            ([0, 1, 3], 2, 3),
            ([3, 0, 0], 0, 3),
            ([2, u32::MAX, 0], 1, u32::MAX),
        ] {
            let result = zeros(device, 3, 3).cross_entropy(&indices(device, &labels));
            let Err(Error::Label {
                row,
                label,
                classes,
            }) = result
            else {
                panic!("{labels:?}: {result:?}");
            };
            assert_eq!((row, label, classes), (bad_row, bad_label, 3));
        }
        // The ignored label may be anything, the others may not; a single column has labels 0 and 1, but not if it is a
        // class.
        let ignoring = Loss::softmax_cross_entropy().ignore_index(9);
        let binary = Loss::binary_cross_entropy_with_logits();
        for (loss, cols, labels, bad) in [
            (&ignoring, 3, [9, 2, 9], None),
            (&ignoring, 3, [9, 8, 3], Some((1, 8, 3))),
            (&ignoring, 1, [0, 9, 1], Some((2, 1, 1))),
            (&binary, 1, [0, 1, 1], None),
            (&binary, 1, [0, 2, 1], Some((1, 2, 2))),
        ] {
            let result = zeros(device, 3, cols).loss(loss, &[], &indices(device, &labels));
            match (result, bad) {
                (Ok(_), None) => {}
                (
                    Err(Error::Label {
                        row,
                        label,
                        classes,
                    }),
                    Some(bad),
                ) => assert_eq!((row, label, classes), bad),
                (result, _) => panic!("{labels:?}: {result:?}"),
            }
        }
        for (rows, index) in [(3, 3), (3, u32::MAX), (0, 0)] {
            let result = zeros(device, rows, 2).gather_rows(&indices(device, &[index]));
            assert!(
                matches!(result, Err(Error::Argument { .. })),
                "{rows} rows, {index}: {result:?}"
            );
        }
    }
}

#[test]
fn logits_that_are_not_finite_are_refused() {
    for device in [cpu(), gpu()] {
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for [rows, cols] in [[1, 1], [3, 5], [67, 33], [2, 1000]] {
                for place in [0, rows * cols / 2, rows * cols - 1] {
                    let mut logits = vec![0.5; rows * cols];
                    logits[place] = bad;
                    let logits = Tensor::new(device, [rows, cols], &logits).unwrap();
                    let result = logits.cross_entropy(&indices(device, &vec![0; rows]));
                    assert!(
                        matches!(&result, Err(Error::NonFinite { tensor, .. }) if tensor == "the loss"),
                        "{bad} at {place} of [{rows}, {cols}] on {}: {result:?}",
                        device.report(),
                    );
                }
            }
        }
    }
}

#[test]
fn parameters_of_criteria_outside_their_range_are_refused() {
    for device in [cpu(), gpu()] {
        let x = Tensor::filled(device, [2, 3], 0.5).unwrap();
        let labels = indices(device, &[0, 1]);
        let call = |criterion: Criterion| {
            let facts = facts(criterion);
            let target = match facts.target {
                Target::Values => TensorTarget::Values(&x),
                Target::OnePerRow | Target::Labels => TensorTarget::Labels(&labels),
                Target::Nothing => TensorTarget::None,
            };
            x.loss(&criterion.into(), &vec![&x; facts.count - 1], target)
        };
        for criterion in refused() {
            let result = call(criterion).map(drop);
            let is_refused = matches!(result, Err(Error::Argument { .. }));
            assert!(is_refused, "{criterion:?}: {result:?}");
        }
        for criterion in criteria() {
            call(criterion).unwrap();
        }
    }
}

#[test]
fn losses_out_of_range_and_targets_they_do_not_take_are_refused() {
    let device = cpu();
    let (x, labels) = (zeros(device, 2, 3), indices(device, &[0, 1]));
    let plain = Loss::softmax_cross_entropy;
    let multi_margin = Criterion::MultiMargin { margin: 1.0 };
    let no_target = TensorTarget::None;
    let (of_labels, of_values) = (TensorTarget::Labels(&labels), TensorTarget::Values(&x));
    let squared = Loss::mean_squared_error;
    let refused: Vec<(Loss, TensorTarget<'_>)> = vec![
        (plain().scaled(f32::NAN), of_labels),
        (plain().class_weights([1.0, 1.0]), of_labels),
        (plain().class_weights([1.0, -1.0, 1.0]), of_labels),
        (plain().class_weights([1.0, f32::NAN, 1.0]), of_labels),
        (squared().class_weights([1.0; 3]), of_values),
        (squared().ignore_index(1), of_values),
        (squared(), no_target),
        (squared(), TensorTarget::Constant(f32::NAN)),
        (multi_margin.into(), of_values),
        (multi_margin.into(), TensorTarget::Constant(0.0)),
        (Criterion::Value.into(), of_labels),
    ];
    for (loss, target) in refused {
        let result = x.loss(&loss, &[], target).map(drop);
        assert!(
            matches!(result, Err(Error::Argument { .. })),
            "{loss:?}, {target:?}: {result:?}"
        );
    }
}
