// Partial sums of the row weights of a batch, for the denominator of a mean: each workgroup sums one contiguous part of
// the rows. The host prepends IGNORES and WEIGHED_ROWS.

struct Params {
    rows: u32,
    cols: u32, // number of class weights
    part: u32, // rows in a part
    parts: u32,
    ignore: u32, // the ignored label, whose rows have weight 0
    ring_steps: u32, // the sums go to place (step modulo ring_steps) of the metric ring,
    ring_stride: u32, // which has this many entries,
    ring_offset: u32, // starting at this entry
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(4) var<storage, read> labels: array<u32>; // [rows]
@group(0) @binding(9) var<storage, read_write> ring: array<vec4<f32>>; // a sum is the first component of an entry
@group(0) @binding(10) var<storage, read> state: array<u32>; // word 0: step

fn row_weight(label: u32) -> f32 {
    if IGNORES && label == p.ignore {
        return 0.0;
    }
    if WEIGHED_ROWS {
        return weight_of(label);
    }
    return 1.0;
}

fn run(workgroup: u32, index: u32) {
    let start = workgroup * p.part;
    let end = min(start + p.part, p.rows);
    var sum = Chain();
    for (var i = start + index; i < end; i += WORKGROUP) {
        sum = chain_with(sum, row_weight(labels[i]), (i - start) / WORKGROUP, true);
    }
    let total = workgroup_sum(chain_sum(sum), index);
    if index == 0u && workgroup < p.parts {
        ring[state[0] % p.ring_steps * p.ring_stride + p.ring_offset + workgroup] = vec4(total, 0.0, 0.0, 0.0);
    }
}
