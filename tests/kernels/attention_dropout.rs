//! Dropout of attention's weights: the mask of the generator's words on every device, in all gradients; shares; refusals.

use super::attention::{attention, compare, data, devices};
use crate::common::compare::{Tolerance, assert_same_bits};
use crate::common::devices::{cpu, gpu, gpu_checked};
use crate::common::oracle::attention::Attending;
use crate::common::oracle::random::words;
use crate::common::precision::ULP;
use wgrad::{Attention, Error, Tensor};

const SEED: u64 = 11;

/// Both halves of the step's word have bits.
const STEP: u32 = 0x89ab_cdef;

/// The factors of all weights [samples·heads·queries, keys].
fn factors(case: &Attending, rate: f32) -> Vec<f64> {
    let rows = case.samples * case.heads * case.queries;
    let threshold = (f64::from(rate) * 2f64.powi(32)).floor();
    let kept = 1.0 / (1.0 - f64::from(rate));
    let factor = |word: &u32| {
        if f64::from(*word) >= threshold {
            kept
        } else {
            0.0
        }
    };
    words([rows, case.keys], SEED, STEP)
        .iter()
        .map(factor)
        .collect()
}

/// Lengths that are no multiples of four, heads at multiples of four and not, causal masks and masks of keys. The
/// kernels for hardware divide the columns of the last two among invocations; those of software adapters do not.
#[test]
fn dropped_weights_are_those_of_the_generator_forward_and_backward() {
    for (i, (lengths, widths, causal, rate)) in [
        ([7, 17], [4, 8], None, 0.5),
        ([19, 33], [3, 5], Some(3), 0.1),
        ([5, 4], [4, 4], Some(0), 0.9),
        ([1, 1], [1, 2], None, 1f32.next_down()),
        ([2, 0], [4, 4], None, 0.5),
        ([11, 9], [40, 20], Some(2), 0.5),
        ([6, 13], [18, 33], None, 0.25),
    ]
    .into_iter()
    .enumerate()
    {
        let ([queries, keys], [width, value_width]) = (lengths, widths);
        let samples = 2;
        let case = Attending {
            samples,
            heads: 1 + i % 3,
            queries,
            keys,
            width,
            value_width,
            scale: 0.5,
            causal,
            // Every third key is left out.
            mask: (i % 2 == 0).then(|| (0..samples * keys).map(|k| (k % 3) as f32).collect()),
        };
        let settings = attention(&case).dropout(rate);
        let [q, k, v, dy] = data(&case, i as u64);
        let operands = [&q[..], &k, &v, &dy];
        let expected = case.run_dropped(operands, &factors(&case, rate));
        // That of attention without dropout, times the largest factor.
        let tolerance = Tolerance::absolute(4096.0 * ULP / (1.0 - f64::from(rate)));
        let [cpu, software, hardware] = devices();
        let devices = match width.max(value_width) {
            0..=16 => &[cpu, hardware, software][..],
            _ => &[cpu, hardware],
        };
        compare(
            devices,
            &case,
            operands,
            &expected,
            settings,
            [tolerance; 4],
            |[q, k, v], mask| q.attention_with_dropout(k, v, mask, settings, SEED, STEP),
        );
    }
}

/// Sums of more than 1,024 fours are cut into blocks, of which each draws the words of its own keys and queries.
#[test]
fn long_sums_drop_their_own_weights() {
    for [queries, keys] in [[1, 4101], [4101, 1]] {
        let case = Attending {
            samples: 1,
            heads: 1,
            queries,
            keys,
            width: 1,
            value_width: 1,
            scale: 1.0,
            causal: None,
            mask: None,
        };
        let [q, k, v, dy] = data(&case, 3);
        let operands = [&q[..], &k, &v, &dy];
        let expected = case.run_dropped(operands, &factors(&case, 0.5));
        let settings = attention(&case).dropout(0.5);
        // A gradient of the key is the sum of 4,101 terms of about 2 at most, which err by up to 64 ULP.
        let tolerance = Tolerance::absolute(4101.0 * 32.0 * ULP);
        compare(
            &devices(),
            &case,
            operands,
            &expected,
            settings,
            [tolerance; 4],
            |[q, k, v], mask| q.attention_with_dropout(k, v, mask, settings, SEED, STEP),
        );
    }
}

