//! Long axes for kernels without a tensor call, on every device: more rows and columns than the loop iterations of an
//! invocation on lavapipe (65,535), and than the workgroups of one dispatch dimension. tests/kernels/long_axes.rs
//! covers kernels with tensor calls.

use super::*;
use crate::device::GpuOptions;
use crate::kernel::base::guard::ALL_FINITE;
use crate::kernel::base::state::{FIRST_NON_FINITE, NEXT_STEP, STATE_WORDS, VALUES, state_at};
use crate::kernel::shader_tests::kernels;
use crate::kernel::update::{ClipWith, Keep};
use crate::kernel::{
    Accumulate, Activation, ColumnSum, CopyIfFinite, Draw, Movement, MovementOp, RowSum, Scales,
    Update,
};

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

/// Relation of an input's shape to the output's.
#[derive(Clone, Copy)]
enum Input {
    Whole,
    /// Above 0.
    Positive,
    Row,
    Column,
    One,
    /// Mean and variance of every column; the variance is above 0.
    Running,
}

impl Input {
    fn shape(self, [rows, cols]: [usize; 2]) -> [usize; 2] {
        match self {
            Input::Whole | Input::Positive => [rows, cols],
            Input::Row => [1, cols],
            Input::Column => [rows, 1],
            Input::One => [1, 1],
            Input::Running => [2, cols],
        }
    }

    fn values(self, seed: usize, shape: [usize; 2]) -> Vec<f32> {
        let [rows, cols] = self.shape(shape);
        let mut values = values(seed, rows * cols);
        let positive = match self {
            Input::Positive => 0,
            Input::Running => cols,
            _ => values.len(),
        };
        values[positive..].iter_mut().for_each(|x| *x = x.abs());
        values
    }

    /// Index of the value for this element of the output.
    fn place(self, [_, cols]: [usize; 2], row: usize, col: usize) -> usize {
        match self {
            Input::Whole | Input::Positive => row * cols + col,
            Input::Row | Input::Running => col,
            Input::Column => row,
            Input::One => 0,
        }
    }
}

const EPSILON: f32 = 1e-5;

/// Formula over one value of each input, and the variance if there is one.
type Formula = fn(&[f64], f64) -> f64;

/// The inputs of an operation that are not whole matrices, and its formula.
fn formula(op: Op) -> Option<(Vec<Input>, Formula)> {
    use Input::{Column, One, Row, Running, Whole};
    let slope = |shared: bool| if shared { One } else { Row };
    Some(match op {
        Op::BiasAdd => (vec![Whole, Row], |x, _| x[0] + x[1]),
        Op::RepeatRow => (vec![Row], |x, _| x[0]),
        Op::RepeatColumn => (vec![Column], |x, _| x[0]),
        Op::Fill(_) => (vec![], |_, _| 2.0),
        Op::PRelu { shared } => (vec![Whole, slope(shared)], |x, _| {
            if x[0] > 0.0 { x[0] } else { x[0] * x[1] }
        }),
        Op::PReluBackward { shared } => (vec![Whole, Whole, slope(shared)], |x, _| {
            if x[1] > 0.0 { x[0] } else { x[0] * x[2] }
        }),
        Op::Normalize { .. } => (vec![Whole, Row, Row, Running], |x, variance| {
            x[1] * (x[0] - x[3]) / (variance + f64::from(EPSILON)).sqrt() + x[2]
        }),
        Op::NormalizeBackward { .. } => (vec![Whole, Row, Running], |x, variance| {
            x[0] * x[1] / (variance + f64::from(EPSILON)).sqrt()
        }),
        Op::NormalizeGain { .. } => (vec![Whole, Whole, Running], |x, variance| {
            x[0] * (x[1] - x[2]) / (variance + f64::from(EPSILON)).sqrt()
        }),
        _ => return None,
    })
}

