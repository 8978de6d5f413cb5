//! Parameter files and tunings with damage anywhere: each is either refused with a typed error or loaded.

use super::files::Parts;
use proptest::prelude::*;
use wgrad::{Device, Error, Network, Sequential, Tuning};

fn network() -> Network {
    let layers = Sequential::new(2).dense(2).batch_norm().dense(1);
    layers.build(&Device::cpu(), 0).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Files that hold no checksum, damaged anywhere: loaded or refused, but no panic.
    #[test]
    fn damaged_files_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()) {
        let mut network = network();
        let mut parts = Parts::of(&pollster::block_on(network.to_bytes_async()).unwrap());
        parts.metadata.clear();
        let whole = parts.bytes();
        let mut damaged = whole.clone();
        for (place, value) in changes {
            damaged[place.index(whole.len())] = value;
        }
        for bytes in [&damaged[..], &damaged[..cut.index(whole.len())]] {
            match network.load_bytes("file", bytes) {
                Ok(()) | Err(Error::Format { .. }) => {}
                Err(other) => prop_assert!(false, "expected Error::Format, found {}", other),
            }
        }
    }

    /// Tunings with bytes changed: read as what they say, or refused with the number of the line.
    #[test]
    fn damaged_tunings_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), cut in any::<prop::sample::Index>()) {
        let text = "wgrad tuning 1\nadapter Some GPU\nNT 64 10 512 4x4x256\nTN 3 19 21 direct\n";
        let mut bytes = text.as_bytes().to_vec();
        for (place, value) in changes {
            bytes[place.index(text.len())] = value;
        }
        for bytes in [&bytes[..], &bytes[..cut.index(text.len())]] {
            match Tuning::parse("file", &String::from_utf8_lossy(bytes)) {
                Ok(tuning) => prop_assert_eq!(Tuning::parse("file", &tuning.to_string()).unwrap(), tuning),
                Err(error) => prop_assert!(error.to_string().starts_with("file: line "), "{}", error),
            }
        }
    }
}
