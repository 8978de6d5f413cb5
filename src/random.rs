//! Random numbers for the host: ChaCha8, so that a seed gives the same numbers on every machine and in every version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers, a function of seed and stream number alone.
#[derive(Clone, Debug)]
pub(crate) struct Random(ChaCha8Rng);

/// What a stream is for: no two uses share numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// The initial values of the parameter with this number.
    Parameter(u32),
    /// The order of the samples in this epoch.
    Shuffle(u32),
    /// The directions of a gradient check.
    GradientCheck,
}

impl Random {
    pub(crate) fn new(seed: u64, stream: Stream) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(match stream {
            Stream::Parameter(index) => u64::from(index),
            Stream::Shuffle(epoch) => 1 << 32 | u64::from(epoch),
            Stream::GradientCheck => 2 << 32,
        });
        Random(rng)
    }

    pub(crate) fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Uniform in [0, 1): 53 bits.
    pub(crate) fn unit(&mut self) -> f64 {
        let bits = u64::from(self.word()) << 32 | u64::from(self.word());
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Normal with mean 0 and variance 1 (Box and Muller; one value of the pair).
    pub(crate) fn normal(&mut self) -> f64 {
        // 1 − unit lies in (0, 1], so the logarithm is finite. libm, so that every platform rounds alike.
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.unit())
    }

    /// Uniform in 0..bound, without bias (Lemire's method).
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.word()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Shuffles in place (Fisher and Yates).
    pub(crate) fn shuffle(&mut self, values: &mut [u32]) {
        for i in (1..values.len()).rev() {
            let j = self.below(i as u32 + 1) as usize;
            values.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let mut random = Random::new(0, Stream::Parameter(0));
        // The first words of ChaCha8 with a zero key and stream 0 (draft-strombergson-chacha-test-vectors, TC1).
        assert_eq!([random.word(), random.word()], [0x2fef_003e, 0xd640_5f89]);
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_depends_on_seed_and_epoch() {
        let order = |seed, epoch| {
            let mut values: Vec<u32> = (0..1000).collect();
            Random::new(seed, Stream::Shuffle(epoch)).shuffle(&mut values);
            values
        };
        let mut sorted = order(7, 3);
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..1000));
        assert_eq!(order(7, 3), order(7, 3));
        assert_ne!(order(7, 3), order(7, 4));
        assert_ne!(order(7, 3), order(8, 3));
    }

    #[test]
    fn below_is_even() {
        let mut random = Random::new(1, Stream::Shuffle(0));
        let mut counts = [0; 6];
        for _ in 0..60_000 {
            counts[random.below(6) as usize] += 1;
        }
        // Standard deviation of each count: √(60,000 · 1/6 · 5/6) = 91; five of them.
        assert!(
            counts.iter().all(|&c: &i32| (c - 10_000).abs() < 456),
            "{counts:?}"
        );
    }
}
