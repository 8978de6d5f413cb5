//! Operands whose shapes do not fit: the error of every tensor call names the expected and the actual shape.

mod images;
mod matrices;
mod sequences;
mod stacks;

use super::common::devices::{cpu, gpu};
use super::{indices, norm, state, zeros};
use wgrad::{Device, Error, Result};

/// Calls with operands that do not fit: (operation, result).
type Misfits = Vec<(&'static str, Result<()>)>;

fn misfits(d: &Device) -> Misfits {
    let mut misfits = matrices::misfits(d);
    misfits.extend(images::misfits(d));
    misfits.extend(images::convolution_misfits(d));
    misfits.extend(stacks::misfits(d));
    misfits.extend(sequences::misfits(d));
    misfits.extend(sequences::recurrent_misfits(d));
    misfits
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    for device in [cpu(), gpu()] {
        for (i, (name, result)) in misfits(device).into_iter().enumerate() {
            let Err(Error::Shape {
                operation,
                expected,
                found,
            }) = result
            else {
                panic!("misfit {i}, {name}: {result:?}");
            };
            assert_eq!(operation, name, "misfit {i}");
            assert_ne!(expected, found, "misfit {i}, {name}");
        }
    }
}

#[test]
fn a_state_of_another_shape_with_as_many_floats_is_refused() {
    for device in [cpu(), gpu()] {
        // Both take 16 floats with their padding.
        let result =
            zeros(device, 2, 5).update(&zeros(device, 2, 5), &mut state(&zeros(device, 4, 3)));
        assert!(
            matches!(
                result,
                Err(Error::Shape {
                    operation: "update",
                    ..
                })
            ),
            "{result:?}"
        );
    }
}
