//! The buffers of a GPU: all that is allocated, and written by the host.

use super::Gpu;
use super::budget::Buffer;
use crate::{Error, Result};

impl Gpu {
    /// A zeroed buffer that kernels can bind, of at least this many bytes.
    pub(crate) fn allocate(&self, what: &str, bytes: u64) -> Result<Buffer> {
        use wgpu::BufferUsages as Usage;
        self.check_size(what, bytes)?;
        // A binding must not be empty, and kernels read whole vec4s.
        let size = bytes.next_multiple_of(16).max(16);
        self.buffer(
            what,
            size,
            Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC,
        )
    }

    /// Allocates several such buffers, given as labels and bytes: all or none. Beyond the limit nothing is allocated.
    pub(crate) fn allocate_all(
        &self,
        what: &str,
        buffers: &[(String, u64)],
    ) -> Result<Vec<Buffer>> {
        for (label, bytes) in buffers {
            self.check_size(label, *bytes)?;
        }
        let (used, total) = (self.budget.used(), buffers.iter().map(|b| b.1).sum());
        self.budget.check(what, total)?;
        let allocated = buffers
            .iter()
            .map(|(label, bytes)| self.allocate(label, *bytes));
        allocated
            .collect::<Result<_>>()
            .map_err(|error| match error {
                // The error states the bytes of all buffers, not of the one that failed.
                Error::OutOfMemory {
                    available, message, ..
                } => Error::OutOfMemory {
                    what: what.to_string(),
                    needed: used.saturating_add(total),
                    available,
                    message,
                },
                other => other,
            })
    }

    /// Checks that `bytes` fit into one binding.
    pub(crate) fn check_size(&self, what: &str, bytes: u64) -> Result<()> {
        let limits = self.device.limits();
        let limit = limits
            .max_buffer_size
            .min(limits.max_storage_buffer_binding_size);
        if bytes <= limit {
            return Ok(());
        }
        Err(Error::Limit {
            what: what.to_string(),
            needed: bytes,
            limit,
            unit: "bytes in one binding",
            advice: "Use a smaller layer, batch or data set (bytes instead of floats), or another adapter",
        })
    }

    /// A buffer that the host reads.
    pub(crate) fn staging(&self, bytes: u64) -> Result<Buffer> {
        self.buffer(
            "staging",
            bytes,
            wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        )
    }

    pub(super) fn buffer(
        &self,
        what: &str,
        size: u64,
        usage: wgpu::BufferUsages,
    ) -> Result<Buffer> {
        let descriptor = wgpu::BufferDescriptor {
            label: Some(what),
            size,
            usage,
            mapped_at_creation: false,
        };
        self.check()?;
        let share = self.budget.take(what, size)?;
        match self.call(what, 0, |device, _| device.create_buffer(&descriptor)) {
            Ok(buffer) => Ok(Buffer::new(buffer, share)),
            Err(Error::OutOfMemory { what, message, .. }) => {
                // A refused buffer takes no memory.
                drop(share);
                let available = self.budget.used();
                Err(Error::OutOfMemory {
                    what,
                    needed: available.saturating_add(size),
                    available,
                    message,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// A buffer that kernels can bind, with these words.
    pub(crate) fn upload(&self, what: &str, words: &[u32]) -> Result<Buffer> {
        let buffer = self.allocate(what, words.len() as u64 * 4)?;
        self.write(&buffer, 0, words)?;
        Ok(buffer)
    }

    /// Writes words into a buffer from a byte on, before all submits to come.
    pub(crate) fn write(&self, buffer: &Buffer, offset: u64, words: &[u32]) -> Result<()> {
        let bytes = bytemuck::cast_slice(words);
        self.call("an upload", bytes.len() as u64, |_, queue| {
            queue.write_buffer(buffer, offset, bytes);
        })
    }
}
