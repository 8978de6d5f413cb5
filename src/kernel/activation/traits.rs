//! What the file of an activation states.

use super::parameters::Parameters;
use crate::Result;

/// The properties of an activation, beside its functions `f` and `df`.
pub(super) struct Traits {
    pub(super) name: &'static str,
    /// WGSL text that defines `f` and `df`, behind what it uses.
    pub(super) sources: [&'static str; 2],
    /// Whether the derivative is computed from the input z rather than the output y.
    pub(super) derivative_needs_z: bool,
    /// Refuses parameters outside their ranges.
    pub(super) check: fn(Parameters) -> Result<()>,
    /// The kernel's alpha and beta from the parameters.
    pub(super) prepare: fn(Parameters) -> Parameters,
}

impl Traits {
    /// The defaults: no exponentials, f′ from y, parameters that are free and used as they are.
    pub(super) const DEFAULT: Traits = Traits {
        name: "",
        sources: ["", ""],
        derivative_needs_z: false,
        check: |_| Ok(()),
        prepare: |parameters| parameters,
    };
}
