//! Shaders written to files, for readers and for other compilers: see `scripts/shaders.sh`.

use super::*;
use crate::kernel::matmul::algorithm::CHOICES;
use crate::kernel::shader_tests::{ALL_CAPABILITIES, kernels};
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
            bias_gradient: true,
            ..of(Layout::TN)
        },
    ]
}

/// Products of a training step for GPUs, except those that keep z: each algorithm for a shape that selects it, and
/// again for sums in blocks and in groups of blocks.
fn chosen() -> Vec<(Kernel, Capabilities)> {
    let shapes = CHOICES.into_iter().map(|(_, shape, _)| shape);
    let long = [1 << 12, 1 << 18].into_iter().flat_map(|k| {
        let of_depth = move |[m, n, _]: [usize; 3]| [m, n, k];
        CHOICES
            .into_iter()
            .map(move |(_, shape, _)| of_depth(shape))
    });
    let calls = shapes.chain(long).flat_map(of_a_step);
    let calls = calls.filter(|call| !matches!(call.epilogue, Epilogue::Keep(_)));
    let with = |call: Matmul| (call.into(), ALL_CAPABILITIES[0].clone());
    calls.map(with).collect()
}

/// Each algorithm with every form of product that a tuning for such an adapter can select.
fn tuned(capabilities: &Capabilities) -> Vec<(Kernel, Capabilities)> {
    let mut tuned = Vec::new();
    // Depths of a product summed at once, in blocks, and in groups of blocks.
    for depth in [64, 1 << 12, 1 << 21] {
        let shape = [64, 64, depth];
        let plain = Layout::ALL.map(|layout| Matmul::plain(64, 64, depth, layout));
        for algorithm in Algorithm::all() {
            for call in of_a_step(shape).into_iter().chain(plain.clone()) {
                let mut tuning = Tuning::new("an adapter");
                tuning.choose(&call, algorithm);
                let capabilities = Capabilities {
                    tuning: Some(Arc::new(tuning)),
                    ..capabilities.clone()
                };
                tuned.push((call.into(), capabilities));
            }
        }
    }
    tuned
}

/// The shaders of every kernel for the selected kinds of adapters, under any tuning.
pub(super) fn all_for(takes: impl Fn(&Capabilities) -> bool) -> Vec<(Kernel, Capabilities)> {
    let mut all = Vec::new();
    for capabilities in ALL_CAPABILITIES
        .iter()
        .filter(|capabilities| takes(capabilities))
    {
        all.extend(
            kernels()
                .into_iter()
                .map(|kernel| (kernel, capabilities.clone())),
        );
        all.extend(tuned(capabilities));
    }
    all
}

/// Name of a kind of adapter, which is the name of its folder: `gpu-subgroups-32`, `software-64-bit`.
fn name(capabilities: &Capabilities) -> String {
    let kind = if capabilities.software {
        "software"
    } else {
        "gpu"
    };
    let subgroups = capabilities
        .subgroup
        .map(|width| format!("-subgroups-{width}"));
    let words = if capabilities.loads64 { "-64-bit" } else { "" };
    format!("{kind}{}{words}", subgroups.unwrap_or_default())
}

/// Writes shaders, as passed to wgpu, into the folder named by `WGRAD_SHADERS`: `adapter/kernel/label.wgsl`. This is a
/// test only to have access to the kernels. Without the variable it writes nothing. `scripts/shaders.sh` calls it.
///
/// `WGRAD_SHADERS_FOR` has names of kinds of adapters, as in [`name`]; by default all. `products` is one more: every
/// kernel for GPUs without subgroups, with products of a training step for shapes that select each algorithm.
#[test]
fn shaders_are_written_where_asked() {
    let Some(folder) = std::env::var_os("WGRAD_SHADERS").map(PathBuf::from) else {
        return;
    };
    let mut adapters: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for capabilities in &ALL_CAPABILITIES {
        let same = |other: &Capabilities| other == capabilities;
        adapters.insert(name(capabilities), all_for(same));
    }
    let plain = kernels().into_iter();
    let plain = plain.map(|kernel| (kernel, ALL_CAPABILITIES[0].clone()));
    let products = chosen().into_iter().chain(plain).collect();
    let wanted = std::env::var("WGRAD_SHADERS_FOR").unwrap_or_default();
    let mut wanted: Vec<&str> = wanted.split_whitespace().collect();
    if wanted.is_empty() {
        wanted = adapters.keys().map(String::as_str).collect();
    }
    for wanted in wanted {
        let shaders = match wanted {
            "products" => &products,
            _ => adapters.get(wanted).unwrap_or_else(|| {
                let names = adapters.keys().collect::<Vec<_>>();
                panic!("WGRAD_SHADERS_FOR: expected products or some of {names:?}, found {wanted}")
            }),
        };
        write(&folder.join(wanted), shaders);
    }
}

/// Writes every distinct shader of an adapter.
fn write(folder: &Path, shaders: &[(Kernel, Capabilities)]) {
    let mut written = BTreeSet::new();
    let mut names = BTreeMap::new();
    for (kernel, capabilities) in shaders {
        let source = kernel.program(capabilities).source;
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
