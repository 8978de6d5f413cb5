//! Mesa's RADV driver with its null device: the compiler without the GPU.

use crate::spirv::Shader;
use ash::vk;
use std::ffi::CStr;

/// A Vulkan device for compilation.
pub struct Radv {
    // The loader's library stays open as long as the functions from it are used.
    _loader: ash::Entry,
    device: ash::Device,
    statistics: ash::khr::pipeline_executable_properties::Device,
    family: String,
    name: String,
}

/// The driver's statistics of a shader.
#[derive(Default)]
pub struct Numbers {
    /// Vector registers of a lane.
    pub vgprs: u64,
    /// Scalar registers of a wave.
    pub sgprs: u64,
    /// Spilled registers of either kind, and bytes of scratch memory.
    pub spills: u64,
    /// Bytes of workgroup memory.
    pub lds: u64,
    /// Waves that fit a SIMD unit, as RADV counts them: of 32 lanes on RDNA, of 64 on earlier GPUs.
    pub waves: u64,
}

impl Radv {
    /// Opens the device that RADV_FORCE_FAMILY names.
    pub fn open() -> Result<Self, String> {
        let family = std::env::var("RADV_FORCE_FAMILY")
            .map_err(|_| "set RADV_FORCE_FAMILY, to NAVI21 for instance")?;
        // SAFETY: the calls follow Vulkan's rules: every handle is used with the object that created it, and stays
        // alive.
        unsafe {
            let loader = ash::Entry::load().map_err(|e| format!("no Vulkan loader: {e}"))?;
            let app = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
            let info = vk::InstanceCreateInfo::default().application_info(&app);
            let instance = loader
                .create_instance(&info, None)
                .map_err(|e| format!("no Vulkan instance: {e}"))?;
            let devices = instance
                .enumerate_physical_devices()
                .map_err(|e| format!("no Vulkan device: {e}"))?;
            let mut found = None;
            for physical in devices {
                let mut driver = vk::PhysicalDeviceDriverProperties::default();
                let mut properties =
                    vk::PhysicalDeviceProperties2::default().push_next(&mut driver);
                instance.get_physical_device_properties2(physical, &mut properties);
                let device = text(&properties.properties.device_name);
                let mesa = text(&driver.driver_info);
                if driver.driver_id == vk::DriverId::MESA_RADV {
                    found = Some((physical, format!("{family}: {device}, {mesa}")));
                }
            }
            let (physical, name) = found.ok_or("no RADV device; Debian: mesa-vulkan-drivers")?;
            let priorities = [1.0];
            let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&priorities)];
            let extensions = [
                ash::khr::pipeline_executable_properties::NAME.as_ptr(),
                ash::ext::robustness2::NAME.as_ptr(),
            ];
            let mut executables =
                vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default()
                    .pipeline_executable_info(true);
            // wgpu opens its devices so, and RADV compiles accordingly.
            let mut robustness = vk::PhysicalDeviceRobustness2FeaturesEXT::default()
                .robust_buffer_access2(true)
                .robust_image_access2(true);
            let mut subgroups = vk::PhysicalDeviceVulkan13Features::default()
                .subgroup_size_control(true)
                .compute_full_subgroups(true);
            let features = vk::PhysicalDeviceFeatures::default().robust_buffer_access(true);
            let info = vk::DeviceCreateInfo::default()
                .queue_create_infos(&queues)
                .enabled_extension_names(&extensions)
                .enabled_features(&features)
                .push_next(&mut executables)
                .push_next(&mut robustness)
                .push_next(&mut subgroups);
            let device = instance
                .create_device(physical, &info, None)
                .map_err(|e| format!("{name}: no device: {e}"))?;
            Ok(Radv {
                statistics: ash::khr::pipeline_executable_properties::Device::new(
                    &instance, &device,
                ),
                _loader: loader,
                device,
                family,
                name,
            })
        }
    }

    /// The GPU family of RADV_FORCE_FAMILY.
    pub fn family(&self) -> &str {
        &self.family
    }

    /// Name of the GPU, name and version of the driver.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Compiles a shader; returns the driver's statistics and the machine code listing.
    pub fn compile(&self, shader: &Shader) -> Result<(Numbers, String), vk::Result> {
        // SAFETY: as above; every object is destroyed after its last use.
        unsafe {
            let bindings: Vec<_> = shader
                .bindings
                .iter()
                .map(|&(number, uniform)| {
                    vk::DescriptorSetLayoutBinding::default()
                        .binding(number)
                        .descriptor_count(1)
                        .stage_flags(vk::ShaderStageFlags::COMPUTE)
                        .descriptor_type(if uniform {
                            vk::DescriptorType::UNIFORM_BUFFER
                        } else {
                            vk::DescriptorType::STORAGE_BUFFER
                        })
                })
                .collect();
            let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
            let sets = [self.device.create_descriptor_set_layout(&info, None)?];
            let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
            let layout = self.device.create_pipeline_layout(&info, None)?;
            let info = vk::ShaderModuleCreateInfo::default().code(&shader.words);
            let module = self.device.create_shader_module(&info, None)?;
            // wgpu lets the driver choose the wave's width where subgroups are enabled, as wgrad does.
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .flags(vk::PipelineShaderStageCreateFlags::ALLOW_VARYING_SUBGROUP_SIZE)
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(module)
                .name(c"main");
            let info = vk::ComputePipelineCreateInfo::default()
                .stage(stage)
                .layout(layout)
                .flags(
                    vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
                        | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR,
                );
            let pipeline = self
                .device
                .create_compute_pipelines(vk::PipelineCache::null(), &[info], None)
                .map_err(|(_, error)| error)?[0];
            let info = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline);
            let numbers = self.numbers(&info);
            let listing = self.listing(&info);
            self.device.destroy_pipeline(pipeline, None);
            self.device.destroy_shader_module(module, None);
            self.device.destroy_pipeline_layout(layout, None);
            self.device.destroy_descriptor_set_layout(sets[0], None);
            Ok((numbers?, listing?))
        }
    }

    /// # Safety
    /// The pipeline in `info` must be alive and created by this device.
    unsafe fn numbers(
        &self,
        info: &vk::PipelineExecutableInfoKHR<'_>,
    ) -> Result<Numbers, vk::Result> {
        let mut numbers = Numbers::default();
        let mut seen = 0;
        // SAFETY: guaranteed by the caller. RADV's statistics are all 64-bit integers.
        unsafe {
            for statistic in self.statistics.get_pipeline_executable_statistics(info)? {
                let value = statistic.value.u64;
                seen += 1;
                match text(&statistic.name).to_lowercase().as_str() {
                    "vgprs" => numbers.vgprs = value,
                    "sgprs" => numbers.sgprs = value,
                    "spilled vgprs" | "spilled sgprs" | "scratch size" => numbers.spills += value,
                    "lds size" => numbers.lds = value,
                    "subgroups per simd" => numbers.waves = value,
                    _ => seen -= 1,
                }
            }
        }
        assert_eq!(seen, 7, "this Mesa names its statistics otherwise");
        Ok(numbers)
    }

    /// # Safety
    /// The pipeline in `info` must be alive and created by this device.
    unsafe fn listing(
        &self,
        info: &vk::PipelineExecutableInfoKHR<'_>,
    ) -> Result<String, vk::Result> {
        let get = self
            .statistics
            .fp()
            .get_pipeline_executable_internal_representations_khr;
        let device = self.device.handle();
        // SAFETY: guaranteed by the caller. First the count, then the sizes, then the texts into buffers of these
        // sizes.
        unsafe {
            let mut count = 0;
            get(device, info, &mut count, std::ptr::null_mut()).result()?;
            let mut parts =
                vec![vk::PipelineExecutableInternalRepresentationKHR::default(); count as usize];
            get(device, info, &mut count, parts.as_mut_ptr()).result()?;
            let mut texts: Vec<Vec<u8>> = parts.iter().map(|p| vec![0; p.data_size]).collect();
            for (part, text) in parts.iter_mut().zip(&mut texts) {
                part.p_data = text.as_mut_ptr().cast();
            }
            get(device, info, &mut count, parts.as_mut_ptr()).result()?;
            let listing = parts
                .iter()
                .zip(&texts)
                .find(|(part, _)| text(&part.name).to_lowercase().contains("assembly"))
                .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
            Ok(listing.expect("RADV gives the assembly"))
        }
    }
}

/// A text terminated by a zero byte.
fn text(bytes: &[std::ffi::c_char]) -> String {
    // SAFETY: Vulkan terminates the texts in its structures within their length.
    unsafe { CStr::from_ptr(bytes.as_ptr()) }
        .to_string_lossy()
        .into_owned()
}
