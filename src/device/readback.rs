//! Reading device memory: joins wgpu's map callback to a future, in this one place.

use super::guarded::catch;
use super::{Buffer, Gpu};
use crate::Result;
use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};

/// A mapping that was asked for and may not be there yet.
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
    /// Asks for the first bytes of a buffer once a submission is done, which was the last to write it.
    pub(crate) fn request(
        gpu: &Gpu,
        buffer: &Buffer,
        bytes: u64,
        submission: wgpu::SubmissionIndex,
    ) -> Result<Self> {
        let (sender, answer) = oneshot_channel();
        gpu.call("a mapping", 0, |_, _| {
            buffer.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
                // The receiver is gone if the reader gave up: nobody to tell.
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

    /// Waits for the mapping, hands the words to `read`, unmaps, and gives the buffer back.
    ///
    /// On native targets this polls the device, and so blocks the thread; in a browser it only awaits.
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

/// Hands the words of a mapped buffer to `read`, if the device is not lost by then. Nothing here calls wgpu for more than
/// the view, so that whoever marks the device as lost can wait for it.
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
