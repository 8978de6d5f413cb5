//! Tests of every shader as passed to wgpu, without a GPU: the shader is valid, within WebGPU's limits, and declared as on
//! its Rust side. `scripts/translate.sh` translates each into every language of wgpu's backends.

mod all_attention;
mod all_convolutions;
mod all_kernels;
mod all_losses;
mod all_products;
mod all_recurrent;
mod all_reductions;
mod declarations;
mod uniform_conditions;

pub(crate) use all_kernels::kernels;

use super::*;
use crate::kernel::base::binding::Access;
use crate::kernel::base::uniform::Field;
use naga::valid::{
    Capabilities as NagaCapabilities, GlobalUse, ModuleInfo, ValidationFlags, Validator,
};
use naga::{AddressSpace, Module, StorageAccess, TypeInner};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(crate) const ALL_CAPABILITIES: [Capabilities; 8] = [
    Capabilities {
        software: false,
        bounded: false,
        subgroup: None,
        loads64: false,
        tuning: None,
    },
    Capabilities {
        software: false,
        bounded: false,
        subgroup: Some(32),
        loads64: false,
        tuning: None,
    },
    Capabilities {
        software: false,
        bounded: false,
        subgroup: Some(8),
        loads64: false,
        tuning: None,
    },
    Capabilities {
        software: true,
        bounded: true,
        subgroup: None,
        loads64: false,
        tuning: None,
    },
    Capabilities {
        software: true,
        bounded: true,
        subgroup: Some(8),
        loads64: false,
        tuning: None,
    },
    Capabilities {
        software: true,
        bounded: true,
        subgroup: Some(4),
        loads64: false,
        tuning: None,
    },
    Capabilities {
        software: true,
        bounded: true,
        subgroup: None,
        loads64: true,
        tuning: None,
    },
    Capabilities {
        software: true,
        bounded: true,
        subgroup: Some(8),
        loads64: true,
        tuning: None,
    },
];

/// Every different shader, with its kernel.
fn programs() -> Vec<(Kernel, Program)> {
    let mut programs = BTreeMap::new();
    for kernel in kernels() {
        for capabilities in ALL_CAPABILITIES {
            let program = kernel.program(&capabilities);
            programs.insert(program.source.clone(), (kernel.clone(), program));
        }
    }
    assert!(programs.len() > 60, "{}", programs.len());
    programs.into_values().collect()
}

fn parse(kernel: &Kernel, program: &Program) -> (Module, ModuleInfo) {
    let source = &program.source;
    let module = naga::front::wgsl::parse_str(source)
        .unwrap_or_else(|e| panic!("{}\n{}", kernel.label(), e.emit_to_string(source)));
    // Only WebGPU's core capabilities, plus those that the variant is made for.
    let mut capabilities = NagaCapabilities::empty();
    capabilities.set(
        NagaCapabilities::SUBGROUP,
        source.contains("subgroupShuffle"),
    );
    capabilities.set(NagaCapabilities::SHADER_INT64, source.contains("u64"));
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{}\n{}", kernel.label(), e.emit_to_string(source)));
    (module, info)
}

