//! Collects what wgpu reports out of band, so that it becomes an [`Error`] instead of a panic.

use super::budget::Budget;
use crate::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// The first fault that wgpu reported since the last check, and whether the device is lost.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lost: Option<String>,
    error: Option<Error>,
}

impl Faults {
    /// Takes over the handlers of a device.
    pub(crate) fn watch(device: &wgpu::Device, budget: Arc<Budget>) -> Arc<Self> {
        let faults = Arc::new(Faults::default());
        let errors = Arc::clone(&faults);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            errors.report(match error {
                // Not for a buffer: those are refused where they are made.
                wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory {
                    what: "something beside the buffers".into(),
                    needed: budget.used(),
                    available: budget.used(),
                    message: driver_words(&error),
                },
                wgpu::Error::Validation { description, .. }
                | wgpu::Error::Internal { description, .. } => Error::Gpu {
                    message: description,
                },
            });
        }));
        let losses = Arc::clone(&faults);
        device.set_device_lost_callback(move |reason, message| {
            losses.lose(format!("{reason:?}: {message}"));
        });
        faults
    }

    fn report(&self, error: Error) {
        log::error!("{error}");
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.error.get_or_insert(error);
    }

    /// Marks the device as lost.
    pub(crate) fn lose(&self, message: String) {
        log::error!("device lost: {message}");
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.lost.get_or_insert(message);
    }

    /// Whether there is anything for [`check`](Self::check) to tell.
    pub(crate) fn any(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.lost.is_some() || state.error.is_some()
    }

    /// The loss of the device, again at every call; or the first fault since the last call.
    pub(crate) fn check(&self) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(message) = &state.lost {
            return Err(Error::DeviceLost {
                message: message.clone(),
            });
        }
        state.error.take().map_or(Ok(()), Err)
    }
}

/// Why a driver refused memory.
pub(super) fn driver_words(error: &wgpu::Error) -> String {
    let cause = std::error::Error::source(error);
    let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
    format!("then the driver refused more: {cause}")
}
