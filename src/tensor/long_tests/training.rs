//! Long axes for the kernels of a training step.

use super::{VEC4S, devices, state_of, values};
use crate::device::Operand;
use crate::kernel::base::guard::ALL_FINITE;
use crate::kernel::base::state::{
    ENTRY_WORDS, FIRST_NON_FINITE, NEXT_STEP, STATE_WORDS, VALUES, state_at,
};
use crate::kernel::update::{ClipWith, Keep};
use crate::kernel::{Accumulate, CopyIfFinite, MatrixShape, ResetRows, Scales, Update};
use crate::tensor::Tensor;

/// Copy-if-finite copies everything or nothing.
#[test]
fn long_statistics_are_committed_whole() {
    for device in devices() {
        for count in VEC4S {
            let shape = [1, 4 * count];
            let (old, new) = (values(1, 4 * count), values(2, 4 * count));
            for guard in [ALL_FINITE, 0] {
                let mut current = Tensor::new(&device, shape, &old).unwrap();
                let next = Tensor::new(&device, shape, &new).unwrap();
                let state = device.words("state", vec![0, 0, guard, 0]).unwrap();
                let operands = &mut [
                    Operand::Read(&next.memory),
                    Operand::Read(&state),
                    Operand::Write(&mut current.memory),
                ];
                let call = CopyIfFinite { floats: 4 * count };
                device.run(call, operands).unwrap();
                let expected = if guard == ALL_FINITE { &new } else { &old };
                let same = current.download().unwrap() == *expected;
                assert!(same, "{count} on {}", device.report());
            }
        }
    }
}

/// A reset of rows, of which every third starts a sequence: the whole row, and no other.
#[test]
fn long_states_are_reset_by_row() {
    for device in devices() {
        for count in VEC4S {
            // One wide row, or many narrow ones.
            for (rows, cols) in [(1, 4 * count), (count, 3)] {
                let old = values(1, rows * cols);
                let mut x = Tensor::new(&device, [rows, cols], &old).unwrap();
                let words = |words| device.words("words", words).unwrap();
                let starts: Vec<u32> = (0..rows.max(4) as u32)
                    .map(|i| u32::from(i % 3 == 0))
                    .collect();
                // The samples in reverse.
                let indices: Vec<u32> = (0..rows.max(4) as u32).rev().collect();
                let samples = starts.len();
                let (starts_there, indices_there) = (words(starts.clone()), words(indices.clone()));
                let table = words(vec![0; ENTRY_WORDS]);
                let state = words(state_at(0).to_vec());
                let operands = &mut [
                    Operand::Read(&starts_there),
                    Operand::Read(&indices_there),
                    Operand::Read(&table),
                    Operand::Read(&state),
                    Operand::Write(&mut x.memory),
                ];
                let call = ResetRows {
                    shape: MatrixShape::new(rows, cols),
                    samples,
                    table_steps: 1,
                };
                device.run(call, operands).unwrap();
                let expected = old.iter().enumerate().map(|(i, &value)| {
                    let is_start = starts[indices[i / cols] as usize] != 0;
                    if is_start { 0.0 } else { value }
                });
                let same = x.download().unwrap() == expected.collect::<Vec<f32>>();
                assert!(same, "{rows}×{cols} on {}", device.report());
            }
        }
    }
}

/// Sums of the gradients of micro-batches: ½·sum + x, which is exact for these numbers. A dry run finds the one place
/// at which such a sum would overflow.
#[test]
fn long_gradients_are_accumulated_whole() {
    let scales = Scales { steps: 1, terms: 1 };
    for device in devices() {
        for count in VEC4S {
            let floats = 4 * count;
            let (x, sum) = (values(1, floats), values(2, floats));
            let both = || x.iter().zip(&sum).map(|(x, sum)| 0.5 * sum + x);
            let mut words = state_at(0).to_vec();
            words.resize(scales.state_words(), 0);
            words[NEXT_STEP] = 1;
            words[STATE_WORDS] = 0.5f32.to_bits();
            let run = |call: Accumulate, x: &[f32], sum: &[f32]| {
                let mut x = Tensor::new(&device, [1, floats], x).unwrap();
                let mut sum = Tensor::new(&device, [1, floats], sum).unwrap();
                let mut state = device.words("state", words.clone()).unwrap();
                let operands = &mut if call.updates {
                    [
                        Operand::Write(&mut x.memory),
                        Operand::Read(&sum.memory),
                        Operand::Write(&mut state),
                    ]
                } else {
                    [
                        Operand::Read(&x.memory),
                        Operand::Write(&mut sum.memory),
                        Operand::Write(&mut state),
                    ]
                };
                device.run(call, operands).unwrap();
                let [x, sum] = [x, sum].map(|tensor| tensor.download().unwrap());
                (x, sum, state_of(&device, &state))
            };
            let call = |opens, updates| Accumulate {
                floats,
                opens,
                updates,
                increment_step: !updates,
                scales,
                dry: None,
            };
            let name = format!("{count} on {}", device.report());
            let begun = run(call(true, false), &x, &sum);
            assert!(begun.1 == x && begun.2[0] == 1, "{name}");
            let added = run(call(false, false), &x, &sum);
            assert!(added.1.iter().copied().eq(both()), "{name}");
            let ended = run(call(false, true), &x, &sum);
            assert!(
                ended.0.iter().copied().eq(both()) && ended.1 == sum,
                "{name}"
            );

            let mut large = [x.clone(), sum.clone()];
            large.iter_mut().for_each(|all| all[floats - 1] = f32::MAX);
            let dry = |x: &[f32]| {
                let dry = Accumulate {
                    dry: Some(7),
                    ..call(false, false)
                };
                run(dry, x, &large[1]).2[FIRST_NON_FINITE]
            };
            assert_eq!(dry(&x), ALL_FINITE, "{name}");
            assert_eq!(dry(&large[0]), 7 + (floats as u32 - 1) / 64, "{name}");
        }
    }
}

/// The dry run of an update finds the one place at which it would overflow, and changes nothing.
#[test]
fn dry_updates_reach_the_end() {
    for device in devices() {
        for count in VEC4S {
            let floats = 4 * count;
            for (last, after) in [(1.0, ALL_FINITE), (f32::MAX, 7 + (floats as u32 - 1) / 64)] {
                let mut weights = vec![1.0; floats];
                weights[floats - 1] = -last;
                let mut there = Tensor::new(&device, [1, floats], &weights).unwrap();
                let gradient = Tensor::filled(&device, [1, floats], 1e38).unwrap();
                let mut words = state_at(0).to_vec();
                words[VALUES] = 0.5f32.to_bits();
                let mut state = device.words("state", words).unwrap();
                let call = Update {
                    optimizer: crate::Sgd::new(0.5).into(),
                    floats,
                    increment_step: false,
                    clip: ClipWith::Nothing,
                    grouped: false,
                    keep: Keep::Dry(7),
                };
                let operands = &mut [
                    Operand::Write(&mut there.memory),
                    Operand::Read(&gradient.memory),
                    Operand::Write(&mut state),
                ];
                device.run(call, operands).unwrap();
                let name = format!("{count} on {}", device.report());
                assert_eq!(state_of(&device, &state)[FIRST_NON_FINITE], after, "{name}");
                assert!(there.download().unwrap() == weights, "{name}");
            }
        }
    }
}
