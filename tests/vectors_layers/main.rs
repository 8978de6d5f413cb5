//! Layers against PyTorch's in `f64` and against ONNX's node tests (`tests/vectors/layers`), on the GPU and on the CPU.
//!
//! Each folder of vectors is one kind of layer, and a module of the same name runs all of its files. Every size and
//! attribute comes from the files: other files of the same form run unchanged. To add a kind, write its module with a
//! test that calls [`each`], and add its name to [`KINDS`].

#![allow(dead_code, reason = "every kind uses its own part")]

mod attention;
mod carried;
#[path = "../common/mod.rs"]
mod common;
mod convolution;
mod embedding;
mod normalization;
mod onnx;
mod pooling;
mod printed;
mod recurrent;
mod training_layers;
mod transformer;

use common::compare::{Tolerance, assert_close};
use common::devices::{cpu, gpu, gpu_hardware_kernels};
use common::vectors::{Vectors, folder};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use wgrad::{Device, Tensor};

/// The kinds that a module runs.
const KINDS: &[&str] = &[
    "attention",
    "convolution",
    "embedding",
    "normalization",
    "onnx",
    "pooling",
    "recurrent",
    "training_layers",
];

/// One file on one device.
pub(crate) struct Case<'a> {
    /// File and device, for messages.
    pub(crate) name: String,
    pub(crate) file: &'a Vectors,
    pub(crate) device: &'static Device,
}

/// Runs a test for every file of a kind on every device: the CPU, the GPU, and the kernels for hardware.
pub(crate) fn each(kind: &str, test: impl Fn(&Case<'_>)) {
    assert!(KINDS.contains(&kind), "{kind} is not among the kinds");
    for file in folder(&format!("layers/{kind}")) {
        for (device_name, device) in [
            ("the CPU", cpu()),
            ("the GPU", gpu()),
            ("the GPU with kernels for hardware", gpu_hardware_kernels()),
        ] {
            test(&Case {
                name: format!("{kind}/{} on {device_name}", file.name),
                file: &file,
                device,
            });
        }
    }
}

impl Case<'_> {
    /// A tensor of the file with its own dimensions; a vector is a row.
    pub(crate) fn tensor(&self, name: &str) -> Tensor {
        let values = self.file.narrow(name);
        match *self.file.shape(name) {
            [] => self.upload(&[1, 1], &values),
            [cols] => self.upload(&[1, cols], &values),
            ref shape => self.upload(shape, &values),
        }
    }

    /// A tensor of the file in PyTorch's order, [N, C, …], with channels last: [N, …, C].
    pub(crate) fn image(&self, name: &str) -> Tensor {
        let shape = self.file.shape(name);
        let values = channels_last(shape, &self.file.narrow(name));
        self.upload(&channels_last_shape(shape), &values)
    }

    pub(crate) fn upload(&self, shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(self.device, shape, values).unwrap()
    }

    /// Compares a tensor with one of the file.
    pub(crate) fn check(&self, name: &str, found: &Tensor, tolerance: Tolerance) {
        self.compare(name, &found.download().unwrap(), tolerance);
    }

    /// Compares a tensor with channels last with one of the file in PyTorch's order.
    pub(crate) fn check_image(&self, name: &str, found: &Tensor, tolerance: Tolerance) {
        let shape = self.file.shape(name);
        let what = format!("{}: the shape of {name}", self.name);
        assert_eq!(found.shape(), channels_last_shape(shape), "{what}");
        let found = channels_first(shape, &found.download().unwrap());
        self.compare(name, &found, tolerance);
    }

    /// Compares values with a tensor of the file.
    pub(crate) fn compare(&self, name: &str, found: &[f32], tolerance: Tolerance) {
        let what = format!("{}: {name}", self.name);
        assert_close(&what, found, self.file.tensor(name), tolerance);
    }

    /// A setting per axis, height first, from a number or a list; the default where it is absent. A list of one number
    /// is that of a sequence: its height gets `neutral`.
    pub(crate) fn per_axis(&self, key: &str, default: usize, neutral: usize) -> [usize; 2] {
        let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{key}: {value}"));
        match &self.file.attributes[key] {
            Value::Null => [default; 2],
            Value::Array(list) => match list.iter().map(number).collect::<Vec<_>>()[..] {
                [width] => [neutral, width as usize],
                [height, width] => [height as usize, width as usize],
                _ => panic!("{}: {key} {list:?}", self.name),
            },
            value => [number(value) as usize; 2],
        }
    }
}

/// [N, C, …] as [N, …, C].
pub(crate) fn channels_last_shape(shape: &[usize]) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape[1..].rotate_left(1);
    shape
}

/// Values of [N, C, …] in the order [N, …, C].
pub(crate) fn channels_last<T: Copy>(shape: &[usize], values: &[T]) -> Vec<T> {
    let (channels, pixels) = (shape[1], shape[2..].iter().product());
    transposed(values, channels, pixels)
}

/// Values of [N, …, C] in the order [N, C, …], which has this shape.
pub(crate) fn channels_first<T: Copy>(shape: &[usize], values: &[T]) -> Vec<T> {
    let (channels, pixels) = (shape[1], shape[2..].iter().product());
    transposed(values, pixels, channels)
}

/// The transposes of matrices [rows, cols] that follow each other.
fn transposed<T: Copy>(values: &[T], rows: usize, cols: usize) -> Vec<T> {
    let matrices = values.chunks_exact((rows * cols).max(1));
    matrices
        .flat_map(|matrix| (0..rows * cols).map(move |i| matrix[i % rows * cols + i / rows]))
        .collect()
}

#[test]
fn channels_move_from_second_to_last() {
    let shape = [2, 3, 1, 2];
    let first: Vec<usize> = (0..12).collect();
    let last = channels_last(&shape, &first);
    assert_eq!(last, [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
    assert_eq!(channels_last_shape(&shape), [2, 1, 2, 3]);
    assert_eq!(channels_first(&shape, &last), first);
}

/// Every folder is a kind, and every file in it is one that [`each`] visits.
#[test]
fn no_file_is_left_out() {
    let layers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/layers");
    let entries = |folder: &Path| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    };
    let kinds: BTreeSet<String> = KINDS.iter().map(|kind| kind.to_string()).collect();
    assert_eq!(entries(&layers), kinds);
    assert_eq!(kinds.len(), KINDS.len());
    for kind in KINDS {
        let visited = folder(&format!("layers/{kind}"));
        let visited: BTreeSet<_> = visited
            .iter()
            .map(|f| format!("{}.safetensors", f.name))
            .collect();
        assert_eq!(entries(&layers.join(kind)), visited);
        // The kind's module calls `each` with it.
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors_layers");
        let text = std::fs::read_to_string(module.join(format!("{kind}.rs"))).unwrap();
        assert!(
            text.contains(&format!("each(\"{kind}\"")),
            "{kind}.rs does not run its files"
        );
    }
}
