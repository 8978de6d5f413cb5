//! out = value ⊙ f′(saved).

pub(crate) const SOURCE: &str = include_str!("../../../shaders/epilogue/derivative.wgsl");
