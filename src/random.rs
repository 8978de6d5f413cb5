//! Random numbers of the host: ChaCha8 streams, equal for equal seeds on every machine and in every version.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// A stream of random numbers. It depends on the seed and the stream number only.
#[derive(Debug)]
pub(crate) struct Random(ChaCha8Rng);

/// The purpose of a stream. Different purposes have independent numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// Initial values of the parameter with this index.
    Parameter(u32),
    /// Order of the samples in this epoch.
    Shuffle(u32),
    /// Directions of a gradient check.
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

    /// A uniform number in [0, 1) with 53 random bits.
    pub(crate) fn unit(&mut self) -> f64 {
        let bits = u64::from(self.word()) << 32 | u64::from(self.word());
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A normal number with mean 0 and variance 1: one value of a Box-Muller pair.
    pub(crate) fn normal(&mut self) -> f64 {
        // 1 − unit lies in (0, 1], so the logarithm is finite. libm, so that every platform rounds alike.
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.unit())
    }

    /// A uniform integer in 0..bound, without bias (Lemire's method).
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.word()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Shuffles in place (Fisher-Yates).
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

    /// Words of `rand_chacha` 0.10.0, on which this module was first built. Another package must give the same bits.
    #[test]
    fn words_are_those_of_the_first_release() {
        // Three words, and an FNV-1a hash of the next 1,000 words, which cross block boundaries.
        for (seed, stream, words, hash) in [
            (
                7,
                Stream::Parameter(3),
                [0xacbb_c55e, 0xa9b5_3dc8, 0xac92_724a],
                0x4474_b222_9482_7d58,
            ),
            (
                7,
                Stream::Shuffle(2),
                [0x434c_ef37, 0x23df_8879, 0xefa1_7d42],
                0x36af_79d2_9db6_df35,
            ),
            (
                u64::MAX,
                Stream::Shuffle(u32::MAX),
                [0xc309_480f, 0x5e4e_d83c, 0xd0b6_b151],
                0x2921_9945_f2b1_43fc,
            ),
            (
                42,
                Stream::GradientCheck,
                [0x37ef_0fc0, 0x90ad_3545, 0x1f90_7f28],
                0xc537_04ec_db54_ea9a,
            ),
        ] {
            let mut random = Random::new(seed, stream);
            assert_eq!([(); 3].map(|()| random.word()), words, "{seed} {stream:?}");
            let found = (0..1000).fold(0xcbf2_9ce4_8422_2325_u64, |hash, _| {
                (hash ^ u64::from(random.word())).wrapping_mul(0x100_0000_01b3)
            });
            assert_eq!(found, hash, "{seed} {stream:?}");
        }
        let mut random = Random::new(42, Stream::Shuffle(0));
        let mut order: Vec<u32> = (0..10).collect();
        random.shuffle(&mut order);
        assert_eq!(order, [3, 9, 6, 0, 8, 5, 2, 1, 4, 7]);
        assert_eq!(random.unit().to_bits(), 0x3fb2_909e_e226_9a30);
        assert_eq!(random.normal().to_bits(), 0x3fd3_de7f_bfbf_33a5);
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
