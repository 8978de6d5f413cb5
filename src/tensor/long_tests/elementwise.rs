//! Every elementwise operation over long axes.

use super::{PERIOD, SHAPES, devices, values};
use crate::device::{Device, Operand};
use crate::kernel::base::Compute;
use crate::kernel::base::state::state_at;
use crate::kernel::{Activation, Elementwise, MatrixShape, Op};
use crate::tensor::Tensor;

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
