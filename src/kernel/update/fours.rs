//! Four parameters at a time, as `vec4<f32>`.

pub(super) const SOURCE: &str = include_str!("../../../shaders/update/fours.wgsl");
