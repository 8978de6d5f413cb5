//! The IDX reader and the data sets: well-formed files are read exactly; all others give a typed error with the
//! expected and actual values, never a panic.

mod dataset;
#[path = "../common/idx.rs"]
mod idx;
mod idx_files;
mod mnist;
mod names;

use idx::{gzip, idx};
use wgrad::{Dataset, Error, Mnist, Result};

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