/// Result of an elementwise operation of inputs of these kinds.
fn elementwise(
    device: &Device,
    op: Op,
    shape: [usize; 2],
    kinds: &[Input],
    inputs: &[Vec<f32>],
) -> Vec<f32> {
    let [rows, cols] = shape;
    let inputs: Vec<Tensor> = kinds
        .iter()
        .zip(inputs)
        .map(|(kind, input)| Tensor::new(device, kind.shape(shape), input).unwrap())
        .collect();
    let shape = MatrixShape::new(rows, cols);
    let mut out = Tensor::room(device, shape).unwrap();
    let mut state = device.words("state", state_at(0).to_vec()).unwrap();
    let mut operands: Vec<Operand<'_>> = inputs
        .iter()
        .map(|input| Operand::Read(&input.memory))
        .collect();
    operands.push(Operand::Write(&mut out.memory));
    if let Op::GradientCopy(_) = op {
        operands.push(Operand::Write(&mut state));
    }
    device
        .run(Elementwise { op, shape }, &mut operands)
        .unwrap();
    let found = out.download().unwrap();
    assert_eq!(found.len(), rows * cols);
    found
}

/// Every elementwise operation writes every element, each from the matching input element.
///
/// Where all inputs are whole matrices, their values repeat after [`PERIOD`] elements, and so do the results: those of
/// a single period, whose formula the tests in tests/ check.
#[test]
fn elementwise_operations_reach_the_end() {
    let others = [
        Op::Activate(Activation::Tanh),
        Op::ActivateBackward(Activation::Tanh),
        Op::Powf(1.5),
    ];
    let mut whole = 0;
    for &op in Op::ALL.iter().chain(&others) {
        for device in &devices() {
            let run = |shape, kinds: &[Input], inputs: &[Vec<f32>]| {
                elementwise(device, op, shape, kinds, inputs)
            };
            let name = |shape| {
                let matrix = MatrixShape::new(1, 1);
                let label = Elementwise { op, shape: matrix }.label();
                format!("{label} {shape:?} on {}", device.report())
            };
            let values = |kinds: &[Input], shape| -> Vec<Vec<f32>> {
                let kinds = kinds.iter().enumerate();
                kinds.map(|(seed, kind)| kind.values(seed, shape)).collect()
            };
            let Some((kinds, formula)) = formula(op) else {
                let call = Elementwise {
                    op,
                    shape: MatrixShape::new(1, 1),
                };
                let reads = call.bindings().iter().filter(|b| !b.is_written()).count();
                let kinds = vec![Input::Positive; reads];
                let period = run([1, PERIOD], &kinds, &values(&kinds, [1, PERIOD]));
                assert!(
                    period.iter().all(|y| y.is_finite()),
                    "{}",
                    name([1, PERIOD])
                );
                for shape in SHAPES {
                    let found = run(shape, &kinds, &values(&kinds, shape));
                    let wanted = period.iter().cycle();
                    let wrong = found.iter().zip(wanted).position(|(y, wanted)| y != wanted);
                    assert_eq!(wrong, None, "{}", name(shape));
                }
                whole += 1;
                continue;
            };
            for shape in SHAPES {
                let inputs = values(&kinds, shape);
                let found = run(shape, &kinds, &inputs);
                assert_near(&name(shape), shape, &kinds, &inputs, formula, &found);
            }
        }
    }
    assert!(whole > 3 * 10);
}

