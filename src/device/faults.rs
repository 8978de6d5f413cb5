//! Faults that wgpu reports outside of calls: collected, so that they become an [`Error`] instead of a panic.

use super::budget::Budget;
use super::guarded::collect;
use crate::{Error, Result};
#[cfg(any(test, feature = "testing"))]
use std::sync::RwLockWriteGuard;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

/// The first fault that wgpu reported since the last check, and whether the device is lost.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    state: Mutex<State>,
    /// Locked for reading while the host reads mapped memory, which wgpu frees once the device is lost.
    views: RwLock<()>,
    /// Locked for reading during a call of wgpu. wgpu 30 frees the buffers of an invalid device in the next poll of any
    /// thread: it locks its trackers, then its buffers. A write locks them in the other order, so the two can block
    /// each other for good. So a device is destroyed while no call is running.
    calls: RwLock<()>,
}

#[derive(Debug, Default)]
struct State {
    lost: Option<String>,
    error: Option<Error>,
}

impl Faults {
    /// Installs the error handlers of a device.
    pub(crate) fn watch(device: &wgpu::Device, budget: Arc<Budget>) -> Arc<Self> {
        let faults = Arc::new(Faults::default());
        let errors = Arc::clone(&faults);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            // `collect` returns errors that belong to no call of this thread: those within a callback of wgpu.
            if let Some(error) = collect(error) {
                errors.report(typed(error, "something beside the buffers", 0, &budget));
            }
        }));
        let losses = Arc::clone(&faults);
        device.set_device_lost_callback(move |reason, message| {
            losses.lose(format!("{reason:?}: {message}"));
        });
        faults
    }

    fn report(&self, error: Error) {
        log::error!("{error}");
        self.lock().error.get_or_insert(error);
    }

    /// Marks the device as lost, and waits until no thread reads mapped memory.
    ///
    /// From then on nobody begins to. So it comes before wgpu gives up the buffers: it is called before a device is
    /// destroyed, and by wgpu when the driver loses one, while the buffers are still there.
    pub(crate) fn lose(&self, message: String) {
        log::error!("device lost: {message}");
        self.lock().lost.get_or_insert(message);
        drop(self.views.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// While the guard is held, mapped memory stays valid, if the device was not lost when the guard was taken.
    /// Meanwhile nothing may be called that could wait for the loss of the device.
    pub(super) fn hold_memory(&self) -> RwLockReadGuard<'_, ()> {
        self.views.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks a call of wgpu as running, until the guard is dropped. Take it before looking whether the device is lost.
    /// The call must not begin another one.
    pub(super) fn begin_call(&self) -> RwLockReadGuard<'_, ()> {
        self.calls.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the calls of wgpu that are running. No other call begins until the guard is dropped.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn wait_for_calls(&self) -> RwLockWriteGuard<'_, ()> {
        self.calls.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of a lost device, if it is lost.
    pub(super) fn lost(&self) -> Option<Error> {
        let state = self.lock();
        state.lost.as_ref().map(|message| Error::DeviceLost {
            message: message.clone(),
        })
    }

    /// Whether wgpu reported an error that no call has returned yet.
    pub(super) fn has_error(&self) -> bool {
        self.lock().error.is_some()
    }

    /// Fails if the device is lost, at every call, or with the first fault since the last call.
    pub(crate) fn check(&self) -> Result<()> {
        match self.lost() {
            Some(lost) => Err(lost),
            None => self.lock().error.take().map_or(Ok(()), Err),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The [`Error`] for what wgpu reported during a call that needed `bytes` beyond the counted buffers.
pub(super) fn typed(error: wgpu::Error, what: &str, bytes: u64, budget: &Budget) -> Error {
    let available = budget.used();
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory {
            what: what.into(),
            needed: available.saturating_add(bytes),
            available,
            message: driver_words(&error),
        },
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            Error::Gpu {
                message: description,
            }
        }
    }
}

/// The driver's reason for refusing memory.
fn driver_words(error: &wgpu::Error) -> String {
    let cause = std::error::Error::source(error);
    let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
    format!("then the driver refused more: {cause}")
}
