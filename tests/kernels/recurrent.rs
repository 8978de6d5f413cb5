//! Recurrent layers, forward and backward: every cell over awkward sizes, in both directions, with and without biases,
//! initial state and lengths.

mod case;

use crate::common::compare::{assert_close, assert_same_bits};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, gpu_checked, gpu_hardware_kernels, gpu_without_extras};
use crate::common::oracle::recurrent::Layer;
use case::{Case, ON_GPUS, RESULTS, SIZES, TOLERANCE, VARIANTS, check};
use wgrad::{Cell, RecurrentLayer, Tensor};

#[test]
fn every_cell_agrees_with_the_oracle() {
    let mut checked = 0;
    for cell in Cell::ALL {
        for sizes in SIZES {
            // The oracle is slow, so large sizes have few variants.
            let variants = if sizes[3] > 12 { 2 } else { VARIANTS.len() };
            for flags in VARIANTS.into_iter().take(variants) {
                let case = Case::new(cell, sizes, flags);
                check(&case, cpu(), &format!("{cell:?} {sizes:?} {flags:?}"));
                checked += 1;
            }
        }
        for (sizes, flags) in ON_GPUS {
            let case = Case::new(cell, sizes, flags);
            for device in [gpu(), gpu_hardware_kernels()] {
                let name = format!("{cell:?} {sizes:?} {flags:?} on {}", device.report());
                check(&case, device, &name);
            }
        }
    }
    assert_eq!(checked, 4 * (5 * VARIANTS.len() + 5 * 2));
    // Other sizes on the same pipelines, and few operands.
    for (sizes, flags) in [
        ([33, 3, 9, 6], VARIANTS[1]),
        ([0, 3, 2, 5], VARIANTS[1]),
        (SIZES[5], VARIANTS[3]),
        (SIZES[4], VARIANTS[5]),
    ] {
        let case = Case::new(Cell::Lstm, sizes, flags);
        for device in [gpu(), gpu_hardware_kernels()] {
            check(
                &case,
                device,
                &format!("{sizes:?} {flags:?} on {}", device.report()),
            );
        }
    }
}

#[test]
fn other_devices_agree_too() {
    for cell in [Cell::Lstm, Cell::Relu] {
        let case = Case::new(cell, SIZES[1], VARIANTS[1]);
        check(&case, gpu_checked(), "with bounds checks");
        let name = "without subgroups and 64-bit words";
        check(&case, gpu_without_extras(), name);
    }
}

/// Whatever is past the lengths, results have the same bits, and gradients and outputs are 0 there.
#[test]
fn padding_changes_nothing() {
    for cell in Cell::ALL {
        for (sizes, flags) in [([5, 4, 3, 6], VARIANTS[1]), ([6, 4, 4, 68], VARIANTS[2])] {
            let case = Case::new(cell, sizes, flags);
            let Layer {
                steps,
                inputs,
                hidden,
                ref lengths,
                ..
            } = case.layer;
            for device in [cpu(), gpu(), gpu_hardware_kernels()] {
                let zeros = case.run(device, Some(0.0)).unwrap();
                for padding in [f32::NAN, f32::INFINITY, 1e30] {
                    let padded = case.run(device, Some(padding)).unwrap();
                    for ((what, a), b) in RESULTS.iter().zip(&zeros).zip(&padded) {
                        assert_same_bits(&format!("{cell:?} {padding} {what}"), a, b);
                    }
                }
                for (values, width) in [(&zeros[0], hidden), (&zeros[2], inputs)] {
                    for (row, values) in values.chunks(width).enumerate() {
                        let past = row % steps >= lengths[row / steps];
                        assert!(
                            !past || values.iter().all(|&v| v == 0.0),
                            "{cell:?} row {row}"
                        );
                    }
                }
            }
        }
    }
}

