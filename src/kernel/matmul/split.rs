//! Split-K: a product with few tiles and a long K as a stack of products over parts of K, whose results a column sum
//! adds up in order. Workgroups then share K, where otherwise a few of them would walk along all of it.
//!
//! ```text
//!            K                                       M·N
//!   ┌─────┬─────┬─────┐                         ┌────────────┐
//! A │  0  │  1  │  2  │  × B likewise  ──►  0   │ C of part 0│
//!   └─────┴─────┴─────┘                     1   │ C of part 1│  ──► column sum ──► C
//!                                           2   │ C of part 2│
//!                                               └────────────┘
//! ```

use super::algorithm::Algorithm;
use super::call::Matmul;
use super::view::{Stack, View};
use crate::kernel::base::product::Layout;

/// Shortest K that is split. A training step of dense layers with fewer rows takes one call for each product.
const LONG: usize = 1 << 14;

/// Least terms of a part: those of one chain of sums.
const MIN_PART: usize = 1 << 10;

/// Most parts.
const MAX_PARTS: usize = 64;

/// Most floats of all parts together.
const MAX_FLOATS: usize = 1 << 20;

/// Modelled cost of a further dispatch, in multiply-adds of a busy GPU: a few microseconds.
const DISPATCH: u128 = 1 << 24;

impl Matmul {
    /// The number of parts of K with the lowest modelled cost; 1 if the product is not split. It is a power of two, and
    /// depends on the shape alone, so results do not depend on the device. All parts have equal lengths, multiples of 4.
    pub(crate) fn parts(&self) -> usize {
        let is_plain = self.matrices() == 1 && !self.bias_gradient && !self.bias;
        let floats = self.out().floats();
        if !is_plain || self.k < LONG || floats == 0 {
            return 1;
        }
        let powers = (0..)
            .map(|i| 1 << i)
            .take_while(|&parts| parts <= MAX_PARTS);
        let valid = powers.filter(|&parts| {
            let part = self.k / parts;
            self.k.is_multiple_of(4 * parts) && part >= MIN_PART && parts * floats <= MAX_FLOATS
        });
        let cost = |&parts: &usize| match parts {
            1 => Algorithm::of_lowest_cost(self).cost(self),
            _ => {
                let split = self.split(parts);
                let sum = (parts * floats) as u128;
                Algorithm::of_lowest_cost(&split).cost(&split) + sum + DISPATCH
            }
        };
        valid.min_by_key(cost).unwrap_or(1)
    }

    /// The products of so many parts of K, which divides it.
    pub(crate) fn split(&self, parts: usize) -> Matmul {
        let k = self.k / parts;
        let [of_a, of_b] = self
            .stack
            .map_or([0, 0], |stack| [stack.a.start, stack.b.start]);
        let view = |start: usize, ld: usize, along_k: bool| View {
            start,
            ld,
            steps: [if along_k { k } else { k * ld }, 0],
        };
        let stack = Stack {
            counts: [parts, 1],
            a: view(of_a, self.lda(), self.layout != Layout::TN),
            b: view(of_b, self.ldb(), self.layout == Layout::NT),
        };
        Matmul {
            stack: Some(stack),
            ..Matmul::plain(self.m, self.n, k, self.layout)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(layout: Layout, [m, n, k]: [usize; 3]) -> usize {
        Matmul::plain(m, n, k, layout).parts()
    }

    #[test]
    fn products_of_few_tiles_and_a_long_k_are_split() {
        for layout in Layout::ALL {
            for (shape, expected) in [
                // Weight gradients of small layers with large batches.
                ([64, 64, 1 << 16], 32),
                ([10, 64, 1 << 16], 32),
                ([3, 1, 1 << 20], 64),
                ([128, 512, 1 << 14], 8),
                // Large layers, and the batches of dense networks.
                ([2048, 2048, 1 << 16], 1),
                ([64, 64, 1 << 12], 1),
                ([512, 784, 64], 1),
                ([16, 16, 0], 1),
                ([0, 16, 1 << 16], 1),
                // No part of equal length.
                ([64, 64, 65_537], 1),
                ([64, 64, 131_078], 1),
            ] {
                assert_eq!(parts(layout, shape), expected, "{layout:?} {shape:?}");
            }
        }
        let call = Matmul::plain(64, 64, 1 << 16, Layout::TN);
        let with_bias = Matmul { bias: true, ..call };
        assert_eq!(with_bias.parts(), 1);
    }

    #[test]
    fn parts_have_equal_lengths_of_whole_vec4() {
        for k in [1 << 14, 3 << 14, 50_000, 100_004, 123_456] {
            for [m, n] in [[8, 8], [16, 100], [130, 60]] {
                let call = Matmul::plain(m, n, k, Layout::NT);
                let parts = call.parts();
                let split = call.split(parts);
                assert_eq!((split.k * parts, split.k % 4), (k, 0));
                assert!(parts.is_power_of_two() && parts <= MAX_PARTS);
            }
        }
    }
}
