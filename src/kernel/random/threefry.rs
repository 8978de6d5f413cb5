//! Random words on the device: Threefry2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1,
//! 2, 3"). It uses only integers, so both devices draw the same words.
//!
//! The generator has no state: the words are a function of key and counter. The key encodes the seed and the use of the
//! numbers ([`key`]); the counter encodes step and element ([`words`]). Past 2³² steps the high half of the step enters
//! the key ([`key_at`]). So a step that runs again, after a resume or in the backward pass, draws the same words.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/random/threefry.wgsl");

/// A use of random numbers on the device. No two uses share a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    /// The graph's node with this number.
    Node(u32),
    /// The augmentation of the samples.
    Augment,
    /// A call on tensors.
    Call,
}

/// The key for a use and a seed.
pub(crate) fn key(seed: u64, usage: Use) -> [u32; 2] {
    let counter = match usage {
        Use::Node(number) => [number, 0],
        Use::Augment => [0, 1],
        Use::Call => [0, 2],
    };
    threefry([seed as u32, (seed >> 32) as u32], counter)
}

/// The key for steps with this high half, which does not fit the counter.
pub(crate) fn key_at(key: [u32; 2], high: u32) -> [u32; 2] {
    [key[0], key[1] ^ high]
}

/// Two words from a key and a counter.
pub(crate) fn threefry(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    let keys = [key[0], key[1], 0x1bd1_1bda ^ key[0] ^ key[1]];
    let [mut x, mut y] = [
        counter[0].wrapping_add(key[0]),
        counter[1].wrapping_add(key[1]),
    ];
    for i in 0..5 {
        for by in ROTATIONS[i % 2] {
            x = x.wrapping_add(y);
            y = y.rotate_left(by) ^ x;
        }
        x = x.wrapping_add(keys[(i + 1) % 3]);
        y = y.wrapping_add(keys[(i + 2) % 3]).wrapping_add(i as u32 + 1);
    }
    [x, y]
}

/// The four words of `vec4` element `element` in step `step`.
pub(crate) fn words(key: [u32; 2], step: u32, element: u32) -> [u32; 4] {
    let [x, y] = threefry(key, [step, element.wrapping_mul(2)]);
    let [z, w] = threefry(key, [step, element.wrapping_mul(2).wrapping_add(1)]);
    [x, y, z, w]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of the authors' library (Random123 1.14, `kat_vectors`).
    #[test]
    fn known_answers() {
        let all = u32::MAX;
        assert_eq!(threefry([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
        assert_eq!(threefry([all, all], [all, all]), [0x1cb9_96fc, 0xbb00_2be7]);
        assert_eq!(
            threefry([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]),
            [0xc492_3a9c, 0x483d_f7a0]
        );
    }

    #[test]
    fn uses_have_keys_of_their_own() {
        let keys = [
            key(1, Use::Node(0)),
            key(1, Use::Node(1)),
            key(1, Use::Augment),
            key(1, Use::Call),
            key(2, Use::Node(0)),
        ];
        for (i, a) in keys.iter().enumerate() {
            assert!(keys[..i].iter().all(|b| a != b), "{keys:?}");
        }
    }
}
