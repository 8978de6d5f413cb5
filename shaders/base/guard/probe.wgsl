// For kernels that set the guard. They test for any value of the guard, so that the lowest id wins on every run.
fn is_stopped() -> bool {
    return false;
}

// Whether a value is infinite or NaN, or would be with another rounding.
fn is_lost(value: vec4<f32>) -> bool {
    return exceeds(value, LOST);
}
