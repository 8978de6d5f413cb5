//! Values of the [guard](super::guard) and bounds of magnitudes, as constants for Rust and WGSL.

/// Declares constants for Rust and, with an operand named `state`, for WGSL.
macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:literal),* $(,)?) => {
        $($(#[$doc])* pub(crate) const $name: $type = $value;)*

        /// The constants in WGSL.
        pub(super) const CONSTANTS: &str = concat!($("const ", stringify!($name), " = ", $value, "u;\n"),*);
    };
}

constants! {
    /// Floats in a block of the parameter arena, the unit of the ids of dry runs and of parameter groups. Tensors start
    /// at multiples of it, so a block belongs to one tensor.
    BLOCK: usize = 64,
    /// The guard while every tensor is finite.
    ALL_FINITE: u32 = 0xffff_ffff,
    /// The guard once an ordinary step has found that it needs care.
    NEEDS_CARE: u32 = 0xffff_fffe,
    /// The guard of an update that is refused because too many earlier updates were: see `Choose` in src/kernel/step.
    REFUSED_BEFORE: u32 = 0xffff_fffe,
    /// The guard's id of the loss: before every tensor.
    LOSS_ID: u32 = 0,
    /// Bit of the ids that are passed to kernels. If it is set, magnitudes above [`GRADIENT_BOUND`] set the guard, not
    /// only NaN and infinity.
    ORDINARY: u32 = 0x8000_0000,
    /// Bits of the largest magnitude of a gradient in an ordinary step, 2⁴⁰.
    GRADIENT_BOUND: u32 = 0x5380_0000,
    /// Bits of the largest magnitude of values that an ordinary step changes, 2⁵⁰.
    BOUND: u32 = 0x5880_0000,
    /// Bits of the largest finite magnitude.
    MAX_FINITE: u32 = 0x7f7f_ffff,
    /// Bits of the largest magnitude that a dry run accepts, 255 ULP below the largest finite number, since the update
    /// itself may be compiled to round differently.
    LOST: u32 = 0x7f7f_ff00,
}
