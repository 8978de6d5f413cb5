//! Lengths around the blocks in which the CPU adds up: 4 or 8 rows, tiles of 16 keys, and 64 keys or queries.

use super::{Attending, check, data};
use crate::common::compare::Tolerance;
use crate::common::precision::ULP;

#[test]
fn lengths_around_blocks_agree_with_plain_loops() {
    // [queries, keys], the mask's period, and the causal mask.
    let forms = [
        ([64, 64], 0, Some(0)),
        ([70, 63], 0, None),
        ([67, 131], 0, Some(64)),
        ([130, 67], 3, Some(0)),
        ([12, 129], 5, None),
        ([65, 16], 0, Some(2)),
    ];
    for (i, ([queries, keys], period, causal)) in forms.into_iter().enumerate() {
        let samples = 2;
        let case = Attending {
            samples,
            heads: 2,
            queries,
            keys,
            width: [16, 5][i % 2],
            value_width: [8, 17, 16][i % 3],
            scale: 0.25,
            causal,
            mask: (period > 0).then(|| (0..samples * keys).map(|k| (k % period) as f32).collect()),
        };
        let [q, k, v, dy] = data(&case, i as u64);
        // Scores are usually below 4: exp errs by 3 + 2|x| ULP, as does its argument. A gradient of a key is a sum over at
        // most 130 queries, whose weights add up to at most 130.
        let tolerance = Tolerance::absolute(8192.0 * ULP);
        check(&case, [&q, &k, &v, &dy], tolerance);
    }
}
