// Gathers a mini-batch: each invocation converts four neighbouring values of one sample. The first invocation of a row
// also copies the label. The first of all also copies the step's values.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    table_steps: u32,
    unit: f32, // unit of the values, a power of two or 0: a product with it is exact, fused or not
    centre: f32, // in units
    scale: f32,
    samples: u32, // number of samples
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> labels: array<u32>; // of all samples
@group(0) @binding(3) var<storage, read> indices: array<u32>; // the shuffled order
@group(0) @binding(4) var<storage, read> table: array<vec4<u32>>; // two per step: its values; the offset of its batch
@group(0) @binding(5) var<storage, read_write> state: array<vec4<u32>>; // step and other words; the step's values
@group(0) @binding(6) var<storage, read_write> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(7) var<storage, read_write> batch_labels: array<u32>; // [rows]

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    let entry = 2u * (state[0].x % p.table_steps);
    // The update reads the values here, at the same place in every step. So no lane computes an address or loads for
    // itself.
    if i == 0u {
        state[1] = table[entry];
    }
    if i >= p.rows * p.ld4 {
        return;
    }
    let row = i / p.ld4;
    let col4 = i % p.ld4;
    // While the guard stops the step counter, the entry may belong to a shorter batch: stay within the indices.
    let position = table[entry + 1u].x + row;
    let sample = indices[min(position, p.samples - 1u)];
    x[i] = in_columns((load(sample * p.ld4 + col4) * p.unit - p.centre) * p.scale, col4 * 4u, p.cols);
    if col4 == 0u {
        batch_labels[row] = labels[sample];
    }
}
