//! The crate's error type.

use std::path::PathBuf;

/// A `std::result::Result` whose error is wgrad's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Any failure of a wgrad call. The message states what was expected, what was found, and what to do.
///
/// The `Debug` form is the same message, because `unwrap` and a `main` that returns an error print that form.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The shapes of the operands do not fit together.
    #[error("{operation}: expected {expected}, found {found}")]
    Shape {
        /// The call that failed.
        operation: &'static str,
        /// The shape or length that it expected.
        expected: String,
        /// The shape or length that it found.
        found: String,
    },
    /// A class label is not below the number of classes.
    #[error("label {label} at row {row} is not below the number of classes, {classes}")]
    Label {
        /// Row of the label in its data set or batch.
        row: usize,
        /// The label found.
        label: u32,
        /// Number of classes: labels run from 0 to `classes - 1`.
        classes: usize,
    },
    /// The data contain a NaN or an infinity.
    #[error(
        "the data contain {value} at row {row}, column {column}; remove or replace it before training"
    )]
    NonFiniteData {
        /// Row of the value.
        row: usize,
        /// Column of the value.
        column: usize,
        /// The value found.
        value: f32,
    },
    /// A computation produced a NaN or an infinity. In training, the parameters are those before that step. A tensor
    /// call that would have written it changed nothing: see [`Tensor`](crate::Tensor#calls-that-are-refused).
    #[error("{}", not_finite(*step, tensor))]
    NonFinite {
        /// Index of the training step, from 0; [`Error::OUTSIDE_TRAINING`] in evaluation, gradients and tensor calls.
        step: u64,
        /// Name of what is not finite, the first in the order of computation: the loss, a gradient, or what would have
        /// been written, such as the second moment of an update.
        tensor: String,
    },
    /// A parameter of a call is outside its range.
    #[error("{what} must be {expected}, found {found}")]
    Argument {
        /// The parameter.
        what: &'static str,
        /// The values that it may have.
        expected: String,
        /// The value given.
        found: String,
    },
    /// Two tensors of one call are on different devices.
    #[error("{operation}: the operands are on different devices; upload them to one device first")]
    DeviceMismatch {
        /// The call that failed.
        operation: &'static str,
    },
    /// No adapter of this machine fits the options.
    #[error("no adapter fits: wanted {wanted}; present: {present}. {advice}")]
    NoAdapter {
        /// The adapter that was asked for.
        wanted: String,
        /// The adapters that are present, by name, or "none".
        present: String,
        /// What to do.
        advice: &'static str,
    },
    /// The adapter was found, but its device could not be opened.
    #[error("could not open {adapter}: {message}. Update its driver, or choose another adapter")]
    OpenDevice {
        /// Name of the adapter.
        adapter: String,
        /// The driver's message.
        message: String,
    },
    /// A limit of the adapter is too small for what was asked.
    #[error("{what} needs {needed} {unit}, the adapter allows {limit}. {advice}")]
    Limit {
        /// The object that exceeds the limit.
        what: String,
        /// The amount that it needs.
        needed: u64,
        /// The amount that the adapter allows.
        limit: u64,
        /// Unit of both numbers.
        unit: &'static str,
        /// How to get below the limit.
        advice: &'static str,
    },
    /// The device is out of memory. Nothing was allocated, and the device remains usable.
    #[error(
        "{what} needs {needed} bytes of device memory in all, {available} are available ({message}). \
         Use a smaller batch, network or data budget, drop what is not needed, or close other programs"
    )]
    OutOfMemory {
        /// The object that needs the memory.
        what: String,
        /// Bytes of all buffers on the device, this one included.
        needed: u64,
        /// Bytes of [`GpuOptions::memory_limit`](crate::GpuOptions::memory_limit). Where the driver refused, the bytes
        /// of all buffers at that time.
        available: u64,
        /// Which of the two limits it was, with the driver's message.
        message: String,
    },
    /// The device is lost: it was unplugged or reset, or its driver restarted. Open a new one.
    #[error("the device is lost: {message}. Open a new device and load the last saved state")]
    DeviceLost {
        /// The driver's message.
        message: String,
    },
    /// The device did not answer in time.
    #[error(
        "the device did not finish within {seconds} s. Lower the steps per submit, use a smaller batch, or allow more time \
         (GpuOptions::timeout)"
    )]
    Timeout {
        /// Seconds waited: [`GpuOptions::timeout`](crate::GpuOptions::timeout).
        seconds: f64,
    },
    /// wgpu rejected a call: a bug in wgrad or in the driver.
    #[error(
        "wgpu rejected a call: {message}. Please report this with the adapter's name and driver"
    )]
    Gpu {
        /// wgpu's message.
        message: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The contents of a file do not conform to its format.
    #[error("{name}: {reason}")]
    Format {
        /// The file, or the name given to the bytes.
        name: String,
        /// What was expected and what was found.
        reason: String,
    },
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// The message of [`Error::NonFinite`].
fn not_finite(step: u64, tensor: &str) -> String {
    match step {
        Error::OUTSIDE_TRAINING => format!(
            "a NaN or an infinity arose in {tensor}; nothing was changed. \
             The parameters or the inputs are too large: scale them, or go back to an earlier checkpoint"
        ),
        _ => format!(
            "a NaN or an infinity arose in {tensor} (step {step}); the parameters are those before that step. \
             Lower the learning rate, or scale the inputs or the initial weights; \
             where the parameters have grown too large already, go back to an earlier checkpoint"
        ),
    }
}

impl Error {
    /// Value of `step` in an [`Error::NonFinite`] outside of training.
    pub const OUTSIDE_TRAINING: u64 = u64::MAX;

    pub(crate) fn shape(
        operation: &'static str,
        expected: impl std::fmt::Display,
        found: impl std::fmt::Display,
    ) -> Self {
        Error::Shape {
            operation,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    pub(crate) fn argument(
        what: &'static str,
        expected: impl std::fmt::Display,
        found: impl std::fmt::Display,
    ) -> Self {
        Error::Argument {
            what,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    pub(crate) fn format(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Error::Format {
            name: name.into(),
            reason: reason.into(),
        }
    }
}

/// Text from a file for an error: control characters escaped, at most 100 characters.
pub(crate) fn clip(text: &str) -> String {
    const MAX: usize = 100;
    let mut clipped: String = text
        .chars()
        .take(MAX)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MAX).is_some() {
        clipped.push('…');
    }
    clipped
}
