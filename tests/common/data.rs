//! Deterministic test data and awkward shapes.

use wgrad::Dataset;

/// Dimensions around every vector width and tile size.
pub(crate) const DIMS: [usize; 25] = [
    0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 500,
    513, 1024,
];

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// In (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// Integers from −4 to 4: sums of up to 2²⁰ of their products are exact in `f32`, in any order.
    pub(crate) fn integers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.below(9) as f32 - 4.0).collect()
    }

    /// Eighths from −½ to ½: as [`Random::integers`], with products small enough not to saturate an activation.
    pub(crate) fn eighths(&mut self, count: usize) -> Vec<f32> {
        self.integers(count).iter().map(|i| i / 8.0).collect()
    }

    pub(crate) fn uniform(&mut self, count: usize, low: f64, high: f64) -> Vec<f32> {
        (0..count)
            .map(|_| (low + (high - low) * self.unit()) as f32)
            .collect()
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normals(&mut self, count: usize) -> Vec<f32> {
        let mut normal =
            || (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        (0..count).map(|_| normal() as f32).collect()
    }

    pub(crate) fn words(&mut self, count: usize, end: usize) -> Vec<u32> {
        (0..count).map(|_| self.below(end) as u32).collect()
    }
}

/// Samples around one centre a class.
pub(crate) fn clusters(seed: u64, samples: usize, features: usize, classes: usize) -> Dataset {
    let mut random = Random::new(seed);
    let centres = random.normals(classes * features);
    let labels = random.words(samples, classes);
    let noise = random.normals(samples * features);
    let values = (0..samples * features)
        .map(|i| centres[labels[i / features] as usize * features + i % features] + noise[i])
        .collect();
    Dataset::from_floats(features, values, labels, classes).unwrap()
}

/// Shapes that hold every one of [`DIMS`] in every place, `rounds` times, none with more than `most` elements.
pub(crate) fn shapes<const N: usize>(seed: u64, rounds: usize, most: usize) -> Vec<[usize; N]> {
    let mut random = Random::new(seed);
    let mut shapes = Vec::new();
    while shapes.len() < rounds * DIMS.len() {
        let columns = [(); N].map(|()| {
            let mut dims = DIMS;
            for i in (1..dims.len()).rev() {
                dims.swap(i, random.below(i + 1));
            }
            dims
        });
        let round = (0..DIMS.len()).map(|i| columns.map(|column| column[i]));
        if round
            .clone()
            .all(|shape| shape.iter().product::<usize>() <= most)
        {
            shapes.extend(round);
        }
    }
    shapes
}
