//! What a load may leave out.

/// How [`Network::load_with`](crate::Network::load_with) treats what it does not expect.
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
    /// The strict ones: every tensor of the file must have its place in the network.
    pub fn new() -> Self {
        LoadOptions::default()
    }

    /// Whether the file may hold tensors that the network has no place for; by default not. They are left out.
    pub fn allow_unexpected(mut self, allow: bool) -> Self {
        self.allow_unexpected = allow;
        self
    }
}
