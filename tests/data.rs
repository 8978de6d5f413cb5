//! The IDX reader and the data sets: what is well-formed is read exactly, all else gives a typed error that says what was
//! wanted and what came, and never a panic.

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::io::Write;
use wgrad::{Dataset, Error, IdxArray, Mnist, Result, read_idx};

/// An IDX file.
fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Twelve values in two rows of three by two.
fn sample() -> (Vec<u8>, IdxArray) {
    let values: Vec<u8> = (0..12).map(|i| i * 23).collect();
    let bytes = idx(&[2, 3, 2], &values);
    (bytes.clone(), read_idx("sample", &bytes).unwrap())
}

/// Asserts a [`Error::Format`] that names the file and holds all of `parts`; gives its reason.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, file: &str, parts: &[&str]) -> String {
    match result {
        Err(error @ Error::Format { .. }) => {
            let message = error.to_string();
            assert!(message.starts_with(&format!("{file}: ")), "{message}");
            for part in parts {
                assert!(message.contains(part), "no {part:?} in {message:?}");
            }
            message
        }
        other => panic!("expected Error::Format, found {other:?}"),
    }
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
                    prop_assert!((f64::from(found) - wanted).abs() <= 2048.0 * f64::from(f32::EPSILON), "{} for {}", found, wanted);
                }
            }
        }
    }
}

/// Images of 2×3 and labels, as the two files of a set.
fn set(images: &[u32], labels: &[u8]) -> Result<Dataset> {
    let count = images.iter().product::<u32>() as usize;
    let images = idx(images, &vec![51; count]);
    Mnist::set(
        "images",
        &images,
        "labels",
        &idx(&[labels.len() as u32], labels),
    )
}

#[test]
fn a_set_of_images_and_labels() {
    let data = set(&[3, 2, 3], &[9, 0, 4]).unwrap();
    assert_eq!((data.len(), data.features(), data.classes()), (3, 6, 10));
    assert_eq!(data.labels(), [9, 0, 4]);
    assert!(!data.is_empty());
    assert_eq!(data.sample(2).unwrap(), [51.0 * (1.0 / 255.0); 6]);
}

#[test]
fn images_and_labels_must_be_as_many() {
    refused(
        set(&[3, 2, 3], &[1, 2]),
        "labels",
        &["2 labels for 3 images"],
    );
    refused(
        set(&[3, 2, 3], &[1, 2, 3, 4]),
        "labels",
        &["4 labels for 3 images"],
    );
}

#[test]
fn images_have_three_dimensions_and_labels_one() {
    refused(
        set(&[3, 6], &[1, 2, 3]),
        "images",
        &["expected 3 dimensions, found [3, 6]"],
    );
    let (images, labels) = (idx(&[1, 1, 1], &[0]), idx(&[1, 1], &[0]));
    let result = Mnist::set("images", &images, "labels", &labels);
    refused(result, "labels", &["expected 1 dimensions, found [1, 1]"]);
}

/// Asserts an [`Error::Label`] and its message.
#[track_caller]
fn refused_label(result: Result<Dataset>, wanted: (usize, u32, usize)) {
    let error = result.unwrap_err();
    let Error::Label {
        row,
        label,
        classes,
    } = error
    else {
        panic!("expected Error::Label, found {error:?}")
    };
    assert_eq!((row, label, classes), wanted);
    assert_eq!(
        error.to_string(),
        format!("label {label} at row {row} is not below the number of classes, {classes}")
    );
}

#[test]
fn labels_out_of_range_are_refused_with_their_row() {
    refused_label(set(&[3, 2, 3], &[9, 9, 10]), (2, 10, 10));
    refused_label(set(&[3, 2, 3], &[9, 255, 10]), (1, 255, 10));
    refused_label(
        Dataset::from_bytes(1, vec![0; 3], vec![0, 2, 3], 2),
        (1, 2, 2),
    );
    refused_label(
        Dataset::from_floats(1, vec![0.0; 2], vec![0, u32::MAX - 1], 2),
        (1, u32::MAX - 1, 2),
    );
    // The label of samples that have none.
    Dataset::from_floats(1, vec![0.0; 2], vec![0, Dataset::NO_LABEL], 2).unwrap();
    refused_label(Dataset::from_bytes(1, vec![0], vec![0], 0), (0, 0, 0));
}

#[test]
fn values_that_are_not_finite_are_refused_with_their_place() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for place in 0..6 {
            let mut values = vec![f32::MAX; 6];
            values[place] = bad;
            // Only the first is named.
            values[5] = if place < 5 { f32::NAN } else { bad };
            let error = Dataset::from_floats(3, values, vec![0, 1], 2).unwrap_err();
            let Error::NonFiniteData { row, column, value } = error else {
                panic!("expected Error::NonFiniteData, found {error:?}");
            };
            assert_eq!((row, column), (place / 3, place % 3));
            assert_eq!(value.to_bits(), bad.to_bits());
            let wanted = format!("the data hold {bad} at row {row}, column {column}");
            assert!(error.to_string().starts_with(&wanted), "{error}");
        }
    }
}

