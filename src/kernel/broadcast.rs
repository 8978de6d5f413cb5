//! How the lanes that share a tile of a product see each other's values.

pub(crate) const SOURCE: &str = include_str!("../../shaders/broadcast.wgsl");
/// What stands in for the file where each invocation has a tile of its own.
pub(crate) const NONE: &str =
    "fn broadcast(value: vec4<f32>, lane: u32) -> vec4<f32> {\n    return value;\n}\n";
