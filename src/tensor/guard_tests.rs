//! Kernels that set or obey the non-finite guard without a tensor call, on every device.

use super::*;
use crate::device::GpuOptions;
use crate::kernel::base::guard::{ALL_FINITE, NEEDS_CARE, REFUSED_BEFORE};
use crate::kernel::base::state::{FIRST_NON_FINITE, STATE_WORDS, VALUES, state_at};
use crate::kernel::{BatchNormBackward, Choose, ColumnSum, CopyIfFinite, Note};

fn devices() -> [Device; 3] {
    let options = GpuOptions::default().allow_software(true).sentinels(true);
    let gpu = |options| Device::gpu(options).expect("the GPU tests need an adapter");
    [
        Device::cpu(),
        gpu(options.clone()),
        gpu(options.hardware_kernels(true)),
    ]
}

fn read(device: &Device, memory: &Memory) -> Vec<u32> {
    pollster::block_on(memory.download(device)).unwrap()
}

/// A matrix of ones, but for one value.
fn matrix(device: &Device, shape: [usize; 2], place: usize, value: f32) -> Tensor {
    let mut values = vec![1.0; shape[0] * shape[1]];
    values[place] = value;
    Tensor::new(device, shape, &values).unwrap()
}

#[test]
fn column_sums_of_a_gradient_report_what_is_not_finite() {
    for device in devices() {
        for [rows, cols] in [[1, 1], [5, 7], [300, 37]] {
            let last = rows * cols - 1;
            for (value, before, after) in [
                (2.0, ALL_FINITE, ALL_FINITE),
                (f32::NAN, ALL_FINITE, 3),
                (f32::NEG_INFINITY, ALL_FINITE, 3),
                (f32::NAN, 2, 2),
            ] {
                let x = matrix(&device, [rows, cols], last, value);
                let mut sums = Tensor::room(&device, MatrixShape::new(1, cols)).unwrap();
                let mut state = device.words("state", vec![0, 0, before, 0]).unwrap();
                let call = ColumnSum {
                    shape: x.shape,
                    gradient: Some(3),
                };
                let operands = &mut [
                    Operand::Read(&x.memory),
                    Operand::Write(&mut sums.memory),
                    Operand::Write(&mut state),
                ];
                device.run(call, operands).unwrap();
                assert_eq!(
                    read(&device, &state)[FIRST_NON_FINITE],
                    after,
                    "{value} {rows} {cols}"
                );
                let sum = sums.download().unwrap()[cols - 1];
                if value.is_finite() {
                    assert_eq!(sum, rows as f32 + 1.0);
                } else {
                    assert!(!sum.is_finite());
                }
            }
        }
    }
}

#[test]
fn gradients_of_batch_normalisation_report_what_is_not_finite() {
    for device in devices() {
        for [rows, cols] in [[2, 3], [300, 37]] {
            let (shape, last) = ([rows, cols], rows * cols - 1);
            // A bad dy spoils both sums, a bad x that of dγ alone; the lower id wins, and 0 is no id.
            for (dy, x, ids, after) in [
                (1.0, 1.0, [3, 4], ALL_FINITE),
                (f32::NAN, 1.0, [3, 4], 3),
                (f32::NAN, 1.0, [4, 3], 3),
                (f32::NAN, 1.0, [0, 4], 4),
                (f32::NAN, 1.0, [3, 0], 3),
                (f32::NAN, 1.0, [0, 0], ALL_FINITE),
                (1.0, f32::INFINITY, [3, 4], 3),
                (1.0, f32::INFINITY, [4, 3], 4),
                (1.0, f32::INFINITY, [0, 4], ALL_FINITE),
            ] {
                let dy = matrix(&device, shape, last, dy);
                let x = matrix(&device, shape, last, x);
                let saved = matrix(&device, [2, cols], 0, 1.0);
                let gamma = matrix(&device, [1, cols], 0, 1.0);
                let row = MatrixShape::new(1, cols);
                let mut outputs = [dy.shape, row, row].map(|s| Tensor::room(&device, s).unwrap());
                let mut state = device.words("state", state_at(0).to_vec()).unwrap();
                let call = BatchNormBackward {
                    shape: dy.shape,
                    saved_rows: 2,
                    gamma_id: ids[0],
                    beta_id: ids[1],
                };
                let mut operands: Vec<Operand<'_>> = [&dy, &x, &saved, &gamma]
                    .map(|tensor| Operand::Read(&tensor.memory))
                    .into();
                operands.extend(outputs.iter_mut().map(|t| Operand::Write(&mut t.memory)));
                operands.push(Operand::Write(&mut state));
                device.run(call, &mut operands).unwrap();
                assert_eq!(
                    read(&device, &state)[FIRST_NON_FINITE],
                    after,
                    "{ids:?} {shape:?}"
                );
            }
        }
    }
}

