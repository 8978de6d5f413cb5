//! Normal numbers, by Box and Muller (1958): √(−2 ln u)·(cos 2πv, sin 2πv), u in (0, 1], v in [0, 1), from two words.

use crate::kernel::base::Real;
use std::f64::consts::TAU;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/random/normal.wgsl");

pub(crate) fn run<T: Real>(words: [u32; 4], mean: f32, std: f32) -> [T; 4] {
    let [x, y] = pair(words[0], words[1]);
    let [z, w] = pair(words[2], words[3]);
    [x, y, z, w].map(|normal| T::of(mean.into()) + T::of(std.into()) * T::of(normal))
}

/// Two standard normals. libm's functions give the same bits on every machine.
fn pair(first: u32, second: u32) -> [f64; 2] {
    let [u, v] = [(first >> 8) + 1, second >> 8].map(|k| f64::from(k) / f64::from(1 << 24));
    let radius = (-2.0 * libm::log(u)).sqrt();
    let (sine, cosine) = libm::sincos(TAU * v);
    [radius * cosine, radius * sine]
}
