//! Heads of any width. GPUs divide a wide head's columns among invocations, so these widths lie around every number of
//! them.
//!
//! All dot products are exact in any order: q and k hold −1, 0 and 1, and v and dy quarters. What is left to err are the
//! exponential functions, and sums over few keys.

use super::{Attending, attention, check, compare, devices};
use crate::common::compare::{Tolerance, assert_same_bits};
use crate::common::data::Random;
use crate::common::precision::ULP;
use wgrad::{Device, Tensor};

/// Widths of q and k, and of v: equal ones, and those of another number of invocations.
const WIDTHS: [[usize; 2]; 7] = [
    [8, 8],
    [9, 17],
    [33, 9],
    [64, 132],
    [132, 100],
    [257, 64],
    [2048, 2048],
];

/// [queries, keys], number of heads, causal mask.
type Form = ([usize; 2], usize, Option<usize>);

/// Several rows of several heads in a workgroup, or one head in several workgroups.
const FORMS: [Form; 4] = [
    ([5, 7], 2, None),
    ([19, 9], 1, Some(2)),
    ([7, 19], 3, Some(0)),
    ([6, 5], 2, Some(1)),
];

fn case(i: usize, [width, value_width]: [usize; 2]) -> Attending {
    let ([queries, keys], heads, causal) = FORMS[i % FORMS.len()];
    let samples = 2;
    // No mask, every third key left out, and no key kept in the second sample.
    let mask = match i % 3 {
        0 => None,
        1 => Some((0..samples * keys).map(|k| (k % 3) as f32).collect()),
        _ => Some((0..samples * keys).map(|k| f32::from(k < keys)).collect()),
    };
    Attending {
        samples,
        heads,
        queries,
        keys,
        width,
        value_width,
        // A power of two near 1/√width.
        scale: (-(width as f64).log2() / 2.0).round().exp2(),
        causal,
        mask,
    }
}

/// q, k, v and dy. Few numbers of dy are not 0, so that δ = dy·y is a sum of few terms: about 16 of a head, and the last.
fn data(case: &Attending, seed: u64) -> [Vec<f32>; 4] {
    let mut random = Random::new(seed);
    let mut of = |shape: [usize; 3]| -> Vec<f32> {
        let words = random.words(shape.iter().product(), 9);
        words.into_iter().map(|word| word as f32 - 4.0).collect()
    };
    let thirds = |values: Vec<f32>| values.into_iter().map(|v| (v / 3.0).trunc()).collect();
    let quarters = |values: Vec<f32>| values.into_iter().map(|v| v / 4.0).collect();
    let (q, k, v) = (of(case.of_q()), of(case.of_k()), of(case.of_v()));
    let mut dy: Vec<f32> = quarters(of(case.of_y()));
    let width = case.value_width;
    let step = width.div_ceil(16);
    for (i, value) in dy.iter_mut().enumerate() {
        let (row, column) = (i / width, i % width);
        if (row + column) % step != 0 && column + 1 != width {
            *value = 0.0;
        }
    }
    [thirds(q), thirds(k), quarters(v), dy]
}

#[test]
fn heads_of_any_width_agree_with_plain_loops() {
    for (i, widths) in WIDTHS.into_iter().enumerate() {
        let case = case(i, widths);
        let [q, k, v, dy] = data(&case, i as u64);
        // Exponents are exact and below 16, so weights err by at most 3 + 2·16 ULP, and by about 16 more for the sums of
        // at most 19 of them. Values are at most 1, and so are the numbers of dy, of which up to 19 queries add to a value.
        // |dy·v - δ| is at most 2·17, so a gradient of a score errs by 34·(51 + 51) ULP of its weight at most; those of a
        // query's weights add up to 1, and up to 19 queries have a key. Errors of either sign leave less than a quarter of
        // that.
        let [y, dv, gradient] =
            [128.0, 1024.0, 16384.0].map(|ulps| Tolerance::absolute(ulps * ULP));
        // The kernels of software adapters change at 257 columns only, and take long to compile.
        let devices = devices();
        let devices = match case.width {
            257 => &devices[..],
            _ => &[devices[0], devices[2]],
        };
        let tolerances = [y, gradient, gradient, dv];
        let operands = [&q[..], &k, &v, &dy];
        let settings = attention(&case);
        compare(
            devices,
            &case,
            operands,
            &case.run(operands),
            settings,
            tolerances,
            |[q, k, v], mask| q.attention(k, v, mask, settings),
        );
    }
}

