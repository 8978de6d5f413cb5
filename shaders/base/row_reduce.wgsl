// LANES invocations share a row; ROWS rows share a workgroup. One of the two is 1, the other WORKGROUP.

const LOWEST = -3.4028234e38; // used for minus infinity, which WGSL may assume absent

// The sum of the values of a row's LANES invocations.
fn row_sum(value: f32, index: u32) -> f32 {
    if LANES == 1u {
        return value;
    }
    return workgroup_sum(value, index);
}

// The maximum of the values of a row's LANES invocations.
fn row_max(value: f32, index: u32) -> f32 {
    if LANES == 1u {
        return value;
    }
    return workgroup_max(value, index);
}

// The value, with LOWEST in the row's padding.
fn lowest_in_padding(value: vec4<f32>, col: u32, cols: u32) -> vec4<f32> {
    return select(vec4<f32>(LOWEST), value, vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(cols));
}
