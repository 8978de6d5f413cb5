// The number of units is no multiple of 4, so gates are read as single floats.
// A gate of the input product at four units. Past the last unit the last value is repeated.
fn input_gate(row: u32, gate: u32, u4: u32) -> vec4<f32> {
    let first = row * p.gates_ld + gate * p.hidden;
    let unit = min(vec4<u32>(4u * u4) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.hidden - 1u)) + first;
    return vec4<f32>(load_inputs(unit.x), load_inputs(unit.y), load_inputs(unit.z), load_inputs(unit.w));
}
