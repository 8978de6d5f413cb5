// The sum of each row; LANES invocations take a row's vec4 elements in turn. The padding of x is zero.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>; // [rows, 1], so one vec4 per row

fn run(workgroup: u32, index: u32) {
    // Invocations past the end repeat the last row, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;
    let end = bound(p.ld4, workgroup);

    var cascade = Cascade();
    var rest = vec4<f32>(0.0);
    var i = lane;
    for (; i + 7u * LANES < end; i += 8u * LANES) {
        let at = start + i;
        cascade_add(&cascade, eight(
            x[at], x[at + LANES], x[at + 2u * LANES], x[at + 3u * LANES],
            x[at + 4u * LANES], x[at + 5u * LANES], x[at + 6u * LANES], x[at + 7u * LANES],
        ));
    }
    for (; i < end; i += LANES) {
        rest += x[start + i];
    }
    let sum = row_sum(sum4(cascade_total(cascade, rest)), index);
    if lane == 0u && wanted < p.rows {
        out[wanted] = vec4<f32>(sum, 0.0, 0.0, 0.0);
    }
}
