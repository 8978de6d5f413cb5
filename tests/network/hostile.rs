//! Damaged and malicious parameter files: a typed error, no panic, no memory for missing data.

use super::common::devices::cpu;
use wgrad::{Error, Network, Sequential, Tuning};

fn network() -> Network {
    let layers = Sequential::new(2).dense(2).batch_norm().dense(1);
    layers.build(cpu(), 0).unwrap()
}

/// A file of this header, which says how long it is, and these values.
fn file(header: &str, values: &[u8]) -> Vec<u8> {
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        values,
    ]
    .concat()
}

#[track_caller]
fn refused(network: &mut Network, bytes: &[u8]) -> String {
    let error = network.load_bytes("file", bytes).unwrap_err();
    assert!(matches!(error, Error::Format { .. }), "{error}");
    let message = error.to_string();
    assert!(message.len() < 2000, "{} bytes", message.len());
    message
}

#[test]
fn no_flipped_bit_is_loaded() {
    let mut network = network();
    let saved = pollster::block_on(network.to_bytes_async()).unwrap();
    for bit in 0..8 * saved.len() {
        let mut damaged = saved.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        refused(&mut network, &damaged);
    }
    for length in 0..saved.len() {
        refused(&mut network, &saved[..length]);
    }
    refused(&mut network, &[saved.as_slice(), b" "].concat());
    network.load_bytes("file", &saved).unwrap();
    // A byte set to any other value, two bytes swapped.
    for place in 0..saved.len() {
        for value in [0, 9, b' ', b'0', b'9', b'"', 255] {
            let mut damaged = saved.clone();
            damaged[place] = value;
            if damaged != saved {
                refused(&mut network, &damaged);
            }
        }
        let mut swapped = saved.clone();
        swapped.swap(place, saved.len() / 2);
        if swapped != saved {
            refused(&mut network, &swapped);
        }
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let tensor = |dtype: &str, shape: &str, from: u64, to: u64| {
        format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    let half = 1u64 << 63;
    let headers = [
        // Sums and products beyond 2⁶⁴, and those that come round to what is there.
        format!(
            r#"{{"a":{},"b":{}}}"#,
            tensor("U8", "[9223372036854775808]", 0, half),
            tensor("U8", "[9223372036854775808]", half, 0)
        ),
        format!(
            r#"{{"a":{}}}"#,
            tensor("F32", "[4611686018427387905]", 0, 4)
        ),
        format!(
            r#"{{"a":{}}}"#,
            tensor("F32", "[4294967296,4294967296]", 0, 0)
        ),
        format!(r#"{{"a":{}}}"#, tensor("X9", "[1]", 0, u64::MAX - 7)),
        format!(r#"{{"a":{}}}"#, tensor("X9", "[1]", 0, u64::MAX)),
        // Out of order, over each other, with a hole, beyond the end.
        format!(r#"{{"a":{}}}"#, tensor("F32", "[1]", 4, 0)),
        format!(
            r#"{{"a":{},"b":{}}}"#,
            tensor("F32", "[1]", 0, 4),
            tensor("F32", "[1]", 0, 4)
        ),
        format!(
            r#"{{"a":{},"b":{}}}"#,
            tensor("F32", "[1]", 0, 4),
            tensor("F32", "[1]", 8, 12)
        ),
        format!(r#"{{"a":{}}}"#, tensor("F32", "[3]", 0, 12)),
        format!(
            r#"{{"a":{},"a":{}}}"#,
            tensor("F32", "[1]", 0, 4),
            tensor("F32", "[1]", 4, 8)
        ),
        // Types and shapes that are none.
        format!(r#"{{"a":{}}}"#, tensor("F32", "[-1]", 0, 4)),
        format!(r#"{{"a":{}}}"#, tensor("F32", "[1.5]", 0, 4)),
        format!(r#"{{"a":{}}}"#, tensor("F32", "[1e99]", 0, 4)),
        format!(
            r#"{{"a":{}}}"#,
            tensor("F32", &format!("[{}1]", "1,".repeat(100)), 0, 8)
        ),
        format!(r#"{{"a":{}}}"#, tensor("X9", &"[".repeat(100_000), 0, 8)),
        r#"{"a":1}"#.to_string(),
        r#"{"__metadata__":{"a":1}}"#.to_string(),
        r#"{"__metadata__":{"a":"1","a":"2"}}"#.to_string(),
        r#"{"__metadata__":{},"__metadata__":{}}"#.to_string(),
        "[]".to_string(),
        "null".to_string(),
        String::new(),
        "{".repeat(100_000),
        "[".repeat(100_000),
    ];
    for header in headers {
        refused(&mut network(), &file(&header, &[0; 8]));
    }
    // Lengths of the header that are none.
    for length in [0, 1, 9, 100_000_001, half, u64::MAX - 7, u64::MAX] {
        refused(&mut network(), &[&length.to_le_bytes()[..], b"{}"].concat());
    }
}

#[test]
fn a_file_is_not_read_if_its_header_does_not_fit() {
    // One tensor of a terabyte, which takes no place on the disk.
    let path = std::env::temp_dir().join(format!("wgrad-sparse-{}", std::process::id()));
    let header = r#"{"a":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}"#;
    let head = file(header, &[]);
    std::fs::write(&path, &head).unwrap();
    let sparse = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    sparse.set_len(head.len() as u64 + (1 << 40)).unwrap();
    let error = network().load(&path).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(error, Error::Format { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("1 unexpected: a [1099511627776]"),
        "{error}"
    );
}

#[test]
fn what_a_tuning_says_wrong_is_shown_in_short() {
    let long = "x".repeat(1 << 20);
    for text in [
        long.clone(),
        format!("wgrad tuning 1\n{long}"),
        format!("wgrad tuning 1{long}\n"),
        format!("wgrad tuning 1\nadapter a\n{long}"),
        format!("wgrad tuning 1\nadapter a\nNT 1 1 1 {long}"),
        format!("wgrad tuning 1\nadapter a\nNT {long} 1 1 direct"),
        format!("wgrad tuning 1\nadapter a\n{long} 1 1 1 direct"),
    ] {
        let error = Tuning::parse("file", &text).unwrap_err();
        assert!(matches!(error, Error::Format { .. }) && error.to_string().len() < 500);
    }
}
