//! Translation of WGSL to SPIR-V, as in wgpu's Vulkan backend for wgrad's kernels.

use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, ShaderStage};
use std::path::Path;

/// The name of every kernel's entry point.
const ENTRY: &str = "main";

/// A compute shader and its bindings, all in group 0.
pub struct Shader {
    /// SPIR-V.
    pub words: Vec<u32>,
    /// Number of each binding, and whether it is a uniform block rather than a storage buffer.
    pub bindings: Vec<(u32, bool)>,
}

/// Translates the shader in a file.
pub fn translate(path: &Path) -> Result<Shader, String> {
    let shown = path.display();
    let source = std::fs::read_to_string(path).map_err(|e| format!("{shown}: {e}"))?;
    let module = naga::front::wgsl::parse_str(&source)
        .map_err(|e| format!("{shown}: {}", e.emit_to_string(&source)))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all())
        .validate(&module)
        .map_err(|e| format!("{shown}: {}", e.emit_to_string(&source)))?;
    // What wgpu-hal gives naga on a Vulkan 1.3 device with ShaderRuntimeChecks::unchecked() and without
    // zero-initialised workgroup memory (wgpu-hal's src/vulkan/adapter.rs and `compile_stage` in device.rs).
    let unchecked = BoundsCheckPolicy::Unchecked;
    let options = spv::Options {
        lang_version: (1, 6),
        flags: spv::WriterFlags::LABEL_VARYINGS | spv::WriterFlags::FORCE_POINT_SIZE,
        bounds_check_policies: BoundsCheckPolicies {
            index: unchecked,
            buffer: unchecked,
            image_load: unchecked,
            binding_array: unchecked,
        },
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        ray_query_initialization_tracking: false,
        task_dispatch_limits: None,
        mesh_shader_primitive_indices_clamp: false,
        emit_int_div_checks: false,
        ..Default::default()
    };
    let pipeline = spv::PipelineOptions {
        shader_stage: ShaderStage::Compute,
        entry_point: ENTRY.into(),
    };
    let words = spv::write_vec(&module, &info, &options, Some(&pipeline))
        .map_err(|e| format!("{shown}: {e}"))?;
    let bindings = module
        .global_variables
        .iter()
        .filter_map(|(_, variable)| {
            let binding = variable.binding.as_ref()?;
            Some((binding.binding, variable.space == AddressSpace::Uniform))
        })
        .collect();
    Ok(Shader { words, bindings })
}
