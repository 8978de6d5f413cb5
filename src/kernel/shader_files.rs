//! Shaders as files, for compilers to look at: `scripts/isa.sh`.

use super::blocking::CHOICES;
use super::shader_tests::{TARGETS, kernels};
use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Products for each blocking, with the epilogues of a training step: forward, backward, weight gradient.
fn products() -> Vec<Kernel> {
    let mut products = Vec::new();
    for (_, [m, n, k], _) in CHOICES {
        let of = |layout| Matmul::plain(m, n, k, layout);
        products.extend([
            Matmul {
                bias: true,
                epilogue: Epilogue::Activation(Activation::Relu),
                ..of(Layout::NT)
            },
            Matmul {
                epilogue: Epilogue::Derivative(Activation::Relu),
                ..of(Layout::NN)
            },
            Matmul {
                epilogue: Epilogue::Gradient { id: 1 },
                row_sums: true,
                ..of(Layout::TN)
            },
        ]);
    }
    products.into_iter().map(Kernel::from).collect()
}

/// Writes every different shader for GPUs as it is handed to wgpu, one file each in a folder of its kind, into the folder
/// that `WGRAD_SHADERS` names. A test only in that it can reach the kernels: where nothing is named, nothing is written.
#[test]
fn shaders_are_written_where_asked() {
    let products = products();
    let Some(folder) = std::env::var_os("WGRAD_SHADERS").map(PathBuf::from) else {
        return;
    };
    let mut written = BTreeSet::new();
    let mut names = BTreeMap::new();
    for kernel in products.into_iter().chain(kernels()) {
        let source = kernel.program(&TARGETS[0]).source;
        if !written.insert(source.clone()) {
            continue;
        }
        // The variant's name, as in `Matmul(..)`.
        let kind = format!("{kernel:?}").to_lowercase();
        let kind = kind.split('(').next().unwrap();
        // Labels of different shaders may be equal.
        let label = kernel.label().replace('/', " per ");
        let count = names.entry(label.clone()).or_insert(0);
        *count += 1;
        let name = match count {
            1 => format!("{label}.wgsl"),
            _ => format!("{label} ({count}).wgsl"),
        };
        let folder = folder.join(kind);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), source).unwrap();
    }
}
