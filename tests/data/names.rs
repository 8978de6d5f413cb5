//! Names and folders of MNIST files in circulation, and files that do not belong together.

use super::mnist::Folder;
use super::{gzip, idx, refused};
use std::path::Path;
use wgrad::{Error, Mnist, Result};

/// The four usual names.
const USUAL: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The same in torchvision's folder.
const RAW: [&str; 4] = [
    "raw/train-images-idx3-ubyte",
    "raw/train-labels-idx1-ubyte",
    "raw/t10k-images-idx3-ubyte",
    "raw/t10k-labels-idx1-ubyte",
];

/// A set of two images and one of one, told from others by a number.
fn files(number: u8) -> [Vec<u8>; 4] {
    [
        idx(&[2, 1, 2], &[number, 0, 0, 0]),
        idx(&[2], &[number, 1]),
        idx(&[1, 1, 2], &[0, number]),
        idx(&[1], &[number]),
    ]
}

fn write(folder: &Path, names: [&str; 4], files: [Vec<u8>; 4]) {
    for (name, bytes) in names.iter().zip(files) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Asserts that it is the set of a number.
#[track_caller]
fn assert_is(mnist: Result<Mnist>, number: u8) {
    let mnist = mnist.unwrap();
    assert_eq!(mnist.train.labels(), [number.into(), 1]);
    assert_eq!(mnist.test.labels(), [u32::from(number)]);
    assert_eq!(
        mnist.train.sample(0).unwrap()[0],
        f32::from(number) * (1.0 / 255.0)
    );
    assert_eq!(
        mnist.test.sample(0).unwrap()[1],
        f32::from(number) * (1.0 / 255.0)
    );
}

#[test]
fn the_names_in_circulation_are_read() {
    let names: &[[&str; 4]] = &[
        USUAL,
        // Kaggle's.
        [
            "train-images.idx3-ubyte",
            "train-labels.idx1-ubyte",
            "t10k-images.idx3-ubyte",
            "t10k-labels.idx1-ubyte",
        ],
        [
            "train-images-idx3-ubyte.gz",
            "train-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz",
        ],
        [
            "TRAIN-IMAGES-IDX3-UBYTE.GZ",
            "Train-Labels-idx1-ubyte.Gz",
            "t10k-images-idx3-ubyte.GZ",
            "T10K-labels.IDX1-ubyte",
        ],
        [
            "train-images-idx3",
            "train-labels-idx1",
            "t10k-images.idx3",
            "t10k-labels.idx1.gz",
        ],
        [
            "train_images_idx3_ubyte",
            "train_labels.idx1",
            "test_images.idx3-ubyte",
            "test-labels-idx1-ubyte.gz",
        ],
        // EMNIST's, unpacked and as torchvision leaves them.
        [
            "emnist-digits-train-images-idx3-ubyte",
            "emnist-digits-train-labels-idx1-ubyte",
            "emnist-digits-test-images-idx3-ubyte",
            "emnist-digits-test-labels-idx1-ubyte",
        ],
        [
            "raw/emnist-mnist-train-images-idx3-ubyte.gz",
            "raw/emnist-mnist-train-labels-idx1-ubyte.gz",
            "raw/emnist-mnist-test-images-idx3-ubyte.gz",
            "raw/emnist-mnist-test-labels-idx1-ubyte.gz",
        ],
        // torchvision's folders.
        [
            "MNIST/raw/train-images-idx3-ubyte",
            "MNIST/raw/train-labels-idx1-ubyte",
            "MNIST/raw/t10k-images-idx3-ubyte",
            "MNIST/raw/t10k-labels-idx1-ubyte",
        ],
        [
            "raw/train-images-idx3-ubyte",
            "raw/train-labels-idx1-ubyte",
            "raw/t10k-images-idx3-ubyte",
            "raw/t10k-labels-idx1-ubyte",
        ],
        // Each in a folder of its name.
        [
            "train-images-idx3-ubyte/train-images-idx3-ubyte",
            "train-labels-idx1-ubyte/train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte/t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte/t10k-labels-idx1-ubyte",
        ],
    ];
    for (number, &names) in names.iter().enumerate() {
        let number = number as u8 % 10;
        let folder = Folder::new("names");
        // What the files hold does not depend on their names: plain, packed, in two members, mixed.
        let two = |bytes: &Vec<u8>| [gzip(&bytes[..9]), gzip(&bytes[9..])].concat();
        let ways: [fn(usize) -> bool; 3] = [|_| false, |_| true, |i| i % 2 == 0];
        for packs in ways {
            let mut i = 0;
            let files = files(number).map(|bytes| {
                i += 1;
                match (packs(i), bytes.len() > 9) {
                    (true, true) => two(&bytes),
                    (true, false) => gzip(&bytes),
                    (false, _) => bytes,
                }
            });
            write(&folder.0, names, files);
            assert_is(Mnist::from_dir(&folder.0), number);
        }
    }
}

#[test]
fn of_several_files_the_usual_one_is_read() {
    let folder = Folder::new("several");
    let packed = USUAL.map(|name| format!("{name}.gz"));
    write(&folder.0, packed.each_ref().map(String::as_str), files(2));
    write(&folder.0, RAW, files(3));
    assert_is(Mnist::from_dir(&folder.0), 2);
    write(&folder.0, USUAL, files(1));
    write(
        &folder.0,
        [
            "train-images.idx3",
            "train-labels.idx1",
            "test-images.idx3",
            "test-labels.idx1",
        ],
        files(4),
    );
    write(
        &folder.0,
        [
            "x-train-images",
            "x-train-labels",
            "x-test-images",
            "x-test-labels",
        ],
        files(5),
    );
    assert_is(Mnist::from_dir(&folder.0), 1);
    // Names that are only like the usual ones.
    for name in ["train-images", "t10k-labels"] {
        for other in [
            format!("{name}.png"),
            format!("no{name}x"),
            format!("re{name}-idx3-ubyte"),
            "labels".to_string(),
        ] {
            std::fs::write(folder.0.join(other), "no IDX file").unwrap();
        }
    }
    assert_is(Mnist::from_dir(&folder.0), 1);
}

#[test]
fn several_data_sets_in_one_folder_are_refused() {
    let folder = Folder::new("ambiguous");
    let names = |set: &str| {
        ["train-images", "train-labels", "test-images", "test-labels"]
            .map(|name| format!("emnist-{set}-{name}-idx-ubyte"))
    };
    for set in ["digits", "letters"] {
        write(
            &folder.0,
            names(set).each_ref().map(String::as_str),
            files(1),
        );
    }
    let shown = folder.0.display().to_string();
    refused(
        Mnist::from_dir(&folder.0),
        &shown,
        &["expected one data set, found several: emnist-digits-, emnist-letters-"],
    );
    std::fs::remove_file(folder.0.join(&names("letters")[3])).unwrap();
    assert_is(Mnist::from_dir(&folder.0), 1);
}

#[test]
fn the_missing_file_is_named_where_the_others_are() {
    let folder = Folder::new("missing");
    write(&folder.0, RAW, files(1));
    std::fs::remove_file(folder.0.join("raw/t10k-labels-idx1-ubyte")).unwrap();
    std::fs::create_dir(folder.0.join("raw/t10k-labels-idx1-ubyte")).unwrap();
    let error = Mnist::from_dir(&folder.0).unwrap_err();
    let Error::Io { path, source } = &error else {
        panic!("expected Error::Io, found {error:?}")
    };
    assert_eq!(*path, folder.0.join("raw/t10k-labels-idx1-ubyte"));
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
    // A file for a folder.
    std::fs::write(folder.0.join("file"), "").unwrap();
    assert!(matches!(
        Mnist::from_dir(folder.0.join("file")),
        Err(Error::Io { .. })
    ));
}

#[test]
fn files_that_do_not_fit_each_other_are_refused_before_any_is_unpacked() {
    // The values of each file are damaged, so reading on would find that first.
    let folder = Folder::new("fit");
    let damaged = |dimensions: &[u32], values: usize| {
        let mut packed = gzip(&idx(
            dimensions,
            &(0..values).map(|i| (i * i % 251) as u8).collect::<Vec<_>>(),
        ));
        let end = packed.len();
        packed[end - 8..].fill(0);
        packed
    };
    let name = |i: usize| folder.0.join(USUAL[i]).display().to_string();
    let good = [
        damaged(&[3, 2, 2], 12),
        damaged(&[3], 3),
        damaged(&[2, 2, 2], 8),
        damaged(&[2], 2),
    ];
    let load = |place: usize, file: Vec<u8>| {
        let mut files = good.clone();
        files[place] = file;
        write(&folder.0, USUAL, files);
        Mnist::from_dir(&folder.0)
    };
    refused(
        load(3, damaged(&[2], 2)),
        &name(1),
        &["cannot read the values"],
    );
    refused(
        load(3, damaged(&[3], 3)),
        &name(3),
        &["3 labels for 2 images"],
    );
    refused(
        load(1, damaged(&[2], 2)),
        &name(1),
        &["2 labels for 3 images"],
    );
    refused(
        load(2, damaged(&[2, 4, 1], 8)),
        &name(2),
        &["images of [4, 1], expected [2, 2]"],
    );
    refused(
        load(2, damaged(&[2, 4], 8)),
        &name(2),
        &["expected 3 dimensions"],
    );
    // Lengths: of a plain file exactly, of a packed one what it can hold at most.
    let long = idx(&[2], &[1, 2, 3]);
    refused(load(3, long), &name(3), &["oversized"]);
    refused(load(3, idx(&[2], &[1])), &name(3), &["truncated"]);
    let promising = [
        damaged(&[1 << 20, 2, 2], 12),
        damaged(&[1 << 20], 3),
        good[2].clone(),
        good[3].clone(),
    ];
    write(&folder.0, USUAL, promising);
    refused(
        Mnist::from_dir(&folder.0),
        &name(0),
        &["promise 4194304 values", "bytes of gzip hold at most"],
    );
    refused(
        load(2, damaged(&[u32::MAX, 1, 1], 8)),
        &name(2),
        &["more than 2147483648 values"],
    );
}
