//! Which keys each query of ONNX's attention sees, and what is added to its scores: of a mask, a causal mask, a window of
//! keys, and the number of keys in use.

use super::super::onnx_recurrent::place;
use super::{Vectors, flag};

/// A query's number for a key that it does not see.
pub(super) const UNSEEN: f32 = f32::NEG_INFINITY;

/// Lengths of one attention.
#[derive(Clone, Copy)]
pub(super) struct Lengths {
    pub(super) samples: usize,
    pub(super) heads: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
    /// Keys of a cache, which come before those of the call.
    pub(super) past: usize,
}

/// Position of the mask, and of the number of keys in use, among the operator's inputs.
const MASK: usize = 3;
const IN_USE: usize = 6;

/// Whether a causal mask with the cache's length says all that there is to say.
pub(super) fn is_plain(file: &Vectors) -> bool {
    place(file, "inputs", MASK).is_none()
        && place(file, "inputs", IN_USE).is_none()
        && window(file) == [None; 2]
}

/// How many keys before and behind its own position a query sees.
fn window(file: &Vectors) -> [Option<i64>; 2] {
    ["left_window_size", "right_window_size"].map(|side| {
        let size = file.optional(side).unwrap_or(-1.0);
        (size >= 0.0).then_some(size as i64)
    })
}

/// For each sample, head, query and key the number that is added to the score, or [`UNSEEN`].
pub(super) fn bias(file: &Vectors, lengths: Lengths) -> Vec<f32> {
    let Lengths {
        samples,
        heads,
        queries,
        keys,
        past,
    } = lengths;
    let mask = Mask::new(file, keys);
    let in_use = place(file, "inputs", IN_USE).map(|name| file.tensor(&name).to_vec());
    let (is_causal, [left, right]) = (flag(file, "is_causal"), window(file));
    let mut bias = Vec::with_capacity(samples * heads * queries * keys);
    for sample in 0..samples {
        let used = in_use.as_ref().map(|in_use| in_use[sample] as i64);
        // The position of the first query among the keys: the last query is at the last key in use.
        let first = used.map_or(past as i64, |used| used - queries as i64);
        for head in 0..heads {
            for query in 0..queries {
                for key in 0..keys {
                    let ahead = key as i64 - (first + query as i64);
                    let is_seen = !(is_causal && ahead > 0)
                        && left.is_none_or(|left| -ahead <= left)
                        && right.is_none_or(|right| ahead <= right)
                        && used.is_none_or(|used| (key as i64) < used);
                    bias.push(if is_seen {
                        mask.at([sample, head, query, key])
                    } else {
                        UNSEEN
                    });
                }
            }
        }
    }
    bias
}

/// A mask of up to four dimensions, the last of which may end before the keys do.
struct Mask {
    shape: Vec<usize>,
    values: Vec<f32>,
    /// Whether its numbers tell which keys are seen; otherwise they are added.
    is_boolean: bool,
}

impl Mask {
    fn new(file: &Vectors, keys: usize) -> Self {
        let Some(name) = place(file, "inputs", MASK) else {
            return Mask {
                shape: vec![keys],
                values: vec![0.0; keys],
                is_boolean: false,
            };
        };
        Mask {
            shape: file.shape(&name).to_vec(),
            values: file.narrow(&name),
            is_boolean: file.is_whole(&name),
        }
    }

    fn at(&self, place: [usize; 4]) -> f32 {
        let mut index = 0;
        let missing = 4 - self.shape.len();
        for (i, (&length, &at)) in self.shape.iter().zip(&place[missing..]).enumerate() {
            let is_last = i + 1 == self.shape.len();
            if is_last && at >= length {
                return UNSEEN;
            }
            // A dimension of one is shared, except the keys.
            index = index * length + if length == 1 && !is_last { 0 } else { at };
        }
        match (self.is_boolean, self.values[index]) {
            (false, value) => value,
            (true, 0.0) => UNSEEN,
            (true, _) => 0.0,
        }
    }
}
