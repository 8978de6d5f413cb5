// LANES invocations share a row; ROWS rows share a workgroup of WORKGROUP = LANES * ROWS invocations.

const LOWEST = -3.4028234e38; // stands in for minus infinity, which WGSL may assume absent

var<workgroup> shared_values: array<f32, WORKGROUP>;

// The sum, over the LANES invocations of a row, of each one's value: a fixed tree, so always the same bits.
fn row_sum(value: f32, index: u32) -> f32 {
    if LANES == 1u {
        return value;
    }
    shared_values[index] = value;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if index % LANES < half {
            shared_values[index] += shared_values[index + half];
        }
    }
    workgroupBarrier();
    let sum = shared_values[index / LANES * LANES];
    workgroupBarrier();
    return sum;
}

// The greatest value among the LANES invocations of a row.
fn row_max(value: f32, index: u32) -> f32 {
    if LANES == 1u {
        return value;
    }
    shared_values[index] = value;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if index % LANES < half {
            shared_values[index] = max(shared_values[index], shared_values[index + half]);
        }
    }
    workgroupBarrier();
    let greatest = shared_values[index / LANES * LANES];
    workgroupBarrier();
    return greatest;
}

fn sum4(v: vec4<f32>) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

fn max4(v: vec4<f32>) -> f32 {
    return max(max(v.x, v.y), max(v.z, v.w));
}

// The value, with LOWEST in the row's padding.
fn lowest_in_padding(value: vec4<f32>, col: u32, cols: u32) -> vec4<f32> {
    return select(vec4<f32>(LOWEST), value, vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(cols));
}
