//! Products of stacks of matrices against the oracle, matrix by matrix: every way to broadcast, every layout, algorithm
//! and device; many matrices, long sums, and numbers that are not finite in one matrix only.

use super::common::activations;
use super::common::compare::{Tolerance, assert_close, assert_each_close};
use super::common::data::Random;
use super::common::devices::{ALGORITHMS, gpu_checked, gpu_with_stacks, open, stack_tuning};
use super::common::oracle;
use super::{devices, operands};
use wgrad::{Activation, Device, GpuOptions, Layout, Tensor};

/// Leading dimensions of A and B: equal, one operand shared by all, along the outer or along the inner dimension, each
/// shared along one, lengths of 1 and 0.
const LEADING: [(&[usize], &[usize]); 14] = [
    (&[3], &[3]),
    (&[2, 3], &[2, 3]),
    (&[2, 1, 3], &[2, 1, 3]),
    (&[5], &[]),
    (&[], &[5]),
    (&[2, 3], &[1]),
    (&[2, 3], &[3]),
    (&[3], &[2, 3]),
    (&[2, 3], &[2, 1]),
    (&[2, 1], &[2, 3]),
    (&[2, 1], &[1, 3]),
    (&[1], &[1]),
    (&[0], &[0]),
    (&[2, 0], &[0]),
];

/// Sizes M, N, K of a matrix: 1, odd, around tiles and depths, and none of one.
const SIZES: [[usize; 3]; 10] = [
    [1, 1, 1],
    [3, 7, 5],
    [5, 1, 4],
    [1, 9, 33],
    [17, 33, 65],
    [4, 130, 6],
    [66, 4, 9],
    [2, 3, 0],
    [0, 3, 2],
    [3, 0, 2],
];

/// The leading dimensions of the result, and the matrices of A and B of each product.
fn pairs(lead_a: &[usize], lead_b: &[usize]) -> (Vec<usize>, Vec<[usize; 2]>) {
    let rank = lead_a.len().max(lead_b.len());
    let length = |lead: &[usize], i: usize| {
        let missing = rank - lead.len();
        if i < missing { 1 } else { lead[i - missing] }
    };
    let mut lead = Vec::new();
    for i in 0..rank {
        let (a, b) = (length(lead_a, i), length(lead_b, i));
        assert!(a == b || a == 1 || b == 1);
        lead.push(if a == 1 { b } else { a });
    }
    let of = |place: &[usize], own: &[usize]| {
        (0..rank).fold(0, |index, i| {
            let length = length(own, i);
            index * length + if length == 1 { 0 } else { place[i] }
        })
    };
    let count = lead.iter().product();
    let pairs = (0..count).map(|number: usize| {
        let mut rest = number;
        let mut place = vec![0; rank];
        for i in (0..rank).rev() {
            place[i] = rest % lead[i];
            rest /= lead[i];
        }
        [of(&place, lead_a), of(&place, lead_b)]
    });
    let pairs = pairs.collect();
    (lead, pairs)
}

/// Two stacks, and the shape of their product with the products themselves.
struct Case {
    name: String,
    shapes: [Vec<usize>; 2],
    values: [Vec<f32>; 2],
    result: Vec<usize>,
    expected: Vec<f64>,
}

fn case(
    leading: (&[usize], &[usize]),
    size: [usize; 3],
    layout: Layout,
    values: impl Fn(&mut Random, usize) -> Vec<f32>,
) -> Case {
    let stored = operands(size, layout);
    let shapes = [
        [leading.0, &stored[0]].concat(),
        [leading.1, &stored[1]].concat(),
    ];
    let mut random = Random::new(size.iter().sum::<usize>() as u64);
    let values = [0, 1].map(|i| values(&mut random, shapes[i].iter().product()));
    let (lead, pairs) = pairs(leading.0, leading.1);
    let floats = stored.map(|[rows, cols]| rows * cols);
    let matrix = |operand: usize, number: usize| {
        &values[operand][number * floats[operand]..][..floats[operand]]
    };
    let products = pairs
        .iter()
        .map(|&[a, b]| oracle::matmul(matrix(0, a), matrix(1, b), size, layout));
    let expected = products.flatten().collect();
    Case {
        name: format!("{layout:?} {leading:?} {size:?}"),
        result: [&lead[..], &size[..2]].concat(),
        shapes,
        expected,
        values,
    }
}

fn tensors(case: &Case, device: &Device) -> [Tensor; 2] {
    [0, 1].map(|i| Tensor::new(device, &case.shapes[i][..], &case.values[i]).unwrap())
}

fn check_exact(device: &Device, name: &str, case: &Case) {
    let [a, b] = tensors(case, device);
    let layout = Layout::ALL
        .into_iter()
        .find(|l| case.name.starts_with(&format!("{l:?}")));
    let c = a.batch_matmul(&b, layout.unwrap()).unwrap();
    let name = format!("{name}, {}", case.name);
    assert_eq!(c.shape(), case.result, "{name}");
    assert_close(
        &name,
        &c.download().unwrap(),
        &case.expected,
        Tolerance::EXACT,
    );
}

#[test]
fn integer_stacks_are_exact() {
    for layout in Layout::ALL {
        for (i, leading) in LEADING.into_iter().enumerate() {
            for (j, size) in SIZES.into_iter().enumerate() {
                // Every size with some of the leading dimensions, and all of these with one size.
                if j == 1 || (i + j) % 3 == layout as usize {
                    let case = case(leading, size, layout, Random::integers);
                    for (name, device) in devices() {
                        check_exact(device, name, &case);
                    }
                }
            }
        }
    }
}

