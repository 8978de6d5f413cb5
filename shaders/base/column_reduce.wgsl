// LANES invocations share a column of vec4 elements; COLUMNS such columns share a workgroup of WORKGROUP invocations.
// Neighbours take neighbouring columns: invocation index is lane index / COLUMNS of column index % COLUMNS.

var<workgroup> shared_sums: array<vec4<f32>, WORKGROUP>;

// The sum of the values of a column's LANES invocations, in a fixed tree, so the bits are the same on every run.
fn column_total(value: vec4<f32>, index: u32) -> vec4<f32> {
    if LANES == 1u {
        return value;
    }
    shared_sums[index] = value;
    for (var half = WORKGROUP / 2u; half >= COLUMNS; half /= 2u) {
        workgroupBarrier();
        if index < half {
            shared_sums[index] += shared_sums[index + half];
        }
    }
    workgroupBarrier();
    let sum = shared_sums[index % COLUMNS];
    workgroupBarrier();
    return sum;
}
