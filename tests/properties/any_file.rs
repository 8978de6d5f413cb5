//! Properties of any bytes, any array and any scale, over random cases.

use super::idx::{gzip, idx};
use approx::abs_diff_eq;
use proptest::prelude::*;
use wgrad::{Dataset, Error, Mnist, read_idx};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any bytes, and any bytes behind each part of a good beginning: an array as promised, or a typed error.
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        rank in 1u8..=8,
        low in any::<bool>(),
    ) {
        let mut header = vec![0, 0, 8, rank];
        if low {
            // Dimensions below 4: with luck there are as many bytes as they promise.
            header.extend(bytes.iter().take(rank.into()).flat_map(|&d| [0, 0, 0, d % 4]));
        }
        let plain = [&header[..], &bytes].concat();
        let broken = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0], &bytes[..]].concat();
        for file in [&bytes, &plain, &gzip(&plain), &gzip(&bytes), &broken] {
            match read_idx("file", file) {
                Ok(array) => prop_assert_eq!(
                    array.dimensions.iter().product::<usize>(),
                    array.values.len()
                ),
                Err(Error::Format { name, reason }) => {
                    prop_assert_eq!(name, "file");
                    prop_assert!(!reason.is_empty());
                }
                Err(other) => prop_assert!(false, "expected Error::Format, found {:?}", other),
            }
        }
    }

    /// The two files of a set with bytes changed, plain and packed: a set as promised, or a typed error.
    #[test]
    fn damaged_sets_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        of_labels in any::<bool>(),
        packed in any::<bool>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut files = [idx(&[3, 2, 2], &[7; 12]), idx(&[3], &[1, 2, 3])];
        if packed {
            files = files.map(|file| gzip(&file));
        }
        let damaged = &mut files[usize::from(of_labels)];
        for (place, value) in changes {
            let place = place.index(damaged.len());
            damaged[place] = value;
        }
        if let Some(cut) = cut {
            damaged.truncate(cut.index(damaged.len()));
        }
        match Mnist::set("images", &files[0], "labels", &files[1]) {
            Ok(data) => prop_assert_eq!((data.len(), data.features()), (3, 4)),
            Err(Error::Format { .. } | Error::Label { .. } | Error::Shape { .. }) => {}
            Err(other) => prop_assert!(false, "expected another error than {}", other),
        }
    }

    /// Any array is read as it was written.
    #[test]
    fn any_array_comes_back(dimensions in prop::collection::vec(0u32..5, 1..=5), seed in any::<u8>()) {
        let count = dimensions.iter().product::<u32>();
        let values: Vec<u8> = (0..count).map(|i| (i as u8).wrapping_mul(31) ^ seed).collect();
        let bytes = idx(&dimensions, &values);
        for file in [&bytes, &gzip(&bytes)] {
            let array = read_idx("file", file).unwrap();
            prop_assert!(array.dimensions.iter().map(|&d| d as u32).eq(dimensions.iter().copied()));
            prop_assert_eq!(&array.values, &values);
        }
    }

    /// `sample` is value · scale + shift.
    #[test]
    fn samples_are_scaled(
        bytes in prop::collection::vec(any::<u8>(), 6),
        scale in -8f32..8.0,
        shift in -8f32..8.0,
    ) {
        let floats: Vec<f32> = bytes.iter().map(|&byte| byte.into()).collect();
        let from_bytes = Dataset::from_bytes(2, bytes, vec![0, 1, 2], 3).unwrap().scaled(scale, shift).unwrap();
        let from_floats = Dataset::from_floats(2, floats.clone(), vec![0, 1, 2], 3).unwrap().scaled(scale, shift).unwrap();
        for row in 0..3 {
            let wanted: Vec<f64> = floats[2 * row..][..2].iter().map(|&v| f64::from(v) * f64::from(scale) + f64::from(shift)).collect();
            for data in [&from_bytes, &from_floats] {
                let sample = data.sample(row).unwrap();
                prop_assert_eq!(sample.len(), 2);
                for (&found, &wanted) in sample.iter().zip(&wanted) {
                    // Two roundings, of the product and of the sum, none of which exceeds 255·8 + 8 in size.
                    let epsilon = 2048.0 * f64::from(f32::EPSILON);
                    prop_assert!(abs_diff_eq!(f64::from(found), wanted, epsilon = epsilon), "{} for {}", found, wanted);
                }
            }
        }
    }
}
