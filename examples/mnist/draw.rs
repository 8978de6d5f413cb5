//! Digits drawn in the terminal.

/// Side of an image in pixels.
const SIDE: usize = 28;

/// Images side by side with a caption under each: two rows of pixels to a line of half blocks. Samples that are not
/// square images of this size are left out.
pub(crate) fn digits(samples: &[Vec<f32>], captions: &[String]) -> String {
    let images: Vec<_> = samples
        .iter()
        .zip(captions)
        .filter(|(pixels, _)| pixels.len() == SIDE * SIDE)
        .collect();
    let mut text = String::new();
    for line in 0..SIDE / 2 {
        for (pixels, _) in &images {
            // Halfway between the darkest and the lightest pixel.
            let (low, high) = pixels
                .iter()
                .fold((f32::MAX, f32::MIN), |(l, h), &p| (l.min(p), h.max(p)));
            let ink = |row: usize, col: usize| pixels[row * SIDE + col] > (low + high) / 2.0;
            for col in 0..SIDE {
                text.push(match (ink(2 * line, col), ink(2 * line + 1, col)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
        }
        text.push('\n');
    }
    for (_, caption) in &images {
        text.push_str(&format!("{caption:<SIDE$}"));
    }
    text.push('\n');
    text
}
