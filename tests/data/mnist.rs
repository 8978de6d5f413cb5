//! MNIST's four files: images with their labels, folders with files missing or packed, and the bundled sample.

use super::{gzip, idx, refused, refused_label, set};
use approx::assert_abs_diff_eq;
use wgrad::{Error, Mnist};

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
pub(super) struct Folder(pub(super) std::path::PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let name = format!("wgrad-data-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("removing the test's folder");
    }
}

#[test]
fn plain_and_gzip_files_may_be_mixed() {
    let dir = Folder::new("mixed");
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
        assert_abs_diff_eq!(mean, 0.1307, epsilon = 0.01);
    }
}
