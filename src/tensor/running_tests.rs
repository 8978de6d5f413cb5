//! Gradients of a normalisation with running statistics, for numbers of any magnitude, on every device.

use super::*;
use crate::device::GpuOptions;
use crate::kernel::elementwise::{Elementwise, Op};

fn devices() -> [Device; 3] {
    let options = GpuOptions::default().allow_software(true).sentinels(true);
    let gpu = |options| Device::gpu(options).expect("the GPU tests need an adapter");
    [
        Device::cpu(),
        gpu(options.clone()),
        gpu(options.hardware_kernels(true)),
    ]
}

/// (x, mean, variance, ε, γ, dy)
const CASES: [[f32; 6]; 14] = [
    [3.0, 1.0, 4.0, 1e-5, 0.5, 2.0],
    // Values of 1e-18 and less: variances at which a sum with ε, or its root, leaves the range of `f32`.
    [1e-18, 0.0, 1e-36, 0.0, 1.0, 1.0],
    [1e-19, -1e-19, 1e-38, 0.0, 1.0, 1.0],
    [1e-20, 0.0, 1e-40, 0.0, 1.0, 1.0],
    [1e-20, 0.0, 1e-40, 1e-40, 1.0, 1.0],
    [-3e-20, 1e-20, 1e-45, 0.0, 1.0, 1.0],
    [1e-20, 0.0, 1e-40, 1e-30, -2.0, 1e-3],
    [1.0, 0.0, 1e-40, 1e-12, 3.0, 1e-3],
    // Values so large that a difference overflows.
    [1e18, -1e18, 1e36, 1e-5, 1.0, 1.0],
    [3e38, -3e38, 1e38, 1e-5, 1.0, 1.0],
    [-3e38, 3e38, 1.0, 1e-5, 1e-30, 1e-30],
    // Factors whose products leave the range on the way.
    [2e-20, 0.0, 1e-40, 0.0, 1e30, 1e-30],
    [2e30, 1e30, 1e38, 1e-5, 1e-30, 1e30],
    [1e10, 0.0, 1e-30, 0.0, 1e-35, 1e-10],
];

#[test]
fn gradients_are_right_for_variances_and_values_of_any_size() {
    for device in devices() {
        // A call has one ε, so each case is a call, with the same numbers in five columns.
        for [x, mean, variance, epsilon, gamma, dy] in CASES {
            let row = |value: f32| Tensor::new(&device, [1, 5], &[value; 5]).unwrap();
            let running = [[mean; 5], [variance; 5]].concat();
            let running = Tensor::new(&device, [2, 5], &running).unwrap();
            let (x_row, gamma_row, dy_row) = (row(x), row(gamma), row(dy));
            let run = |op, inputs: [&Tensor; 2]| {
                let shape = x_row.shape;
                let mut out = Tensor::room(&device, shape).unwrap();
                let mut operands: Vec<Operand<'_>> = [inputs[0], inputs[1], &running]
                    .map(|tensor| Operand::Read(&tensor.memory))
                    .into();
                operands.push(Operand::Write(&mut out.memory));
                device
                    .run(Elementwise { op, shape }, &mut operands)
                    .unwrap();
                out.download().unwrap()
            };
            let [x, mean, variance, gamma, dy] = [x, mean, variance, gamma, dy].map(f64::from);
            let inverse = 1.0 / (variance + f64::from(epsilon)).sqrt();
            let normal = (x - mean) * inverse;
            let backward = run(Op::NormalizeBackward { epsilon }, [&dy_row, &gamma_row]);
            let gain = run(Op::NormalizeGain { epsilon }, [&dy_row, &x_row]);
            let zero = row(0.0);
            let y = x_row.normalize(&gamma_row, &zero, &running, epsilon);
            // The tensor call checks the range of ε.
            let y = y.and_then(|y| y.download()).unwrap_or_default();
            for (name, found, expected) in [
                ("dx", &backward, dy * gamma * inverse),
                ("terms of the gain", &gain, dy * normal),
                ("y", &y, gamma * normal),
            ] {
                // The sum with ε rounds, and its root takes 2 ULP; a difference and two products round.
                let allowed = 6.0 * f64::from(f32::EPSILON) * expected.abs() + 1.2e-38;
                for &found in found {
                    let error = (f64::from(found) - expected).abs();
                    let in_range = expected.abs() < f64::from(f32::MAX);
                    assert!(
                        error <= allowed || (!in_range && found.is_infinite()),
                        "{name} of {:?} on {}: {found:e}, not {expected:e}",
                        [x, mean, variance, epsilon.into(), gamma, dy],
                        device.report(),
                    );
                }
            }
            assert_eq!([backward.len(), gain.len()], [5, 5]);
        }
    }
}
