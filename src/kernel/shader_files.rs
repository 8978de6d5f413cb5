//! Shaders written to files, for readers and for other compilers: see `scripts/shaders.sh`.

use super::*;
use crate::kernel::matmul::algorithm::CHOICES;
use crate::kernel::shader_tests::{ALL_CAPABILITIES, kernels};
use naga::back;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities as NagaCapabilities, ModuleInfo, ValidationFlags, Validator};
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
/// - `WGRAD_SHADERS_FOR`: names of kinds of adapters, as in [`name`]; by default all. `products` is one more: every
///   kernel for GPUs without subgroups, with products of a training step for shapes that select each algorithm.
/// - `WGRAD_SHADERS_AS`: `wgsl` (the default), or naga's translation: `spirv`, `msl`, `hlsl60` for DXC, `hlsl51` for FXC.
#[test]
fn shaders_are_written_where_asked() {
    let Some(folder) = std::env::var_os("WGRAD_SHADERS").map(PathBuf::from) else {
        return;
    };
    let setting = |name: &str| std::env::var(name).unwrap_or_default();
    let (extension, translate): (_, fn(&str) -> Vec<u8>) =
        match setting("WGRAD_SHADERS_AS").as_str() {
            "" | "wgsl" => ("wgsl", |source| source.into()),
            "spirv" => ("spv", spirv),
            "msl" => ("metal", msl),
            "hlsl51" => ("hlsl", |source| hlsl(source, back::hlsl::ShaderModel::V5_1)),
            "hlsl60" => ("hlsl", |source| hlsl(source, back::hlsl::ShaderModel::V6_0)),
            other => panic!("WGRAD_SHADERS_AS: found {other}"),
        };
    let mut adapters: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for capabilities in &ALL_CAPABILITIES {
        let same = |other: &Capabilities| other == capabilities;
        adapters.insert(name(capabilities), all_for(same));
    }
    let plain = kernels().into_iter();
    let plain = plain.map(|kernel| (kernel, ALL_CAPABILITIES[0].clone()));
    let products = chosen().into_iter().chain(plain).collect();
    let wanted = setting("WGRAD_SHADERS_FOR");
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
        write(&folder.join(wanted), shaders, extension, translate);
    }
}

/// Writes every distinct shader of an adapter.
fn write(
    folder: &Path,
    shaders: &[(Kernel, Capabilities)],
    extension: &str,
    translate: fn(&str) -> Vec<u8>,
) {
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
            1 => format!("{label}.{extension}"),
            _ => format!("{label} ({count}).{extension}"),
        };
        let folder = folder.join(kind);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), translate(&source)).unwrap();
    }
}

/// naga's form of a shader.
fn parsed(source: &str) -> (naga::Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(source).unwrap();
    let mut validator = Validator::new(ValidationFlags::all(), NagaCapabilities::all());
    let info = validator.validate(&module).unwrap();
    (module, info)
}

/// The SPIR-V that wgpu's Vulkan backend generates on a device of Vulkan 1.3: without runtime checks, and without zeros
/// in workgroup memory (wgpu-hal's src/vulkan/adapter.rs, and `compile_stage` in device.rs).
fn spirv(source: &str) -> Vec<u8> {
    let (module, info) = parsed(source);
    let options = back::spv::Options {
        lang_version: (1, 6),
        flags: back::spv::WriterFlags::LABEL_VARYINGS | back::spv::WriterFlags::FORCE_POINT_SIZE,
        bounds_check_policies: BoundsCheckPolicies {
            index: BoundsCheckPolicy::Unchecked,
            buffer: BoundsCheckPolicy::Unchecked,
            image_load: BoundsCheckPolicy::Unchecked,
            binding_array: BoundsCheckPolicy::Unchecked,
        },
        zero_initialize_workgroup_memory: back::spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        ..Default::default()
    };
    let pipeline = back::spv::PipelineOptions {
        shader_stage: naga::ShaderStage::Compute,
        entry_point: "main".into(),
    };
    let words = back::spv::write_vec(&module, &info, &options, Some(&pipeline)).unwrap();
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn msl(source: &str) -> Vec<u8> {
    let (module, info) = parsed(source);
    let options = back::msl::Options {
        lang_version: (2, 4),
        fake_missing_bindings: true,
        ..Default::default()
    };
    let pipeline = back::msl::PipelineOptions::default();
    let (text, _) = back::msl::write_string(&module, &info, &options, &pipeline).unwrap();
    text.into()
}

/// The HLSL that wgpu's DX12 backend generates: without runtime checks, each binding in the register of its number.
fn hlsl(source: &str, shader_model: back::hlsl::ShaderModel) -> Vec<u8> {
    let (module, info) = parsed(source);
    let mut options = back::hlsl::Options {
        shader_model,
        zero_initialize_workgroup_memory: false,
        restrict_indexing: false,
        force_loop_bounding: false,
        special_constants_binding: Some(back::hlsl::BindTarget {
            space: 255,
            ..Default::default()
        }),
        ..Default::default()
    };
    for (_, variable) in module.global_variables.iter() {
        if let Some(binding) = variable.binding {
            let capabilities = back::hlsl::BindTarget {
                register: binding.binding,
                ..Default::default()
            };
            options.binding_map.insert(binding, capabilities);
        }
    }
    let mut hlsl = String::new();
    back::hlsl::Writer::new(&mut hlsl, &options, &back::hlsl::PipelineOptions::default())
        .write(&module, &info, None)
        .unwrap();
    hlsl.into()
}
