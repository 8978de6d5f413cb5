//! Memory of file readers: bounded by the bytes that arrive, not by the sizes in the file.

use super::{ALONE, BYTES, MAX_BYTES, cpu};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use std::io::Write;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use wgrad::{Error, Mnist, Sequential, read_idx};

const MIB: usize = 1 << 20;

/// The most bytes that were allocated during a call, beyond those before it.
fn max_bytes<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let before = BYTES.load(Ordering::Relaxed);
    MAX_BYTES.store(before, Ordering::Relaxed);
    let result = call();
    (result, MAX_BYTES.load(Ordering::Relaxed) - before)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An IDX file of zeros, packed.
fn zeros(dimensions: &[u32], count: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
    bytes.resize(bytes.len() + count, 0);
    gzip(&bytes)
}

/// The same, with members of nothing in front that have long headers, until it has 2.2 MB: enough for two gigabytes of
/// zeros.
fn long_enough(file: Vec<u8>) -> Vec<u8> {
    let nothing = GzBuilder::new().extra(vec![0; 65_000]);
    let nothing = nothing.write(Vec::new(), Compression::fast());
    let mut bytes = nothing.finish().unwrap().repeat(34);
    bytes.extend(file);
    assert!(bytes.len() > (1 << 31) / 1032);
    bytes
}

#[test]
fn files_take_no_memory_for_what_they_only_promise() {
    let _guard = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let (count, few) = (1 << 24, 3 * MIB);
    // Two gigabytes promised by images and labels alike, three megabytes there.
    let images = long_enough(zeros(&[count, 16, 8], few));
    let labels = long_enough(zeros(&[count], few));
    let (result, most) = max_bytes(|| Mnist::set("images", &images, "labels", &labels));
    assert!(matches!(result, Err(Error::Format { .. })));
    assert!(most < 6 * MIB, "{most} bytes for {few} values");
    let (result, most) = max_bytes(|| read_idx("images", &images));
    assert!(matches!(result, Err(Error::Format { .. })));
    assert!(most < 6 * MIB, "{most} bytes for {few} values");
    // More there than promised; other numbers of labels; a file that is too short to hold what it promises.
    let (more, two, three) = (zeros(&[2, 2, 2], 8 * MIB), zeros(&[2], 2), zeros(&[3], 3));
    let short = zeros(&[count, 1, 1], few);
    for (images, labels, reason) in [
        (&more, &two, "promise 8 values, there are more"),
        (&images, &three, "3 labels for 16777216 images"),
        (&short, &labels, "bytes of gzip hold at most"),
    ] {
        let (result, most) = max_bytes(|| Mnist::set("images", images, "labels", labels));
        let error = result.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(most < MIB, "{most} bytes: {error}");
    }
}

#[test]
fn a_data_set_is_in_memory_once() {
    let _guard = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let (count, size) = (1 << 14, 16 * MIB);
    let images = zeros(&[count, 32, 32], size);
    let labels = zeros(&[count], count as usize);
    let (data, most) = max_bytes(|| Mnist::set("images", &images, "labels", &labels));
    assert_eq!(data.unwrap().len(), count as usize);
    assert!(
        (size..size + 2 * MIB).contains(&most),
        "{most} bytes for {size} values"
    );
}

#[test]
fn headers_of_parameter_files_take_little_memory() {
    let _guard = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let mut network = Sequential::new(1).dense(1).build(cpu(), 0).unwrap();
    let file =
        |header: String| [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    let tensor = |i: usize| format!(r#""{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#);
    let tensors: Vec<String> = (0..20_000).map(tensor).collect();
    for header in [
        format!(
            r#"{{"a":{{"dtype":"F32","shape":[{}0],"data_offsets":[0,0]}}}}"#,
            "0,".repeat(MIB)
        ),
        format!(
            r#"{{"a":{{"other":[{}0],"dtype":"F32","shape":[0],"data_offsets":[0,0]}}}}"#,
            "0,".repeat(MIB)
        ),
        format!("{{{}}}", tensors.join(",")),
        "[".repeat(2 * MIB),
    ] {
        let file = file(header);
        let (result, most) = max_bytes(|| network.load_bytes("file", &file));
        assert!(matches!(result, Err(Error::Format { .. })));
        assert!(
            most < 8 * file.len(),
            "{most} bytes for a file of {}",
            file.len()
        );
    }
}
