//! Activation traits: the properties that the file of an activation declares.

use super::parameters::Parameters;
use crate::Result;

/// The properties of an activation, in addition to its functions `f` and `df`.
pub(super) struct Traits {
    pub(super) name: &'static str,
    /// WGSL source that defines `f` and `df`, preceded by the functions that it uses.
    pub(super) sources: [&'static str; 2],
    /// Whether the derivative is computed from the input z rather than the output y.
    pub(super) derivative_needs_z: bool,
    /// Refuses parameters outside their ranges.
    pub(super) check: fn(Parameters) -> Result<()>,
    /// Converts the user's parameters to the kernel's alpha and beta.
    pub(super) prepare: fn(Parameters) -> Parameters,
}

impl Traits {
    /// The defaults: no exponentials, f′ from y, parameters without a range and used unchanged.
    pub(super) const DEFAULT: Traits = Traits {
        name: "",
        sources: ["", ""],
        derivative_needs_z: false,
        check: |_| Ok(()),
        prepare: |parameters| parameters,
    };
}