/// Everything that a call and its gradients compute.
fn run(device: &Device, case: &Attending, [q, k, v, dy]: &[Vec<f32>; 4]) -> Vec<f32> {
    let of = |shape: [usize; 3], values: &[f32]| Tensor::new(device, shape, values).unwrap();
    let (q, k, v) = (of(case.of_q(), q), of(case.of_k(), k), of(case.of_v(), v));
    let output = q.attention(&k, &v, None, attention(case)).unwrap();
    let gradients = of(case.of_y(), dy)
        .attention_backward([&q, &k, &v], None, &output, attention(case))
        .unwrap();
    [&output.y, &gradients.dq, &gradients.dk, &gradients.dv]
        .into_iter()
        .flat_map(|tensor| tensor.download().unwrap())
        .collect()
}

#[test]
fn every_run_has_the_same_bits() {
    let case = Attending {
        mask: None,
        ..case(2, [33, 64])
    };
    let mut random = Random::new(1);
    let data = [case.of_q(), case.of_k(), case.of_v(), case.of_y()]
        .map(|shape| random.normals(shape.iter().product()));
    for device in devices() {
        let first = run(device, &case, &data);
        for _ in 0..2 {
            let name = format!("{}", device.report());
            assert_same_bits(&name, &run(device, &case, &data), &first);
        }
    }
}

/// Keys that a query does not see change neither its result nor the gradients of the keys that it sees.
#[test]
fn nan_beyond_the_causal_mask_changes_nothing() {
    // Where the last query is alone in a block of the CPU's, and where others precede it in its block.
    for length in [9, 14] {
        nan_beyond_the_causal_mask(length);
    }
}

fn nan_beyond_the_causal_mask(length: usize) {
    let last = length - 1;
    let case = Attending {
        samples: 1,
        heads: 2,
        queries: length,
        keys: length,
        causal: Some(0),
        mask: None,
        ..case(0, [40, 36])
    };
    let clean = data(&case, 3);
    for device in devices() {
        let expected = run(device, &case, &clean);
        // The last key and value are seen by the last query only.
        let mut bad = clean.clone();
        for (values, columns) in [(1, case.of_k()[2]), (2, case.of_v()[2])] {
            bad[values][last * columns..].fill(f32::NAN);
        }
        let found = run(device, &case, &bad);
        let sizes = [case.of_y(), case.of_q()].map(|shape| shape.iter().product::<usize>());
        for (start, columns) in [(0, case.of_y()[2]), (sizes[0], case.of_q()[2])] {
            let rows = start..start + last * columns;
            let name = format!("rows from {start} on {}", device.report());
            assert_same_bits(&name, &found[rows.clone()], &expected[rows]);
        }
        // The first query sees the first key only, and so does not change the others' gradients.
        let mut bad = clean.clone();
        bad[0][..case.of_q()[2]].fill(f32::NAN);
        bad[3][..case.of_y()[2]].fill(f32::NAN);
        let found = run(device, &case, &bad);
        let (dk, dv) = (sizes[0] + sizes[1], sizes[0] + 2 * sizes[1]);
        for (start, columns) in [(dk, case.of_k()[2]), (dv, case.of_v()[2])] {
            let rows = start + columns..start + length * columns;
            let name = format!("rows from {start} on {}", device.report());
            assert_same_bits(&name, &found[rows.clone()], &expected[rows]);
        }
    }
}

/// Sums of more than 1,024 fours are cut into blocks, where several invocations share a head too.
#[test]
fn long_sums_of_wide_heads() {
    for lengths in [[2, 4100], [4100, 2]] {
        let case = Attending {
            samples: 1,
            heads: 1,
            queries: lengths[0],
            keys: lengths[1],
            causal: None,
            mask: None,
            ..case(0, [20, 24])
        };
        let [q, k, v, dy] = data(&case, 7);
        // As above, for sums over up to 4100 queries, of which each adds 1 to the weights of two keys.
        let tolerance = Tolerance::absolute(4100.0 * 64.0 * ULP);
        check(&case, [&q, &k, &v, &dy], tolerance);
    }
}

/// A wider head is refused, on every device.
#[test]
fn heads_beyond_the_widest_are_refused() {
    for device in devices() {
        let wide = Tensor::zeros(device, [1, 1, 2049]).unwrap();
        let error = wide
            .attention(&wide, &wide, None, wgrad::Attention::new(1))
            .map(drop)
            .unwrap_err();
        assert!(matches!(error, wgrad::Error::Shape { .. }), "{error:?}");
        assert!(
            error.to_string().contains("from 1 to 2048 columns"),
            "{error}"
        );
    }
}
