//! All use of clocks, so that one place knows how each platform tells the time.

pub(crate) use std::time::Duration;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use std::time::Instant;
/// The standard library's panics in a browser.
#[cfg(target_arch = "wasm32")]
pub(crate) use web_time::Instant;
