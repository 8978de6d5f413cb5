//! Device memory of tensor calls: flat arrays of floats or words, and single kernel runs over them.

use super::{Backend, Device, Gpu, Readback, Region};
use crate::kernel::{Arg, Args, Compute, Kernel, Precision};
use crate::threads::is_large;
use crate::{Error, Result};

/// Floats or words on a device.
#[derive(Debug)]
pub(crate) enum Memory {
    Floats(Vec<f32>),
    Words(Vec<u32>),
    /// Floats or words on a GPU. With sentinels, `MARGIN` bytes before and after the region are filled with `SENTINEL`.
    Gpu(Region),
}

/// Width of the sentinels in bytes, equal to the alignment of a binding.
const MARGIN: u64 = 256;

/// A NaN, so that results computed from it are visible, with a payload that no computation produces.
const SENTINEL: u32 = 0x7fde_ad00;

/// A kernel's argument.
#[derive(Debug)]
pub(crate) enum Operand<'a> {
    Read(&'a Memory),
    Write(&'a mut Memory),
}

impl Device {
    /// Refuses an array that is too large for the device, before the host copies it.
    pub(crate) fn check_size(&self, what: &str, elements: usize) -> Result<()> {
        match &self.0 {
            Backend::Cpu(_) => Ok(()),
            Backend::Gpu(gpu) => gpu.check_size(what, elements as u64 * 4),
        }
    }

    /// Uploads floats.
    pub(crate) fn floats(&self, what: &str, floats: Vec<f32>) -> Result<Memory> {
        match &self.0 {
            Backend::Cpu(_) => Ok(Memory::Floats(floats)),
            Backend::Gpu(gpu) => upload(gpu, what, bytemuck::cast_slice(&floats)),
        }
    }

    /// Uploads indices.
    pub(crate) fn words(&self, what: &str, words: Vec<u32>) -> Result<Memory> {
        match &self.0 {
            Backend::Cpu(_) => Ok(Memory::Words(words)),
            Backend::Gpu(gpu) => upload(gpu, what, &words),
        }
    }

    /// Allocates floats for a kernel that writes all of them: zeros, or NaN with sentinels and in debug builds.
    pub(crate) fn room(&self, what: &str, floats: usize) -> Result<Memory> {
        match &self.0 {
            Backend::Cpu(_) => {
                let filler = if cfg!(debug_assertions) {
                    f32::NAN
                } else {
                    0.0
                };
                Ok(Memory::Floats(vec![filler; floats]))
            }
            Backend::Gpu(gpu) if gpu.sentinels => upload(gpu, what, &vec![SENTINEL; floats]),
            Backend::Gpu(gpu) => {
                let bytes = floats as u64 * 4;
                let buffer = gpu.allocate(what, bytes)?;
                Ok(Memory::Gpu(Region {
                    buffer,
                    offset: 0,
                    bytes,
                }))
            }
        }
    }

    /// Runs one kernel.
    pub(crate) fn run(
        &self,
        kernel: impl Into<Kernel>,
        operands: &mut [Operand<'_>],
    ) -> Result<()> {
        self.run_kernel(&kernel.into(), operands)
    }

    fn run_kernel(&self, kernel: &Kernel, operands: &mut [Operand<'_>]) -> Result<()> {
        match &self.0 {
            Backend::Cpu(threads) => {
                let mut args: Vec<Arg<'_, f32>> = operands.iter_mut().map(cpu_arg).collect();
                let written = args.iter().map(|arg| match arg {
                    Arg::Write(floats) => floats.len(),
                    Arg::WriteWords(words) => words.len(),
                    Arg::Read(_) | Arg::ReadWords(_) => 0,
                });
                let large = is_large(kernel.flops(), written.sum());
                threads.run(large, || {
                    f32::run(kernel, &mut Args::new(&mut args));
                });
                Ok(())
            }
            Backend::Gpu(gpu) => {
                let regions: Vec<Region> = operands.iter().map(gpu_region).collect();
                let recorded = gpu.record(&[(kernel, regions)])?;
                gpu.submit(|encoder| {
                    recorded.encode(&mut encoder.begin_compute_pass(&Default::default()))
                })?;
                Ok(())
            }
        }
    }
}

/// Uploads words, between sentinels if the device was opened with them.
fn upload(gpu: &Gpu, what: &str, words: &[u32]) -> Result<Memory> {
    let bytes = words.len() as u64 * 4;
    if !gpu.sentinels {
        let buffer = gpu.upload(what, words)?;
        return Ok(Memory::Gpu(Region {
            buffer,
            offset: 0,
            bytes,
        }));
    }
    let margin = vec![SENTINEL; MARGIN as usize / 4];
    // A binding has at least one vec4.
    let filler = vec![SENTINEL; words.len().next_multiple_of(4).max(4) - words.len()];
    let buffer = gpu.upload(what, &[&margin, words, &filler, &margin].concat())?;
    Ok(Memory::Gpu(Region {
        buffer,
        offset: MARGIN,
        bytes,
    }))
}

fn cpu_arg<'a>(operand: &'a mut Operand<'_>) -> Arg<'a, f32> {
    match operand {
        Operand::Read(Memory::Floats(floats)) => Arg::Read(floats),
        Operand::Read(Memory::Words(words)) => Arg::ReadWords(words),
        Operand::Write(Memory::Floats(floats)) => Arg::Write(floats),
        Operand::Write(Memory::Words(words)) => Arg::WriteWords(words),
        Operand::Read(Memory::Gpu(_)) | Operand::Write(Memory::Gpu(_)) => {
            unreachable!("tensor calls check that their operands are on one device")
        }
    }
}

/// Region to bind. With sentinels, it includes those after the data: otherwise the end of the binding might hide a
/// write out of range.
pub(super) fn gpu_region(operand: &Operand<'_>) -> Region {
    match operand {
        Operand::Read(Memory::Gpu(region)) | Operand::Write(Memory::Gpu(region)) => Region {
            bytes: region.bytes + region.offset,
            ..region.clone()
        },
        _ => unreachable!("tensor calls check that their operands are on one device"),
    }
}

impl Memory {
    /// Copies to the host, as words.
    pub(crate) async fn download(&self, device: &Device) -> Result<Vec<u32>> {
        Ok(self.download_with(device, &[]).await?.0)
    }

    /// Copies to the host, together with further regions on a GPU, in order.
    pub(super) async fn download_with(
        &self,
        device: &Device,
        others: &[&Region],
    ) -> Result<(Vec<u32>, Vec<u32>)> {
        match (self, &device.0) {
            (Memory::Floats(floats), _) => Ok((bytemuck::cast_slice(floats).to_vec(), Vec::new())),
            (Memory::Words(words), _) => Ok((words.clone(), Vec::new())),
            (Memory::Gpu(region), Backend::Gpu(gpu)) => {
                let buffer = &region.buffer;
                let bytes = buffer.size() + others.iter().map(|other| other.bytes).sum::<u64>();
                let staging = gpu.staging(bytes)?;
                let submission = gpu.submit(|encoder| {
                    encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size());
                    let mut place = buffer.size();
                    for Region {
                        buffer,
                        offset,
                        bytes,
                    } in others
                    {
                        encoder.copy_buffer_to_buffer(buffer, *offset, &staging, place, *bytes);
                        place += bytes;
                    }
                })?;
                let all = buffer.size() as usize / 4;
                let (start, end) = (
                    region.offset as usize / 4,
                    (region.offset + region.bytes) as usize / 4,
                );
                let whole = |words: &[u32]| {
                    let (words, others) = words.split_at(all);
                    let intact = words[..start]
                        .iter()
                        .chain(&words[end..])
                        .all(|&word| word == SENTINEL);
                    (intact, words[start..end].to_vec(), others.to_vec())
                };
                let readback = Readback::request(gpu, &staging, bytes, submission)?;
                let ((intact, words, others), _) = readback.finish(gpu, whole).await?;
                if gpu.sentinels && !intact {
                    return Err(Error::Gpu {
                        message: "a kernel wrote outside its output".into(),
                    });
                }
                Ok((words, others))
            }
            (Memory::Gpu(_), Backend::Cpu(_)) => unreachable!("GPU memory belongs to a GPU device"),
        }
    }
}
