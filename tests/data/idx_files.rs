//! IDX files, plain and gzip: truncated, oversized, corrupt, with dimensions that overflow or vanish, and a bomb.

use super::{gzip, idx, refused};
use wgrad::{IdxArray, read_idx};

/// Twelve values in two rows of three by two.
fn sample() -> (Vec<u8>, IdxArray) {
    let values: Vec<u8> = (0..12).map(|i| i * 23).collect();
    let bytes = idx(&[2, 3, 2], &values);
    (bytes.clone(), read_idx("sample", &bytes).unwrap())
}

/// Reads an IDX file that must be refused.
#[track_caller]
fn refused_idx(bytes: &[u8], parts: &[&str]) -> String {
    refused(read_idx("file", bytes), "file", parts)
}

#[test]
fn plain_and_gzip_files_read_the_same() {
    let values: Vec<u8> = (0..=255).cycle().take(2 * 130 * 3).collect();
    // The second dimension needs two of its four bytes.
    for dimensions in [
        vec![780],
        vec![2, 390],
        vec![2, 130, 3],
        vec![1, 2, 130, 3, 1, 1, 1, 1],
    ] {
        let bytes = idx(&dimensions, &values);
        let array = read_idx("file", &bytes).unwrap();
        assert_eq!(
            array.dimensions,
            dimensions.iter().map(|&d| d as usize).collect::<Vec<_>>()
        );
        assert_eq!(array.values, values);
        assert_eq!(read_idx("file", &gzip(&bytes)).unwrap(), array);
    }
}

#[test]
fn members_of_a_gzip_file_follow_each_other() {
    let (bytes, array) = sample();
    let cut = |place: usize| [gzip(&bytes[..place]), gzip(&[]), gzip(&bytes[place..])].concat();
    for place in 0..bytes.len() {
        let mut file = cut(place);
        assert_eq!(read_idx("file", &file).unwrap(), array, "cut at {place}");
        // Padding, and what is none.
        file.resize(file.len() + 512, 0);
        assert_eq!(read_idx("file", &file).unwrap(), array);
        file.push(1);
        refused_idx(&file, &["cannot read the values"]);
        let twice = [cut(place), cut(place)].concat();
        refused_idx(&twice, &["oversized"]);
    }
}

#[test]
fn every_byte_of_the_magic_number_counts() {
    let (bytes, _) = sample();
    // Types 9, 11, 12, 13, 14 are those of other IDX files; 0 and 9 are no numbers of dimensions.
    for (place, wrong) in [
        (0, 1),
        (1, 1),
        (2, 0),
        (2, 9),
        (2, 11),
        (2, 13),
        (3, 0),
        (3, 9),
    ] {
        let mut bytes = bytes.clone();
        bytes[place] = wrong;
        let found = format!("{:02x?}", &bytes[..4]);
        let parts = ["magic 00 00 08, then 1 to 8 dimensions", &found];
        refused_idx(&bytes, &parts);
        refused_idx(&gzip(&bytes), &parts);
    }
}

#[test]
fn truncated_headers_are_refused() {
    let (bytes, _) = sample();
    for length in 0..16 {
        let part = match length {
            0..4 => "the magic number",
            4..8 => "dimension 0",
            8..12 => "dimension 1",
            _ => "dimension 2",
        };
        refused_idx(&bytes[..length], &["truncated: expected", part]);
        refused_idx(&gzip(&bytes[..length]), &["truncated: expected", part]);
    }
}

#[test]
fn truncated_values_are_refused() {
    let (bytes, _) = sample();
    for length in 16..bytes.len() {
        let found = format!("promise 12 values, found {}", length - 16);
        let parts = ["truncated: dimensions [2, 3, 2]", &found];
        refused_idx(&bytes[..length], &parts);
        refused_idx(&gzip(&bytes[..length]), &parts);
    }
}

#[test]
fn one_value_too_many_is_refused() {
    let (mut bytes, _) = sample();
    bytes.push(0);
    let parts = ["oversized: dimensions [2, 3, 2] promise 12 values, there are more"];
    refused_idx(&bytes, &parts);
    refused_idx(&gzip(&bytes), &parts);
}

#[test]
fn a_gzip_bomb_is_not_unpacked() {
    // 16 values promised, 64 MiB packed.
    let mut bomb = gzip(&idx(&[16], &vec![0; 64 << 20]));
    let message = refused_idx(
        &bomb,
        &["oversized", "[16] promise 16 values, there are more"],
    );
    // Its second half lost and its middle torn: a reader that unpacks so far hears of it.
    bomb.truncate(bomb.len() / 2);
    bomb.iter_mut()
        .rev()
        .take(1000)
        .for_each(|byte| *byte = !*byte);
    assert_eq!(refused_idx(&bomb, &[]), message);
}

#[test]
fn corrupt_gzip_is_refused() {
    let (bytes, array) = sample();
    let packed = gzip(&bytes);
    assert_eq!(read_idx("file", &packed).unwrap(), array);
    // The trailer is the CRC and the length, four bytes each: every bit of both counts.
    for place in packed.len() - 8..packed.len() {
        for bit in 0..8 {
            let mut packed = packed.clone();
            packed[place] ^= 1 << bit;
            refused_idx(&packed, &["cannot read the values: corrupt gzip stream"]);
        }
    }
    // The rest: a flipped bit may fall on what does not matter (time stamp, operating system), but is never read as
    // other values.
    let mut refusals = 0;
    for bit in 0..8 * (packed.len() - 8) {
        let mut packed = packed.clone();
        packed[bit / 8] ^= 1 << (bit % 8);
        match read_idx("file", &packed) {
            Ok(found) => assert_eq!(found, array, "bit {bit}"),
            Err(error) => {
                refused::<()>(Err(error), "file", &[]);
                refusals += 1;
            }
        }
    }
    assert!(
        refusals > 8 * 12,
        "only {refusals} flipped bits were refused"
    );
    // Cut short anywhere.
    for length in 0..packed.len() {
        refused_idx(&packed[..length], &[]);
    }
}

#[test]
fn dimensions_that_overflow_are_refused() {
    let most = u32::MAX;
    for dimensions in [
        vec![1 << 16, (1 << 15) + 1], // above 2³¹
        vec![most, most, 3],          // above 2⁶⁴
        vec![1 << 31, 1 << 31, 4],    // 2⁶⁴, 0 if it wrapped
        vec![most; 8],
    ] {
        let found = format!("{dimensions:?}");
        refused_idx(
            &idx(&dimensions, &[]),
            &[&found, "more than 2147483648 values"],
        );
    }
    // 2³¹ itself is a size, but nothing of it is there.
    refused_idx(
        &idx(&[1 << 31], &[1]),
        &["promise 2147483648 values, found 1"],
    );
}

#[test]
fn zero_dimensions_make_an_empty_array() {
    for dimensions in [vec![0], vec![0, 28, 28], vec![3, 0], vec![3, 0, 5]] {
        let array = read_idx("file", &idx(&dimensions, &[])).unwrap();
        assert_eq!(
            array.dimensions,
            dimensions.iter().map(|&d| d as usize).collect::<Vec<_>>()
        );
        assert_eq!(array.values, [0u8; 0]);
        refused_idx(
            &idx(&dimensions, &[7]),
            &["oversized", "promise 0 values, there are more"],
        );
    }
}
