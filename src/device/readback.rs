//! Reading of device memory: a future for wgpu's map callback.

use super::guarded::catch;
use super::{Buffer, Gpu};
use crate::Result;
use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};

/// A requested mapping of a buffer that may not be complete yet.
#[derive(Debug)]
pub(crate) struct Readback {
    buffer: Buffer,
    bytes: u64,
    #[cfg_attr(
        target_arch = "wasm32",
        expect(dead_code, reason = "the browser's event loop waits")
    )]
    submission: wgpu::SubmissionIndex,
    answer: OneshotReceiver<std::result::Result<(), wgpu::BufferAsyncError>>,
}

impl Readback {
    /// Requests the first `bytes` of a buffer. `submission` is the last one that writes it.
    pub(crate) fn request(
        gpu: &Gpu,
        buffer: &Buffer,
        bytes: u64,
        submission: wgpu::SubmissionIndex,
    ) -> Result<Self> {
        let (sender, answer) = oneshot_channel();
        gpu.call("a mapping", 0, |_, _| {
            buffer.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
                // The receiver is gone if the reader was dropped.
                let _ = sender.send(result);
            });
        })?;
        Ok(Readback {
            buffer: buffer.clone(),
            bytes,
            submission,
            answer,
        })
    }

    /// Waits for the mapping, passes the words to `read`, unmaps, and returns the result and the buffer.
    ///
    /// On native targets this polls the device and blocks the thread. In a browser it only awaits.
    pub(crate) async fn finish<R>(
        self,
        gpu: &Gpu,
        read: impl FnOnce(&[u32]) -> R,
    ) -> Result<(R, Buffer)> {
        #[cfg(not(target_arch = "wasm32"))]
        gpu.wait(self.submission)?;
        let answer = self.answer.receive().await;
        let Some(Ok(())) = answer else {
            return Err(gpu.failure("a buffer could not be mapped for reading".into()));
        };
        let result = look_at(gpu, &self.buffer, self.bytes, read);
        gpu.call("a mapping", 0, |_, _| self.buffer.unmap())?;
        let result = result.map_err(|message| gpu.failure(message))?;
        Ok((result, self.buffer))
    }
}

/// Passes the words of a mapped buffer to `read`, unless the device is lost. It calls wgpu for the view only, so that
/// the thread that marks the device as lost can wait for it.
fn look_at<R>(
    gpu: &Gpu,
    buffer: &Buffer,
    bytes: u64,
    read: impl FnOnce(&[u32]) -> R,
) -> std::result::Result<R, String> {
    let _held = gpu.faults.hold_memory();
    if let Some(lost) = gpu.faults.lost() {
        return Err(lost.to_string());
    }
    catch(|| {
        let view = buffer
            .get_mapped_range(0..bytes)
            .map_err(|e| e.to_string())?;
        Ok(read(bytemuck::cast_slice(&view)))
    })?
}
