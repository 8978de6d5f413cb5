//! Random image motions in `f64`, from the definitions: every pixel of the source is weighted with hat functions, every
//! control point with a B-spline in its piecewise form.

/// The limits of what is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) shift: f64,
    pub(crate) degrees: f64,
    pub(crate) scale: f64,
    pub(crate) amplitude: f64,
    pub(crate) spacing: usize,
}

/// What was drawn for one sample.
#[derive(Clone, Debug)]
pub(crate) struct Motion {
    pub(crate) offset: [f64; 2],
    pub(crate) scale: [f64; 2],
    pub(crate) radians: f64,
    /// Rows of control points.
    pub(crate) points: Vec<Vec<[f64; 2]>>,
}

/// Threefry2x32-20, from the paper: a round adds, rotates, and exchanges; every fourth is followed by a key.
pub(crate) fn threefry(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    let rotations = [13, 15, 26, 6, 17, 29, 16, 24];
    let schedule = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd1_1bda];
    let (mut a, mut b) = (
        counter[0].wrapping_add(key[0]),
        counter[1].wrapping_add(key[1]),
    );
    for round in 0..20 {
        a = a.wrapping_add(b);
        b = b.rotate_left(rotations[round % 8]) ^ a;
        if round % 4 == 3 {
            let n = round / 4 + 1;
            a = a.wrapping_add(schedule[n % 3]);
            b = b.wrapping_add(schedule[(n + 1) % 3]).wrapping_add(n as u32);
        }
    }
    [a, b]
}

/// Both halves of a word as numbers in [−1, 1).
fn halves(word: u32) -> [f64; 2] {
    [word % 65536, word / 65536].map(|half| f64::from(half) / 32768.0 - 1.0)
}

pub(crate) fn draw(limits: &Limits, seed: u64, step: u32, row: usize) -> Motion {
    let elastic = limits.amplitude > 0.0;
    // Four control points around each pixel: the first pixel lies under the second of them.
    let count = |side: usize| {
        if elastic {
            (side - 1) / limits.spacing + 4
        } else {
            0
        }
    };
    let (rows, columns) = (count(limits.height), count(limits.width));
    let pairs = 2 + (rows * columns).div_ceil(2);
    let key = threefry([seed as u32, (seed >> 32) as u32], [0, 1]);
    let word = |i: usize| threefry(key, [step, (row * pairs + i / 2) as u32])[i % 2];
    let point = |i: usize| halves(word(4 + i)).map(|unit| limits.amplitude * unit);
    Motion {
        offset: halves(word(0)).map(|unit| limits.shift * unit),
        scale: halves(word(1)).map(|unit| 1.0 + limits.scale * unit),
        radians: limits.degrees.to_radians() * halves(word(2))[0],
        points: (0..rows)
            .map(|j| (0..columns).map(|k| point(j * columns + k)).collect())
            .collect(),
    }
}

/// The cubic B-spline around 0, of support (−2, 2).
fn b_spline(x: f64) -> f64 {
    match x.abs() {
        x if x < 1.0 => 2.0 / 3.0 - x * x + x * x * x / 2.0,
        x if x < 2.0 => (2.0 - x).powi(3) / 6.0,
        _ => 0.0,
    }
}

/// Where the pixel (x, y) of the moved image comes from.
pub(crate) fn place(limits: &Limits, motion: &Motion, x: usize, y: usize) -> [f64; 2] {
    let centre = [limits.width, limits.height].map(|side| (side as f64 - 1.0) / 2.0);
    let r = [
        x as f64 - centre[0] - motion.offset[0],
        y as f64 - centre[1] - motion.offset[1],
    ];
    let (sine, cosine) = motion.radians.sin_cos();
    let mut place = [
        centre[0] + (cosine * r[0] + sine * r[1]) / motion.scale[0],
        centre[1] + (cosine * r[1] - sine * r[0]) / motion.scale[1],
    ];
    let g = limits.spacing as f64;
    for (j, row) in motion.points.iter().enumerate() {
        for (k, point) in row.iter().enumerate() {
            let weight =
                b_spline(x as f64 / g + 1.0 - k as f64) * b_spline(y as f64 / g + 1.0 - j as f64);
            place[0] += weight * point[0];
            place[1] += weight * point[1];
        }
    }
    place
}

/// The moved image, channels last.
pub(crate) fn augment(limits: &Limits, motion: &Motion, image: &[f64]) -> Vec<f64> {
    let (width, height) = (limits.width, limits.height);
    let channels = image.len() / (width * height);
    let hat = |distance: f64| (1.0 - distance.abs()).max(0.0);
    let mut moved = vec![0.0; image.len()];
    for (i, moved) in moved.chunks_exact_mut(channels).enumerate() {
        let at = place(limits, motion, i % width, i / width);
        for (v, row) in image.chunks_exact(width * channels).enumerate() {
            let down = hat(at[1] - v as f64);
            if down > 0.0 {
                for (u, pixel) in row.chunks_exact(channels).enumerate() {
                    let weight = down * hat(at[0] - u as f64);
                    for (moved, value) in moved.iter_mut().zip(pixel) {
                        *moved += weight * value;
                    }
                }
            }
        }
    }
    moved
}