/// Compares places of all remainders, and all of the end, with a formula. The terms of a normalisation exceed the
/// result by at most 2, and round six times.
fn assert_near(
    name: &str,
    shape @ [rows, cols]: [usize; 2],
    kinds: &[Input],
    inputs: &[Vec<f32>],
    formula: Formula,
    found: &[f32],
) {
    let mut at = [0.0; 4];
    let count = rows * cols;
    for i in (0..count).step_by(61).chain(count - 300..count) {
        let (found, row, col) = (found[i], i / cols, i % cols);
        let mut variance = 0.0;
        for ((at, kind), input) in at.iter_mut().zip(kinds).zip(inputs) {
            *at = input[kind.place(shape, row, col)].into();
            if let Input::Running = kind {
                variance = input[cols + col].into();
            }
        }
        let expected = formula(&at, variance);
        let error = (f64::from(found) - expected).abs();
        assert!(
            error <= 16.0 * f64::from(f32::EPSILON) * (expected.abs() + 1.0),
            "{name}, row {row}, column {col}: {found}, not {expected}"
        );
    }
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

/// List of the sweep of every kernel: a new kernel does not compile until it is listed here.
#[test]
fn every_kernel_has_a_sweep() {
    let (here, _) = include_str!("long_tests.rs")
        .split_once("fn every_kernel")
        .unwrap();
    let axes = include_str!("../../tests/kernels/long_axes.rs");
    let losses = include_str!("../../tests/kernels/losses/long.rs");
    let products = include_str!("../../tests/matmul/long.rs");
    let updates = include_str!("../../tests/optimizers/long.rs");
    for kernel in kernels() {
        let (text, wanted) = match &kernel {
            // One invocation, without a loop.
            Kernel::IncrementStep(_) | Kernel::Choose(_) | Kernel::Note(_) => continue,
            Kernel::Accumulate(call) if call.dry.is_some() => (here, "dry: Some(7)"),
            Kernel::Accumulate(_) => (here, "run(call(false, true)"),
            Kernel::Argmax(_) => (axes, ".argmax()"),
            Kernel::Augment(_) => (axes, "gather_augmented of bytes"),
            Kernel::AveragePool(_) => (axes, ".average_pool("),
            Kernel::AveragePoolBackward(_) => (axes, ".average_pool_backward("),
            Kernel::BatchNorm(_) => (axes, ".batch_norm("),
            Kernel::BatchNormBackward(_) => (axes, "dbeta of batch_norm_backward"),
            Kernel::Axpby(_) => (axes, ".copy()"),
            Kernel::ColumnSum(call) if call.gradient.is_some() => (here, "ColumnSum {"),
            Kernel::ColumnSum(_) => (axes, ".column_sum()"),
            Kernel::CopyIfFinite(_) => (here, "CopyIfFinite {"),
            Kernel::DimensionMax(_) => (here, ".max_along("),
            Kernel::DimensionSum(_) => (here, ".sum_along("),
            Kernel::Dropout(_) => (axes, ".dropout("),
            Kernel::Elementwise(_) => (here, "fn elementwise_operations_reach_the_end"),
            Kernel::Gather(_) => (axes, "gather_rows of bytes"),
            Kernel::GroupNorm(_) => (axes, ".group_norm("),
            Kernel::GroupNormBackward(_) => (axes, ".group_norm_backward("),
            Kernel::LayerNorm(_) => (axes, ".layer_norm("),
            Kernel::LayerNormBackward(_) => (axes, ".layer_norm_backward("),
            Kernel::RmsNorm(_) => (axes, ".rms_norm("),
            Kernel::RmsNormBackward(_) => (axes, ".rms_norm_backward("),
            Kernel::RowLoss(_) => (losses, "fn many_rows"),
            Kernel::RowWeights(_) => (losses, "fn means_over_the_weights_of_many_rows"),
            Kernel::Matmul(_) => (products, "300_0"),
            Kernel::MaxPool(_) => (axes, ".max_pool("),
            Kernel::MaxPoolBackward(_) => (axes, ".max_pool_backward("),
            Kernel::Random(call) => match call.draw {
                Draw::Uniform { .. } => (axes, "Tensor::uniform("),
                Draw::Normal { .. } => (axes, "Tensor::normal("),
                Draw::Bernoulli => (axes, ".bernoulli("),
            },
            Kernel::Movement(call) => match call.op {
                MovementOp::Slice { .. } => (axes, ".slice_columns("),
                MovementOp::Pad { .. } => (axes, ".pad_columns("),
                MovementOp::Concat { .. } => (axes, ".concat_columns("),
                MovementOp::Repeat { .. } => (here, "MovementOp::Repeat {"),
                MovementOp::Scatter { .. } => (here, "MovementOp::Scatter {"),
                MovementOp::Reshape { .. } => (here, ".reshape("),
                MovementOp::Transpose => (axes, ".transpose()"),
            },
            Kernel::RowSum(_) => (here, "RowSum {"),
            Kernel::Softmax(_) => (axes, ".log_softmax()"),
            Kernel::SoftmaxBackward(_) => (axes, ".log_softmax_backward("),
            Kernel::Squares(_) => (updates, "GradientNorm::new("),
            Kernel::Statistics(_) => (axes, ".change_statistics("),
            Kernel::Sum(_) => (axes, ".sum()"),
            Kernel::Update(call) if matches!(call.keep, Keep::Dry(_)) => {
                (here, "fn dry_updates_reach_the_end")
            }
            Kernel::Update(_) => (updates, "update_clipped_by_value("),
        };
        assert!(text.contains(wanted), "{}: {wanted}", kernel.label());
    }
}