#[test]
fn lengths_must_fit() {
    // Features, values, labels.
    for (features, values, labels) in [
        (3, 6, 0), // no sample
        (3, 0, 0),
        (0, 0, 2), // samples of nothing
        (3, 5, 2),
        (3, 7, 2),
        (3, 6, 3),
        (usize::MAX, 6, 2), // 2·(2⁶⁴ − 1) wraps
        (1 << 63, 0, 2),    // 2·2⁶³ wraps to the right length
    ] {
        let bytes = Dataset::from_bytes(features, vec![0; values], vec![0; labels], 1);
        let floats = Dataset::from_floats(features, vec![0.0; values], vec![0; labels], 1);
        for result in [bytes, floats] {
            let error = result.unwrap_err();
            let Error::Shape {
                operation,
                expected,
                found,
            } = &error
            else {
                panic!("expected Error::Shape, found {error:?}");
            };
            assert_eq!(*operation, "Dataset");
            let wanted =
                format!("at least one sample, and {features} values for each of {labels} labels");
            assert_eq!(*expected, wanted);
            assert_eq!(*found, format!("{values} values"));
            assert_eq!(
                error.to_string(),
                format!("Dataset: expected {wanted}, found {values} values")
            );
        }
    }
}

#[test]
fn a_set_without_images_is_refused() {
    assert!(matches!(
        set(&[0, 2, 3], &[]),
        Err(Error::Shape {
            operation: "Dataset",
            ..
        })
    ));
    assert!(matches!(
        set(&[2, 0, 3], &[1, 2]),
        Err(Error::Shape {
            operation: "Dataset",
            ..
        })
    ));
}

#[test]
fn floats_are_not_scaled_by_default() {
    let data = Dataset::from_floats(2, vec![0.5, -1.0, f32::MAX, 0.0], vec![1, 0], 2).unwrap();
    assert_eq!(data.sample(0).unwrap(), [0.5, -1.0]);
    assert_eq!(data.sample(1).unwrap(), [f32::MAX, 0.0]);
    let error = data.sample(2).unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "a sample's number must be below 2, found 2"
    );
}

#[test]
fn a_missing_file_is_named() {
    let dir = std::env::temp_dir().join(format!("wgrad-no-such-folder-{}", std::process::id()));
    let error = Mnist::from_dir(&dir).unwrap_err();
    let Error::Io { path, source } = &error else {
        panic!("expected Error::Io, found {error:?}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
    assert!(path.starts_with(&dir), "{path:?}");
    let message = error.to_string();
    assert!(
        message.starts_with(&path.display().to_string()),
        "{message}"
    );
    assert!(message.contains("train-images-idx3-ubyte"), "{message}");
}

/// A folder of its own, removed at the end.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("removing the test's folder");
    }
}

#[test]
fn plain_and_gzip_files_may_be_mixed() {
    let dir = Folder(std::env::temp_dir().join(format!("wgrad-data-{}", std::process::id())));
    std::fs::create_dir(&dir.0).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.0.join(name), bytes).unwrap();
    write("train-images-idx3-ubyte", &idx(&[1, 1, 2], &[255, 0]));
    write("train-labels-idx1-ubyte.gz", &gzip(&idx(&[1], &[3])));
    write(
        "t10k-images-idx3-ubyte.gz",
        &gzip(&idx(&[1, 1, 2], &[0, 255])),
    );
    let missing = Mnist::from_dir(&dir.0).unwrap_err();
    let Error::Io { path, .. } = missing else {
        panic!("expected Error::Io, found {missing:?}")
    };
    assert!(
        path.display()
            .to_string()
            .contains("t10k-labels-idx1-ubyte"),
        "{path:?}"
    );

    write("t10k-labels-idx1-ubyte", &idx(&[1], &[10]));
    refused_label(Mnist::from_dir(&dir.0).map(|mnist| mnist.test), (0, 10, 10));

    write("t10k-labels-idx1-ubyte", &idx(&[1], &[7]));
    let mnist = Mnist::from_dir(&dir.0).unwrap();
    assert_eq!(
        (mnist.train.sample(0).unwrap(), mnist.train.labels()),
        (vec![1.0, 0.0], &[3][..])
    );
    assert_eq!(
        (mnist.test.sample(0).unwrap(), mnist.test.labels()),
        (vec![0.0, 1.0], &[7][..])
    );
}

#[test]
fn the_bundled_sample_of_mnist() {
    let mnist = Mnist::from_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data")).unwrap();
    for (data, samples) in [(&mnist.train, 10_000), (&mnist.test, 2_000)] {
        assert_eq!(
            (data.len(), data.features(), data.classes()),
            (samples, 28 * 28, 10)
        );
        for digit in 0..10 {
            let count = data
                .labels()
                .iter()
                .filter(|&&label| label == digit)
                .count();
            // A tenth each, within a third.
            assert!(
                (samples / 15..samples / 7).contains(&count),
                "{count} of {samples} are {digit}"
            );
        }
        // In 0..=1. The mean of MNIST's 60,000 is 0.1307; its first test images are thinner, 0.1229 these 2,000.
        let mut sum = 0.0;
        for i in 0..samples {
            let sample = data.sample(i).unwrap();
            assert!(
                sample.iter().all(|value| (0.0..=1.0).contains(value)),
                "sample {i}"
            );
            sum += sample.iter().map(|&value| f64::from(value)).sum::<f64>();
        }
        let mean = sum / (samples * 784) as f64;
        assert!((mean - 0.1307).abs() < 0.01, "mean {mean}");
    }
}
