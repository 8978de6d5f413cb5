// Tests of values that are written, for kernels with an operand `state`.

// Whether a magnitude exceeds the one with these bits; NaN is above infinity.
fn exceeds(value: vec4<f32>, bound: u32) -> bool {
    return any((bitcast<vec4<u32>>(value) & vec4<u32>(0x7fffffffu)) > vec4<u32>(bound));
}

// Whether a gradient sets the guard to this id: NaN and infinity do. Magnitudes above 2^40 do too if the id has the
// bit of ordinary steps.
fn is_out_of_bounds(value: vec4<f32>, id: u32) -> bool {
    return exceeds(value, select(MAX_FINITE, GRADIENT_BOUND, id >= ORDINARY));
}

// The id without the bit of ordinary steps.
fn guard_id(id: u32) -> u32 {
    return id & ~ORDINARY;
}
