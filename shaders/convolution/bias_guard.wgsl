// The guard id of the bias gradient follows the weight's.
fn test_bias(value: vec4<f32>) {
    if is_out_of_bounds(value, p.id) {
        atomicMin(&state[FIRST_NON_FINITE], guard_id(p.id) + 1u);
    }
}
