//! Shaders as files, for compilers to look at: `scripts/isa.sh`, `scripts/tint.sh` and `scripts/dxc.sh`.

use super::blocking::CHOICES;
use super::shader_tests::{TARGETS, kernels};
use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A product in the forms of a training step: forward, forward with z kept, backward, weight gradient.
fn of_a_step([m, n, k]: [usize; 3]) -> [Matmul; 4] {
    let of = |layout| Matmul::plain(m, n, k, layout);
    let relu = Activation::Relu;
    [
        Matmul {
            bias: true,
            epilogue: Epilogue::Activation(relu),
            ..of(Layout::NT)
        },
        Matmul {
            bias: true,
            epilogue: Epilogue::Keep(relu),
            ..of(Layout::NT)
        },
        Matmul {
            epilogue: Epilogue::Derivative(relu),
            ..of(Layout::NN)
        },
        Matmul {
            epilogue: Epilogue::Gradient { id: 1 },
            row_sums: true,
            ..of(Layout::TN)
        },
    ]
}

/// What a training step's products are for GPUs: each blocking, as a shape asks for it.
fn chosen() -> Vec<(Kernel, Target)> {
    let calls = CHOICES
        .into_iter()
        .flat_map(|(_, shape, _)| of_a_step(shape));
    let with = |call: Matmul| (call.into(), TARGETS[0].clone());
    calls.map(with).collect()
}

/// Each blocking with every form of product, as a tuning for an adapter of this kind can ask for it.
fn tuned(target: &Target) -> Vec<(Kernel, Target)> {
    let mut tuned = Vec::new();
    // Products of ordinary depth, and of one that is summed in blocks.
    for depth in [64, 1 << 16] {
        let shape = [64, 64, depth];
        let plain = Layout::ALL.map(|layout| Matmul::plain(64, 64, depth, layout));
        for blocking in Blocking::all() {
            for call in of_a_step(shape).into_iter().chain(plain.clone()) {
                let mut tuning = Tuning::new("an adapter");
                tuning.set(&call, blocking);
                let target = Target {
                    tuning: Some(Arc::new(tuning)),
                    ..target.clone()
                };
                tuned.push((call.into(), target));
            }
        }
    }
    tuned
}

/// The shaders of every kernel for these kinds of adapters, whatever they are tuned to.
fn all_for(takes: impl Fn(&Target) -> bool) -> Vec<(Kernel, Target)> {
    let mut all = Vec::new();
    for target in TARGETS.iter().filter(|target| takes(target)) {
        all.extend(kernels().into_iter().map(|kernel| (kernel, target.clone())));
        all.extend(tuned(target));
    }
    all
}

/// Writes shaders as they are handed to wgpu, each once, into the folder that `WGRAD_SHADERS` names: a folder for each
/// kind of kernel. `WGRAD_SHADERS_FOR` says which: those for GPUs without subgroups (`gpus`, as where it is not set), all
/// that a browser can get (`browsers`), or all there are (`all`). A test only in that it can reach the kernels: where no
/// folder is named, nothing is written.
#[test]
fn shaders_are_written_where_asked() {
    let Some(folder) = std::env::var_os("WGRAD_SHADERS").map(PathBuf::from) else {
        return;
    };
    let which = std::env::var("WGRAD_SHADERS_FOR").unwrap_or("gpus".into());
    let shaders = match which.as_str() {
        "gpus" => {
            let kernels = kernels().into_iter();
            let plain = kernels.map(|kernel| (kernel, TARGETS[0].clone()));
            chosen().into_iter().chain(plain).collect()
        }
        "browsers" => all_for(|target| target.subgroup.is_none() && !target.words64),
        "all" => all_for(|_| true),
        other => panic!("WGRAD_SHADERS_FOR must be gpus, browsers or all, found {other}"),
    };
    write(&folder, shaders);
}

fn write(folder: &Path, shaders: Vec<(Kernel, Target)>) {
    let mut written = BTreeSet::new();
    let mut names = BTreeMap::new();
    for (kernel, target) in shaders {
        let source = kernel.program(&target).source;
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
