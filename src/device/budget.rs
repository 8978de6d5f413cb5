//! The memory budget of a device: the bytes of its buffers, and their limit.
//!
//! wgpu does not report how much memory an adapter has. So the user sets the limit. The driver's own limit shows only
//! when it refuses a buffer.

use crate::{Error, Result};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The bytes of all buffers of one device, and their limit.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    pub(crate) limit: Option<u64>,
    used: Mutex<u64>,
}

impl Budget {
    pub(super) fn new(limit: Option<u64>) -> Arc<Self> {
        Arc::new(Budget {
            limit,
            used: Mutex::default(),
        })
    }

    /// Bytes of all existing buffers.
    pub(crate) fn used(&self) -> u64 {
        *self.lock()
    }

    /// Checks that `bytes` more are within the limit.
    pub(super) fn check(&self, what: &str, bytes: u64) -> Result<()> {
        self.fits(what, *self.lock(), bytes)
    }

    /// Counts `bytes` more until the share is dropped, or fails if they exceed the limit.
    pub(super) fn take(self: &Arc<Self>, what: &str, bytes: u64) -> Result<Share> {
        let mut used = self.lock();
        self.fits(what, *used, bytes)?;
        *used += bytes;
        drop(used);
        Ok(Share {
            budget: Arc::clone(self),
            bytes,
        })
    }

    fn fits(&self, what: &str, used: u64, bytes: u64) -> Result<()> {
        let needed = used.saturating_add(bytes);
        match self.limit {
            Some(limit) if needed > limit => Err(Error::OutOfMemory {
                what: what.to_string(),
                needed,
                available: limit,
                message: "the limit set for the device".into(),
            }),
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that count towards the budget until this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.budget.lock() -= self.bytes;
    }
}

/// A wgpu buffer whose bytes count towards the budget while it exists. Cheap to clone; all clones are the same buffer.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    raw: wgpu::Buffer,
    _share: Arc<Share>,
}

impl Buffer {
    pub(super) fn new(raw: wgpu::Buffer, share: Share) -> Self {
        Buffer {
            raw,
            _share: Arc::new(share),
        }
    }
}

impl Deref for Buffer {
    type Target = wgpu::Buffer;

    fn deref(&self) -> &wgpu::Buffer {
        &self.raw
    }
}
