//! Threefry2x32 with 20 rounds, as the paper writes it (Salmon et al. 2011, section 4.2 and table 2), and the numbers
//! derived from its words.

/// Two words from a key and a counter.
pub(crate) fn threefry(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    const ROTATIONS: [u32; 8] = [13, 15, 26, 6, 17, 29, 16, 24];
    let schedule = [key[0], key[1], 0x1BD1_1BDA ^ key[0] ^ key[1]];
    let mut x = counter;
    for round in 0..=20u32 {
        if round % 4 == 0 {
            let injection = round / 4;
            for (i, x) in x.iter_mut().enumerate() {
                *x = x.wrapping_add(schedule[(injection as usize + i) % 3]);
            }
            x[1] = x[1].wrapping_add(injection);
        }
        if round < 20 {
            x[0] = x[0].wrapping_add(x[1]);
            x[1] = x[1].rotate_left(ROTATIONS[round as usize % 8]) ^ x[0];
        }
    }
    x
}

/// The words of the elements of a matrix, row by row, in tensor calls: four to each group of four columns, of which the
/// last of a row may be short.
pub(crate) fn words([rows, cols]: [usize; 2], seed: u64, step: u32) -> Vec<u32> {
    let key = threefry([seed as u32, (seed >> 32) as u32], [0, 2]);
    let groups = cols.div_ceil(4);
    let word = |i: usize, j: usize| {
        let pair = 2 * (i * groups + j / 4) + j % 4 / 2;
        threefry(key, [step, pair as u32])[j % 2]
    };
    (0..rows)
        .flat_map(|i| (0..cols).map(move |j| word(i, j)))
        .collect()
}

/// A word's upper 24 bits, in [0, 1).
pub(crate) fn unit(word: u32) -> f64 {
    f64::from(word >> 8) / f64::from(1 << 24)
}
