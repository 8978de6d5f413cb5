//! Attention and its gradients against plain loops: widths of heads, lengths, causal masks and masks of keys.

mod blocks;
mod widths;

use crate::common::compare::{Tolerance, assert_each_close};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, gpu_hardware_kernels};
use crate::common::oracle::attention::{Attended, Attending};
use crate::common::precision::ULP;
use wgrad::{Attention, AttentionOutput, Device, Error, Tensor};

pub(crate) fn devices() -> [&'static Device; 3] {
    [cpu(), gpu(), gpu_hardware_kernels()]
}

pub(crate) fn attention(case: &Attending) -> Attention {
    let attention = Attention::new(case.heads).scale(case.scale as f32);
    match case.causal {
        None => attention,
        Some(past) => attention.causal(true).past(past),
    }
}

/// Lengths 0, 1, and around the four keys of a step and the sixteen of a tile; heads at multiples of four and not.
fn sweep() -> Vec<Attending> {
    let lengths = [[1, 1], [3, 1], [1, 5], [5, 4], [7, 17], [19, 33], [2, 0]];
    let widths = [[4, 4], [1, 1], [3, 5], [8, 20], [6, 4], [17, 2]];
    let mut sweep = Vec::new();
    for (i, [queries, keys]) in lengths.into_iter().enumerate() {
        for (j, causal) in [None, Some(0), Some(3)].into_iter().enumerate() {
            let [width, value_width] = widths[(i + 2 * j) % widths.len()];
            let samples = 2;
            // No mask, every third key left out, and no key kept in the second sample.
            let mask = match (i + j) % 3 {
                0 => None,
                1 => Some((0..samples * keys).map(|k| (k % 3) as f32).collect()),
                _ => Some((0..samples * keys).map(|k| f32::from(k < keys)).collect()),
            };
            sweep.push(Attending {
                samples,
                heads: 1 + (i + j) % 3,
                queries,
                keys,
                width,
                value_width,
                scale: 0.5,
                causal,
                mask,
            });
        }
    }
    sweep
}

/// Compares y and all gradients on every device.
fn check(case: &Attending, operands: [&[f32]; 4], tolerance: Tolerance) {
    let expected = case.run(operands);
    let settings = attention(case);
    compare(
        &devices(),
        case,
        operands,
        &expected,
        settings,
        [tolerance; 4],
        |[q, k, v], mask| q.attention(k, v, mask, settings),
    );
}

/// The same for the result of a call, on some devices, with tolerances of y, dq, dk and dv.
pub(crate) fn compare(
    devices: &[&Device],
    case: &Attending,
    [q, k, v, dy]: [&[f32]; 4],
    expected: &Attended,
    settings: Attention,
    tolerances: [Tolerance; 4],
    call: impl Fn([&Tensor; 3], Option<&Tensor>) -> wgrad::Result<AttentionOutput>,
) {
    // Whatever a masked key holds changes nothing.
    let [mut k, mut v] = [k, v].map(<[f32]>::to_vec);
    if let Some(mask) = &case.mask {
        for (j, _) in mask.iter().enumerate().filter(|(_, kept)| **kept == 0.0) {
            for (values, columns) in [(&mut k, case.of_k()[2]), (&mut v, case.of_v()[2])] {
                values[j * columns..][..columns].fill(f32::NAN);
            }
        }
    }
    for &device in devices {
        let name = format!("{case:?} on {}", device.report());
        let of = |shape: [usize; 3], values: &[f32]| Tensor::new(device, shape, values).unwrap();
        let (q, k, v) = (of(case.of_q(), q), of(case.of_k(), &k), of(case.of_v(), &v));
        let mask = case.mask.as_ref();
        let mask = mask.map(|mask| Tensor::new(device, [case.samples, case.keys], mask).unwrap());
        let mask = mask.as_ref();
        let output = call([&q, &k, &v], mask).unwrap();
        let dy = of(case.of_y(), dy);
        let gradients = dy
            .attention_backward([&q, &k, &v], mask, &output, settings)
            .unwrap();
        let results = [
            ("y", &output.y, case.of_y(), &expected.y),
            ("dq", &gradients.dq, case.of_q(), &expected.dq),
            ("dk", &gradients.dk, case.of_k(), &expected.dk),
            ("dv", &gradients.dv, case.of_v(), &expected.dv),
        ];
        for ((what, found, shape, expected), tolerance) in results.into_iter().zip(tolerances) {
            assert_eq!(found.shape(), shape, "{name}: {what}");
            let found = found.download().unwrap();
            assert_each_close(&format!("{name}: {what}"), &found, expected, |_| tolerance);
        }
    }
}

pub(crate) fn data(case: &Attending, seed: u64) -> [Vec<f32>; 4] {
    let mut random = Random::new(seed);
    [case.of_q(), case.of_k(), case.of_v(), case.of_y()]
        .map(|shape| random.normals(shape.iter().product()))
}