#[test]
fn shaders_are_declared_as_their_rust_side_says() {
    let mut accesses = 0;
    for (kernel, program) in programs() {
        let label = kernel.label();
        let (module, info) = parse(&kernel, &program);
        accesses += declarations::accesses(&kernel, &module);
        assert_eq!(module.entry_points.len(), 1, "{label}");
        let entry = &module.entry_points[0];
        let invocations: u32 = entry.workgroup_size.iter().product();
        assert!(invocations <= 256, "{label}: {invocations} invocations");

        let used = info.get_entry_point(0);
        let (mut bindings, mut workgroup_bytes) = (BTreeMap::new(), 0);
        for (handle, variable) in module.global_variables.iter() {
            let size = module.types[variable.ty].inner.size(module.to_ctx());
            match variable.space {
                AddressSpace::WorkGroup if !used[handle].is_empty() => workgroup_bytes += size,
                AddressSpace::Storage { access } => {
                    assert!(
                        !used[handle].is_empty(),
                        "{label}: {:?} is never used",
                        variable.name
                    );
                    let number = variable.binding.as_ref().unwrap().binding;
                    let is_written = access.contains(StorageAccess::STORE);
                    bindings.insert(number, (variable.name.clone().unwrap(), is_written));
                    let declared = kernel.bindings();
                    let binding = declared.iter().find(|binding| binding.number == number);
                    let is_read = used[handle].contains(GlobalUse::READ);
                    let may_read = binding.is_none_or(|binding| binding.access != Access::Write);
                    assert!(
                        may_read || !is_read,
                        "{label}: {:?} is an output, but read",
                        variable.name
                    );
                }
                AddressSpace::Uniform => {
                    assert_eq!(variable.binding.as_ref().unwrap().binding, 0, "{label}");
                    assert_eq!(
                        size as usize,
                        program.params.len(),
                        "{label}: size of Params"
                    );
                    check_fields(&label, &module, variable.ty, program.fields);
                }
                _ => {}
            }
        }
        assert!(
            workgroup_bytes <= 16 << 10,
            "{label}: {workgroup_bytes} bytes of workgroup memory"
        );
        assert!(
            bindings.len() <= 8,
            "{label}: {} storage bindings",
            bindings.len()
        );
        let declared: BTreeMap<_, _> = kernel
            .bindings()
            .iter()
            .map(|b| (b.number, (b.name.to_string(), b.is_written())))
            .collect();
        assert_eq!(bindings, declared, "{label}");
    }
    assert!(accesses > 1000, "{accesses}");
}

/// Names and offsets of the uniform block's fields, except padding.
fn check_fields(label: &str, module: &Module, block: naga::Handle<naga::Type>, fields: &[Field]) {
    let TypeInner::Struct { members, .. } = &module.types[block].inner else {
        panic!("{label}: the uniform is no struct")
    };
    let shader: Vec<(String, usize)> = members
        .iter()
        .map(|member| (member.name.clone().unwrap(), member.offset as usize))
        .filter(|(name, _)| !name.starts_with('_'))
        .collect();
    let rust: Vec<(String, usize)> = fields
        .iter()
        .filter(|field| !field.is_padding())
        .map(|field| (field.name.to_string(), field.offset))
        .collect();
    assert_eq!(shader, rust, "{label}: Params");
}

#[test]
fn every_shader_file_has_one_owner_and_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut owners: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for shader in files(&root.join("shaders"), "wgsl") {
        owners.insert(shader, Vec::new());
    }
    assert!(owners.len() > 30, "{}", owners.len());
    for rust in files(&root.join("src"), "rs") {
        let text = std::fs::read_to_string(&rust).unwrap();
        for path in included(&text).filter(|path| path.ends_with(".wgsl")) {
            let shader = root.join("shaders").join(path);
            let owners = owners.get_mut(&shader);
            let owners = owners.unwrap_or_else(|| panic!("{}: no {path}", rust.display()));
            owners.push(rust.clone());
        }
    }
    let sources: Vec<String> = programs()
        .into_iter()
        .map(|(_, program)| program.source)
        .collect();
    for (shader, owners) in owners {
        let shown = shader.display();
        assert_eq!(owners.len(), 1, "{shown} is included by {owners:?}");
        let text = std::fs::read_to_string(&shader).unwrap();
        // A piece for an operand of any name stands for those of several.
        let texts = ["q", "y"].map(|name| text.replace("OPERAND", name));
        let is_used = |source: &String| texts.iter().any(|text| source.contains(text));
        assert!(sources.iter().any(is_used), "{shown} is not used");
    }
}

/// No Rust file consists of shader pieces only: a family file should own them.
#[test]
fn no_rust_file_only_includes_a_shader() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for rust in files(&root.join("src/kernel"), "rs") {
        let text = std::fs::read_to_string(&rust).unwrap();
        let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//");
        let code: String = text.lines().map(str::trim).filter(is_code).collect();
        let items = code.split_inclusive(';');
        let is_piece = |item: &str| item.contains("include_str!");
        assert!(
            !items.clone().all(is_piece),
            "{} only includes shader pieces",
            rust.display()
        );
        count += 1;
    }
    assert!(count > 150, "{count}");
}

/// The paths in `include_str!`, relative to the shader folder.
fn included(text: &str) -> impl Iterator<Item = &str> {
    text.split("include_str!(").skip(1).filter_map(|rest| {
        let path = rest.split('"').nth(1)?;
        Some(path.split_once("shaders/")?.1)
    })
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found
}