/// A sequence in two parts, the state passed on, has the bits of the whole.
#[test]
fn the_state_carries_a_sequence_on() {
    for (cell, sizes) in [(Cell::Lstm, [6, 68]), (Cell::Gru, [6, 68])] {
        for hidden in sizes {
            let mut random = Random::new(hidden as u64);
            let rows = cell.gates() * hidden;
            let (values, w, v) = (
                random.normals(2 * 6 * 3),
                random.normals(rows * 3),
                random.normals(rows * hidden),
            );
            for device in [cpu(), gpu(), gpu_hardware_kernels()] {
                let w = Tensor::new(device, [rows, 3], &w).unwrap();
                let v = Tensor::new(device, [rows, hidden], &v)
                    .unwrap()
                    .scale(0.1)
                    .unwrap();
                let layer = RecurrentLayer::new(cell, &w, &v);
                let x = Tensor::new(device, [2, 6, 3], &values).unwrap();
                let whole = x.recurrent(&layer).unwrap();
                let part = |range: std::ops::Range<usize>| {
                    let part: Vec<f32> = values
                        .chunks(18)
                        .flat_map(|sample| &sample[3 * range.start..3 * range.end])
                        .copied()
                        .collect();
                    Tensor::new(device, [2, range.len(), 3], &part).unwrap()
                };
                let first = part(0..4).recurrent(&layer).unwrap();
                let mut next = layer;
                next.initial = Some(&first.state);
                let second = part(4..6).recurrent(&next).unwrap();
                let name = format!("{cell:?} {hidden}");
                assert_same_bits(
                    &name,
                    &whole.state.download().unwrap(),
                    &second.state.download().unwrap(),
                );
                let (whole, second) = (whole.y.download().unwrap(), second.y.download().unwrap());
                for (whole, second) in whole.chunks(6 * hidden).zip(second.chunks(2 * hidden)) {
                    assert_same_bits(&name, &whole[4 * hidden..], second);
                }
            }
        }
    }
}

/// A sequence whose steps need more than one call on a software adapter.
#[test]
fn long_sequences_agree_with_the_oracle() {
    let layer = Case::new(Cell::Gru, [1, 2400, 1, 4], [false, true, false, false]);
    let found = layer.run(gpu(), None).unwrap();
    let expected = layer.expected();
    for i in [0, 1, 2] {
        assert_close(RESULTS[i], &found[i], &expected[i], TOLERANCE.times(2.0));
    }
}

/// More samples than a dispatch has workgroups in one dimension, and more units than a chain of sums should have.
#[test]
fn many_samples_and_units_agree_with_the_oracle() {
    for (cell, sizes, flags) in [
        (Cell::Gru, [140_000, 1, 1, 1], VARIANTS[1]),
        (Cell::Tanh, [1, 2, 1, 1030], VARIANTS[0]),
    ] {
        let case = Case::new(cell, sizes, flags);
        let expected = case.expected();
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            let found = case.run(device, None).unwrap();
            // All but the gradients of weights, which are sums over all samples.
            for i in [0, 1, 2, 7] {
                let tolerance = TOLERANCE.times(2.0);
                assert_close(RESULTS[i], &found[i], &expected[i], tolerance);
            }
        }
    }
}

/// A NaN at one time reaches all units of its sample from then on, through every gate, and no other sample.
#[test]
fn a_nan_stays_in_its_sample_and_is_not_hidden() {
    const SAMPLE: usize = 1;
    for cell in Cell::ALL {
        let (sizes, flags) = ON_GPUS[1];
        let clean = Case::new(cell, sizes, flags);
        let mut case = Case::new(cell, sizes, flags);
        let [_, steps, inputs, hidden] = sizes;
        assert_eq!(
            (case.layer.reverse, case.layer.lengths[SAMPLE]),
            (false, steps)
        );
        case.layer.x[(SAMPLE * steps + 1) * inputs] = f64::NAN;
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            let name = format!("{cell:?} on {}", device.report());
            let found = case.run(device, None).unwrap();
            let expected = clean.run(device, None).unwrap();
            // y and dx by row, the state by sample.
            for (i, width, times) in [
                (0, hidden, steps),
                (1, cell.states() * hidden, 1),
                (2, inputs, steps),
            ] {
                let rows = found[i].chunks(width).zip(expected[i].chunks(width));
                for (row, (found, expected)) in rows.enumerate() {
                    let name = format!("{name}: {} of row {row}", RESULTS[i]);
                    if row / times != SAMPLE || i == 0 && row % times == 0 {
                        assert_same_bits(&name, found, expected);
                    } else if i < 2 {
                        assert!(
                            found.iter().all(|value| value.is_nan()),
                            "{name}: {found:?}"
                        );
                    }
                }
            }
        }
    }
}
