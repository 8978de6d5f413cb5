//! Options for loading parameter files.

/// Options of [`Network::load_with`](crate::Network::load_with) for unexpected tensors.
///
/// ```
/// use wgrad::{Device, LoadOptions, Sequential};
/// # fn main() -> wgrad::Result<()> {
/// // The first layer of a deeper network.
/// let deep = Sequential::new(3).dense(4).relu().dense(2).build(&Device::cpu(), 1)?;
/// let mut first = Sequential::new(3).dense(4).build(&Device::cpu(), 2)?;
/// # let bytes = pollster::block_on(deep.to_bytes_async())?;
/// let options = LoadOptions::new().allow_unexpected(true);
/// assert!(first.load_bytes("deep", &bytes).is_err());
/// first.load_bytes_with("deep", &bytes, options)?;
/// assert_eq!(first.parameter("layers.0.weight")?, deep.parameter("layers.0.weight")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct LoadOptions {
    pub(super) allow_unexpected: bool,
}

impl LoadOptions {
    /// Strict options: every tensor of the file must belong to the network.
    pub fn new() -> Self {
        LoadOptions::default()
    }

    /// Sets whether the file may contain tensors that the network does not have, which are then ignored; false by
    /// default.
    pub fn allow_unexpected(mut self, allow: bool) -> Self {
        self.allow_unexpected = allow;
        self
    }
}