#[test]
fn nothing_is_committed_while_the_guard_is_set() {
    for device in devices() {
        for (guard, expected) in [(ALL_FINITE, 2.0), (0, 1.0), (5, 1.0), (NEEDS_CARE, 1.0)] {
            let mut current = Tensor::filled(&device, [9, 129], 1.0).unwrap();
            let next = Tensor::filled(&device, [9, 129], 2.0).unwrap();
            let state = device.words("state", vec![0, 0, guard, 0]).unwrap();
            let call = CopyIfFinite {
                floats: next.shape.floats(),
            };
            let operands = &mut [
                Operand::Read(&next.memory),
                Operand::Read(&state),
                Operand::Write(&mut current.memory),
            ];
            device.run(call, operands).unwrap();
            let found = current.download().unwrap();
            assert!(found.iter().all(|&value| value == expected), "{guard}");
        }
    }
}

#[test]
fn a_refused_call_is_counted_and_the_first_unreported_one_is_kept() {
    for device in devices() {
        let mut refused = device.words("refused calls", vec![0; 4]).unwrap();
        for (guard, call, reported, expected) in [
            (ALL_FINITE, 4, 0, [0, 0, 0, 0]),
            (17, 3, 0, [1, 3, 17, 0]),
            (5, 2, 0, [2, 3, 17, 0]),
            (ALL_FINITE, 4, 2, [2, 3, 17, 0]),
            (0, 1, 2, [3, 1, 0, 0]),
            (9, 5, 2, [4, 1, 0, 0]),
        ] {
            let state = device.words("state", vec![0, 0, guard, 0]).unwrap();
            let operands = &mut [Operand::Read(&state), Operand::Write(&mut refused)];
            device.run(Note { call, reported }, operands).unwrap();
            assert_eq!(read(&device, &refused), expected, "{guard} {reported}");
        }
    }
}

#[test]
fn the_values_of_a_step_are_chosen_by_the_refused_updates() {
    for device in devices() {
        for (count, expected) in [(7, Some(0)), (8, Some(1)), (9, Some(2)), (10, None)] {
            let mut words = state_at(0).to_vec();
            words.extend(100..112);
            let mut state = device.words("state", words).unwrap();
            let refused = device.words("refused calls", vec![count, 0, 0, 0]).unwrap();
            let (known, choices) = (7, 3);
            let operands = &mut [Operand::Write(&mut state), Operand::Read(&refused)];
            device.run(Choose { known, choices }, operands).unwrap();
            let found = read(&device, &state);
            match expected {
                Some(place) => {
                    let first = 100 + 4 * place;
                    assert_eq!(
                        found[VALUES..][..4],
                        [first, first + 1, first + 2, first + 3]
                    );
                    assert_eq!(found[FIRST_NON_FINITE], ALL_FINITE);
                }
                None => {
                    assert_eq!(found[FIRST_NON_FINITE], REFUSED_BEFORE);
                    assert_eq!(found[VALUES], 0);
                }
            }
            assert_eq!(found[STATE_WORDS..], (100..112).collect::<Vec<_>>());
        }
    }
}