#[test]
fn attention_is_a_weighted_mean_of_the_values_a_query_sees() {
    for (i, case) in sweep().iter().enumerate() {
        let [q, k, v, dy] = data(case, i as u64);
        // Scores are sums of up to 17 products of numbers below 4, so below 150, and usually below 10; exp errs by 3 +
        // 2|x| ULP, as does its argument. Sums of at most 33 terms follow.
        let tolerance = Tolerance::absolute(4096.0 * ULP);
        check(case, [&q, &k, &v, &dy], tolerance);
    }
}

#[test]
fn many_keys() {
    // One value is 1 in every thousand; all weights are equal.
    let keys = 60_000;
    let case = Attending {
        samples: 1,
        heads: 1,
        queries: 1,
        keys,
        width: 1,
        value_width: 1,
        scale: 1.0,
        causal: None,
        mask: None,
    };
    let k = vec![0.0; keys];
    let v: Vec<f32> = (0..keys)
        .map(|j| f32::from(j.is_multiple_of(1000)))
        .collect();
    check(&case, [&[1.0], &k, &v, &[1.0]], Tolerance::absolute(1e-6));
}

#[test]
fn many_queries() {
    let queries = 50_001;
    let case = Attending {
        samples: 1,
        heads: 1,
        queries,
        keys: 2,
        width: 1,
        value_width: 1,
        scale: 1.0,
        causal: Some(1),
        mask: None,
    };
    let q: Vec<f32> = (0..queries).map(|i| (i % 3) as f32 - 1.0).collect();
    let dy: Vec<f32> = (0..queries)
        .map(|i| f32::from(i.is_multiple_of(1000)))
        .collect();
    // The gradients of the keys are sums of 51 terms that are not 0, each below 1.
    let tolerance = Tolerance::absolute(64.0 * 32.0 * ULP);
    check(&case, [&q, &[0.5, -0.5], &[1.0, 2.0], &dy], tolerance);
}

/// Sums of more than 1,024 fours are cut into blocks, also where every block has a larger maximum than the last.
#[test]
fn long_sums_of_any_data() {
    for (queries, keys) in [(2, 5003), (5003, 2)] {
        let case = Attending {
            samples: 1,
            heads: 2,
            queries,
            keys,
            width: 3,
            value_width: 4,
            scale: 0.5,
            causal: (keys < queries).then_some(1),
            mask: (keys > queries).then(|| (0..keys).map(|j| (j % 7) as f32).collect()),
        };
        let [mut q, mut k, v, dy] = data(&case, 5);
        if keys > queries {
            // Scores grow from 0 to about 8.
            q.fill(1.0);
            for (j, row) in k.chunks_mut(6).enumerate() {
                row.iter_mut()
                    .for_each(|x| *x = *x / 8.0 + j as f32 / 1000.0);
            }
        }
        // Weights err by up to 64 ULP, and a gradient of a key is the sum of up to 5003 terms, which are 0.5 on average.
        let tolerance = Tolerance::absolute(5003.0 * 0.5 * 32.0 * ULP);
        check(&case, [&q, &k, &v, &dy], tolerance);
    }
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let device = cpu();
    let of = |shape: &[usize]| Tensor::zeros(device, shape).unwrap();
    let q = of(&[2, 3, 4]);
    let attend = |k: &[usize], v: &[usize], mask: Option<&[usize]>, attention: Attention| {
        let mask = mask.map(of);
        q.attention(&of(k), &of(v), mask.as_ref(), attention)
            .map(|_| ())
    };
    let two = Attention::new(2);
    attend(&[2, 5, 4], &[2, 5, 6], Some(&[2, 5]), two).unwrap();
    for (k, v, mask) in [
        (&[2, 5, 6][..], &[2, 5, 4][..], None),
        (&[1, 5, 4], &[1, 5, 4], None),
        (&[2, 5, 4], &[2, 4, 4], None),
        (&[2, 5, 4], &[2, 5, 5], None),
        (&[2, 5, 4], &[2, 5, 4], Some(&[5, 2][..])),
        (&[2, 5, 4], &[2, 5, 4], Some(&[1, 5])),
        (&[10, 4], &[10, 4], None),
    ] {
        let found = attend(k, v, mask, two);
        assert!(matches!(found, Err(Error::Shape { .. })), "{found:?}");
    }
    let fits = |attention| attend(&[2, 5, 4], &[2, 5, 4], None, attention);
    assert!(matches!(fits(Attention::new(3)), Err(Error::Shape { .. })));
    for attention in [
        Attention::new(0),
        two.scale(f32::NAN),
        two.scale(f32::INFINITY),
    ] {
        let found = fits(attention);
        assert!(matches!(found, Err(Error::Argument { .. })), "{found:?}");
    }
}
