//! Shading languages, and the code that wgpu's backends would generate in them.

use naga::back;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

/// A language of one of wgpu's backends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// For Vulkan.
    Spirv,
    /// For Metal.
    Msl,
    /// For DX12 with FXC, shader model 5.1.
    Hlsl51,
    /// For DX12 with DXC, shader model 6.0.
    Hlsl60,
    /// For browsers, by way of naga.
    Wgsl,
}

impl Language {
    pub const ALL: [Self; 5] = [
        Self::Spirv,
        Self::Msl,
        Self::Hlsl51,
        Self::Hlsl60,
        Self::Wgsl,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spirv => "spirv",
            Self::Msl => "msl",
            Self::Hlsl51 => "hlsl51",
            Self::Hlsl60 => "hlsl60",
            Self::Wgsl => "wgsl",
        }
    }

    /// The extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Spirv => "spv",
            Self::Msl => "metal",
            Self::Hlsl51 | Self::Hlsl60 => "hlsl",
            Self::Wgsl => "wgsl",
        }
    }

    /// Whether the language can express the shader: shader model 5.1 has neither subgroups nor 64-bit words.
    pub fn takes(self, source: &str) -> bool {
        self != Self::Hlsl51 || !(uses_subgroups(source) || uses_words_of_64_bits(source))
    }

    /// The shader in this language, as wgpu's backend generates it.
    pub fn translate(self, shader: &Shader) -> Result<Vec<u8>, String> {
        match self {
            Self::Spirv => shader.spirv(),
            Self::Msl => shader.msl(),
            Self::Hlsl51 => shader.hlsl(back::hlsl::ShaderModel::V5_1),
            Self::Hlsl60 => shader.hlsl(back::hlsl::ShaderModel::V6_0),
            Self::Wgsl => shader.wgsl(),
        }
    }
}

fn uses_subgroups(source: &str) -> bool {
    source.contains("subgroup")
}

fn uses_words_of_64_bits(source: &str) -> bool {
    source.contains("u64")
}

/// A valid shader.
pub struct Shader {
    module: naga::Module,
    info: ModuleInfo,
}

impl Shader {
    /// Parses and validates a shader: WebGPU's core capabilities, and those of subgroups and of 64-bit words where the
    /// shader uses them.
    pub fn new(source: &str) -> Result<Self, String> {
        let module = naga::front::wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
        let mut capabilities = Capabilities::empty();
        capabilities.set(Capabilities::SUBGROUP, uses_subgroups(source));
        capabilities.set(Capabilities::SHADER_INT64, uses_words_of_64_bits(source));
        let info = Validator::new(ValidationFlags::all(), capabilities)
            .validate(&module)
            .map_err(|e| e.emit_to_string(source))?;
        Ok(Self { module, info })
    }

    /// As on a device of Vulkan 1.3: without runtime checks, and without zeros in workgroup memory (wgpu-hal's
    /// src/vulkan/adapter.rs, and `compile_stage` in device.rs).
    fn spirv(&self) -> Result<Vec<u8>, String> {
        let options = back::spv::Options {
            lang_version: (1, 6),
            flags: back::spv::WriterFlags::LABEL_VARYINGS
                | back::spv::WriterFlags::FORCE_POINT_SIZE,
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
        let words = back::spv::write_vec(&self.module, &self.info, &options, Some(&pipeline))
            .map_err(|e| e.to_string())?;
        Ok(words.into_iter().flat_map(u32::to_le_bytes).collect())
    }

    fn msl(&self) -> Result<Vec<u8>, String> {
        let options = back::msl::Options {
            lang_version: (2, 4),
            fake_missing_bindings: true,
            ..Default::default()
        };
        let pipeline = back::msl::PipelineOptions::default();
        let (text, _) = back::msl::write_string(&self.module, &self.info, &options, &pipeline)
            .map_err(|e| e.to_string())?;
        Ok(text.into())
    }

    /// Without runtime checks, each binding in the register of its number.
    fn hlsl(&self, shader_model: back::hlsl::ShaderModel) -> Result<Vec<u8>, String> {
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
        for (_, variable) in self.module.global_variables.iter() {
            if let Some(binding) = variable.binding {
                let target = back::hlsl::BindTarget {
                    register: binding.binding,
                    ..Default::default()
                };
                options.binding_map.insert(binding, target);
            }
        }
        let pipeline = back::hlsl::PipelineOptions::default();
        let mut text = String::new();
        back::hlsl::Writer::new(&mut text, &options, &pipeline)
            .write(&self.module, &self.info, None)
            .map_err(|e| e.to_string())?;
        Ok(text.into())
    }

    fn wgsl(&self) -> Result<Vec<u8>, String> {
        let flags = back::wgsl::WriterFlags::empty();
        back::wgsl::write_string(&self.module, &self.info, flags)
            .map(Into::into)
            .map_err(|e| e.to_string())
    }
}