#[test]
fn integer_stacks_are_exact_with_every_algorithm() {
    let sizes = [[3, 7, 5], [17, 33, 65], [2, 3, 0], [5, 9, 1100]];
    for (i, algorithm) in ALGORITHMS.into_iter().enumerate() {
        let device = gpu_with_stacks(algorithm, &sizes, &[3, 5, 6]);
        for (j, layout) in Layout::ALL.into_iter().enumerate() {
            for leading in [LEADING[0], LEADING[4], LEADING[10]] {
                // A sum in blocks takes another pipeline.
                let count = if i % 3 == j { sizes.len() } else { 3 };
                for &size in &sizes[..count] {
                    let case = case(leading, size, layout, Random::integers);
                    check_exact(&device, algorithm, &case);
                }
            }
        }
    }
}

#[test]
fn integer_stacks_are_exact_with_runtime_checks() {
    for layout in Layout::ALL {
        for leading in [LEADING[1], LEADING[4], LEADING[9], LEADING[12]] {
            for size in [SIZES[1], SIZES[4], SIZES[7]] {
                let case = case(leading, size, layout, Random::integers);
                check_exact(gpu_checked(), "GPU with runtime checks", &case);
            }
        }
    }
    for algorithm in ALGORITHMS {
        let options = GpuOptions::default().tuning(stack_tuning(algorithm, &[SIZES[4]], &[6]));
        let device = open(options.runtime_checks(true));
        let case = case(LEADING[6], SIZES[4], Layout::TN, Random::integers);
        check_exact(&device, algorithm, &case);
    }
}

/// More matrices than workgroups in one dimension of a dispatch.
#[test]
fn many_matrices_are_exact() {
    for (layout, leading) in [
        (Layout::NN, (&[65_537][..], &[65_537][..])),
        (Layout::TN, (&[2, 40_000][..], &[40_000][..])),
    ] {
        let case = case(leading, [1, 2, 3], layout, Random::integers);
        for (name, device) in devices() {
            check_exact(device, name, &case);
        }
    }
}

/// Sums in one chain, in blocks, in groups of blocks, and beyond the iterations of one invocation on a software adapter.
#[test]
fn long_sums_of_stacks_are_exact() {
    for (layout, k) in [
        (Layout::NT, 1025),
        (Layout::TN, 9001),
        (Layout::NN, 300_001),
    ] {
        let case = case((&[2], &[2]), [2, 3, k], layout, Random::integers);
        for (name, device) in devices() {
            check_exact(device, name, &case);
        }
    }
    let sizes = [[2, 1, 9001], [5, 9, 70_001]];
    for (i, algorithm) in ALGORITHMS.into_iter().enumerate() {
        let device = gpu_with_stacks(algorithm, &sizes, &[2]);
        let case = case(
            (&[2], &[1]),
            sizes[i % 2],
            Layout::ALL[i % 3],
            Random::integers,
        );
        check_exact(&device, algorithm, &case);
    }
}

/// A matrix that holds NaN and infinities changes no other one, though loads are clamped and rows are padded.
#[test]
fn numbers_that_are_not_finite_stay_in_their_matrix() {
    for layout in Layout::ALL {
        for size in [[3, 7, 5], [17, 33, 65]] {
            let mut case = case((&[3], &[3]), size, layout, Random::integers);
            let (floats, of_result) = (size[1] * size[2], size[0] * size[1]);
            let b = &mut case.values[1][floats..2 * floats];
            b.fill(f32::NAN);
            b[floats - 1] = f32::INFINITY;
            for (name, device) in devices() {
                let [a, b] = tensors(&case, device);
                let c = a.batch_matmul(&b, layout).unwrap().download().unwrap();
                let name = format!("{name}, {}", case.name);
                for matrix in [0, 2] {
                    let range = matrix * of_result..(matrix + 1) * of_result;
                    let expected = &case.expected[range.clone()];
                    assert_close(&name, &c[range], expected, Tolerance::EXACT);
                }
                assert!(c[of_result].is_nan(), "{name}");
            }
        }
    }
}

#[test]
fn layers_of_stacks_add_their_bias_and_activate() {
    for (leading, size) in [
        (LEADING[0], [3, 7, 5]),
        (LEADING[6], [9, 6, 33]),
        (LEADING[3], [4, 10, 0]),
        (LEADING[12], [4, 10, 3]),
    ] {
        let case = case(leading, size, Layout::NT, Random::eighths);
        let bias = Random::new(9).eighths(size[1]);
        let z = oracle::add_bias(&case.expected, &bias);
        for f in [Activation::Identity, Activation::Relu, Activation::Gelu] {
            let expected: Vec<f64> = z.iter().map(|&z| activations::value(f, z)).collect();
            for (name, device) in devices() {
                let [x, weight] = tensors(&case, device);
                let bias = Tensor::new(device, [1, size[1]], &bias).unwrap();
                let y = x.batch_dense(&weight, &bias, f).unwrap();
                assert_eq!(y.shape(), case.result);
                let tolerance = |i: usize| activations::tolerance(f, z[i]);
                let name = format!("{name}, {} {f}", case.name);
                assert_each_close(&name, &y.download().unwrap(), &expected, tolerance);
            }
        }
    }
}