/// With equal scores and values of 1, a result is the share of its kept weights, times 1/(1 − p).
#[test]
fn dropout_drops_its_share_of_the_weights_and_other_ones_each_time() {
    let ([samples, heads, queries, keys], rate) = ([3, 2, 50, 33], 0.2);
    for device in [cpu(), gpu(), gpu_checked()] {
        let q = Tensor::zeros(device, [samples, queries, heads]).unwrap();
        let k = Tensor::zeros(device, [samples, keys, heads]).unwrap();
        let v = Tensor::filled(device, [samples, keys, heads], 1.0).unwrap();
        let draw = |rate: f32, seed, step| {
            let attention = Attention::new(heads).dropout(rate);
            let output = q.attention_with_dropout(&k, &v, None, attention, seed, step);
            output.unwrap().y.download().unwrap()
        };
        let y = draw(rate, 1, 0);
        let kept: Vec<f64> = y
            .iter()
            .map(|y| f64::from(*y) * (1.0 - f64::from(rate)) * keys as f64)
            .collect();
        assert!(
            kept.iter().all(|n| (n - n.round()).abs() < 1e-3),
            "{kept:?}"
        );
        let count = (samples * heads * queries * keys) as f64;
        let share = kept.iter().sum::<f64>() / count;
        let deviation = (0.2 * 0.8 / count).sqrt();
        assert!((share - 0.8).abs() < 5.0 * deviation, "{share}");
        // Heads, queries and samples have masks of their own: few of neighbouring results are equal by chance.
        for apart in [1, heads, heads * queries] {
            let equal = y.iter().zip(&y[apart..]).filter(|(a, b)| a == b).count();
            assert!(equal < y.len() / 3, "{equal} of {} at {apart}", y.len());
        }
        assert_same_bits("again", &draw(rate, 1, 0), &y);
        assert_ne!(draw(rate, 2, 0), y);
        assert_ne!(draw(rate, 1, 1 << 16), y);
    }
}

#[test]
fn a_rate_of_zero_changes_no_bit() {
    for device in [cpu(), gpu()] {
        let random =
            |seed, shape: [usize; 3]| Tensor::normal(device, shape, 0.0, 1.0, seed, 0).unwrap();
        let (q, k, v) = (
            random(1, [2, 5, 6]),
            random(2, [2, 7, 6]),
            random(3, [2, 7, 4]),
        );
        let (dy, plain) = (random(4, [2, 5, 4]), Attention::new(2));
        let zero = plain.dropout(0.0);
        let first = q.attention(&k, &v, None, plain).unwrap();
        let second = q.attention_with_dropout(&k, &v, None, zero, 1, 2).unwrap();
        let all = |output| {
            let gradients = dy
                .attention_backward([&q, &k, &v], None, output, zero)
                .unwrap();
            [
                &output.y,
                &output.statistics,
                &gradients.dq,
                &gradients.dk,
                &gradients.dv,
            ]
            .map(|tensor| tensor.download().unwrap())
            .concat()
        };
        assert_same_bits("rate 0", &all(&second), &all(&first));
    }
}

#[test]
fn rates_and_sizes_out_of_range_are_refused() {
    let device = cpu();
    let of = |shape: [usize; 3]| Tensor::zeros(device, shape).unwrap();
    let (x, attention) = (of([1, 2, 4]), Attention::new(2).dropout(0.5));
    let argument = |found: wgrad::Result<()>| {
        assert!(matches!(found, Err(Error::Argument { .. })), "{found:?}");
    };
    for rate in [1.0, -0.1, f32::NAN, f32::INFINITY, 1e-12] {
        let attention = attention.dropout(rate);
        let found = x.attention_with_dropout(&x, &x, None, attention, 0, 0);
        argument(found.map(|_| ()));
    }
    // Without a seed and a step.
    argument(x.attention(&x, &x, None, attention).map(|_| ()));
    let output = x
        .attention_with_dropout(&x, &x, None, attention, 0, 0)
        .unwrap();
    for other in [attention.dropout(0.0), attention.dropout(0.25)] {
        let found = x.attention_backward([&x, &x, &x], None, &output, other);
        argument(found.map(|_| ()));
    }
    // 2³² fours of weights, twice as many as there are words for.
    let (q, k) = (of([1, 1 << 16, 4]), of([1, 1 << 17, 4]));
    let found = q.attention_with_dropout(&k, &k, None, attention.dropout(0.5), 0, 0);
    assert!(
        matches!(found, Err(Error::Shape { .. })),
        "{:?}",
        found.map(|_| ())
    );
}
