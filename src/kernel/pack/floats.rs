//! As a `vec4<f32>`.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/pack/floats.wgsl");
