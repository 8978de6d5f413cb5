//! Reading device memory: joins wgpu's map callback to a future, in this one place.

use super::{Buffer, Gpu};
use crate::{Error, Result};
use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};

/// A mapping that was asked for and may not be there yet.
#[derive(Debug)]
pub(crate) struct Readback {
    buffer: Buffer,
    #[cfg_attr(
        target_arch = "wasm32",
        expect(dead_code, reason = "the browser's event loop waits")
    )]
    submission: Option<wgpu::SubmissionIndex>,
    answer: OneshotReceiver<std::result::Result<(), wgpu::BufferAsyncError>>,
}

impl Readback {
    /// Asks for the whole buffer; work submitted before is waited for.
    pub(crate) fn request(gpu: &Gpu, buffer: &Buffer) -> Self {
        let (sender, answer) = oneshot_channel();
        buffer.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver is gone if the reader gave up: nobody to tell.
            let _ = sender.send(result);
        });
        Readback {
            buffer: buffer.clone(),
            submission: gpu.last_submission(),
            answer,
        }
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
        match self.answer.receive().await {
            Some(Ok(())) => {}
            _ => {
                gpu.check()?;
                return Err(Error::Gpu {
                    message: "a buffer could not be mapped for reading".into(),
                });
            }
        }
        let view = self
            .buffer
            .get_mapped_range(..)
            .map_err(|error| Error::Gpu {
                message: error.to_string(),
            })?;
        let result = read(bytemuck::cast_slice(&view));
        drop(view);
        self.buffer.unmap();
        gpu.check()?;
        Ok((result, self.buffer))
    }
}
