//! Long axes for kernels without a tensor call, on every device: more rows and columns than the loop iterations of an
//! invocation on lavapipe (65,535), and than the workgroups of one dispatch dimension. tests/kernels/long_axes.rs
//! covers kernels with tensor calls.

mod caches;
mod elementwise;
mod sweeps;
mod training;

use super::*;
use crate::device::GpuOptions;
use crate::kernel::base::guard::ALL_FINITE;
use crate::kernel::base::state::{FIRST_NON_FINITE, state_at};
use crate::kernel::{ColumnSum, Movement, MovementOp, RowSum};

const SHAPES: [[usize; 2]; 6] = [
    [65_537, 2],
    [131_073, 1],
    [300_001, 1],
    [2, 65_541],
    [1, 131_073],
    [1, 300_001],
];

/// `vec4` elements of flat regions.
const VEC4S: [usize; 3] = [65_537, 131_073, 300_001];

fn devices() -> [Device; 3] {
    let options = GpuOptions::default().allow_software(true).sentinels(true);
    let gpu = |options| Device::gpu(options).expect("the GPU tests need an adapter");
    [
        Device::cpu(),
        gpu(options.clone()),
        gpu(options.hardware_kernels(true)),
    ]
}

fn state_of(device: &Device, memory: &Memory) -> Vec<u32> {
    pollster::block_on(memory.download(device)).unwrap()
}

/// Values repeat after so many places, a prime number.
const PERIOD: usize = 251;

/// Odd multiples of 1/128 between −2 and 2.
fn value(seed: usize, place: usize) -> f32 {
    ((place * 7 + seed * 31) % PERIOD) as f32 / 64.0 - 251.0 / 128.0
}

fn values(seed: usize, count: usize) -> Vec<f32> {
    (0..count).map(|place| value(seed, place)).collect()
}

/// The copy of a long gradient tests the last value as well as the first.
#[test]
fn gradients_that_are_not_finite_are_found_at_the_end() {
    for device in devices() {
        for shape @ [rows, cols] in SHAPES {
            let matrix = MatrixShape::new(rows, cols);
            for (place, value) in [(0, 1.0), (0, f32::NAN), (rows * cols - 1, f32::INFINITY)] {
                let mut x = vec![1.0; rows * cols];
                x[place] = value;
                let x = Tensor::new(&device, shape, &x).unwrap();
                let after = if value.is_finite() { ALL_FINITE } else { 3 };
                let column_sum = ColumnSum {
                    shape: matrix,
                    gradient: Some(3),
                };
                let copy = Elementwise {
                    op: Op::GradientCopy(3),
                    shape: matrix,
                };
                for (call, out) in [
                    (Kernel::from(column_sum), MatrixShape::new(1, cols)),
                    (copy.into(), matrix),
                ] {
                    let name = format!("{} on {}", call.label(), device.report());
                    let mut out = Tensor::room(&device, out).unwrap();
                    let mut state = device.words("state", state_at(0).to_vec()).unwrap();
                    let operands = &mut [
                        Operand::Read(&x.memory),
                        Operand::Write(&mut out.memory),
                        Operand::Write(&mut state),
                    ];
                    device.run(call, operands).unwrap();
                    assert_eq!(
                        state_of(&device, &state)[FIRST_NON_FINITE],
                        after,
                        "{name}, {value}"
                    );
                }
            }
        }
    }
}

/// Sums of small integers are exact in any order.
#[test]
fn row_sums_take_every_value() {
    for device in devices() {
        for shape @ [rows, cols] in SHAPES {
            let x: Vec<f32> = (0..rows * cols).map(|i| (i % 7) as f32 - 2.0).collect();
            let there = Tensor::new(&device, shape, &x).unwrap();
            let mut out = Tensor::room(&device, MatrixShape::new(rows, 1)).unwrap();
            let call = RowSum { shape: there.shape };
            let operands = &mut [
                Operand::Read(&there.memory),
                Operand::Write(&mut out.memory),
            ];
            device.run(call, operands).unwrap();
            let found = out.download().unwrap();
            let expected: Vec<f32> = x.chunks(cols).map(|row| row.iter().sum()).collect();
            let wrong = (0..rows).find(|&i| found[i] != expected[i]);
            assert_eq!(wrong, None, "{shape:?} on {}", device.report());
            assert_eq!(found.len(), rows);
        }
    }
}

/// Moves and reductions along a dimension in the middle, of many rows and of many columns. Whole numbers: sums are
/// exact.
#[test]
fn calls_along_a_dimension_reach_the_end() {
    for device in devices() {
        for dims in [[65_537, 2, 3], [2, 3, 65_541]] {
            let name = format!("{dims:?} on {}", device.report());
            let [outer, length, inner] = dims;
            let x: Vec<f32> = (0..outer * length * inner)
                .map(|i| (i * 7 % 11) as f32)
                .collect();
            let at = |o: usize, l: usize, i: usize| x[(o * length + l) * inner + i];
            let there = Tensor::new(&device, dims, &x).unwrap();
            let flat = there.reshape([outer * length * inner, 1]).unwrap();
            assert!(flat.download().unwrap() == x, "{name}");
            let sums = there.sum_along(1).unwrap().download().unwrap();
            let max = there.max_along(1).unwrap();
            let (maxima, places) = (
                max.values.download().unwrap(),
                max.places.download().unwrap(),
            );
            let mut expected = [Vec::new(), Vec::new(), Vec::new()];
            for (o, i) in (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))) {
                let best = (0..length).rev().fold(0, |best, l| {
                    if at(o, l, i) >= at(o, best, i) {
                        l
                    } else {
                        best
                    }
                });
                expected[0].push((0..length).map(|l| at(o, l, i)).sum());
                expected[1].push(at(o, best, i));
                expected[2].push(best as f32);
            }
            assert!(sums == expected[0] && maxima == expected[1], "{name}");
            assert!(places == expected[2], "{name}");
            let along = there.along("a dimension", 1).unwrap();
            let shape = there.shape;
            let mut out = Tensor::room(&device, shape).unwrap();
            let op = MovementOp::Scatter { along };
            let operands = &mut [
                Operand::Read(&max.values.memory),
                Operand::Read(&max.places.memory),
                Operand::Write(&mut out.memory),
            ];
            device.run(Movement { op, shape }, operands).unwrap();
            let scattered = out.download().unwrap();
            let op = MovementOp::Repeat { along };
            let operands = &mut [
                Operand::Read(&max.values.memory),
                Operand::Write(&mut out.memory),
            ];
            device.run(Movement { op, shape }, operands).unwrap();
            let repeated = out.download().unwrap();
            for e in 0..x.len() {
                let of = e / (length * inner) * inner + e % inner;
                assert_eq!(repeated[e], maxima[of], "{name}, {e}");
                let here = places[of] == (e / inner % length) as f32;
                let wanted = if here { maxima[of] } else { 0.0 };
                assert_eq!(scattered[e], wanted, "{name}, {e}");
            }
        }
    }
}

/// One invocation loops over a dimension, so lavapipe accepts no more than its iteration limit.
#[test]
fn a_dimension_that_is_too_long_for_a_loop_is_refused() {
    let [cpu, software, _] = devices();
    let x = vec![1.0; 65_541];
    let max = |device: &Device| Tensor::new(device, [1, 65_541, 1], &x)?.max_along(1);
    assert_eq!(max(&cpu).unwrap().values.download().unwrap(), [1.0]);
    let error = max(&software).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
}
