// The recurrent bias of a gate at four units. Past the last unit the last value is repeated.
fn bias_of(gate: u32, u4: u32) -> vec4<f32> {
    let first = gate * p.hidden;
    let unit = min(vec4<u32>(4u * u4) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.hidden - 1u)) + first;
    return vec4<f32>(load_bias(unit.x), load_bias(unit.y), load_bias(unit.z), load_bias(unit.w));
}
