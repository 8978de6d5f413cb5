// Softmax cross-entropy: LANES invocations share a row of logits; each workgroup sums the losses of its ROWS rows.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    scale: f32, // of the gradient
    ring_steps: u32, // places of the metric ring
    ring_stride: u32, // workgroup sums per place
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logits: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> labels: array<u32>; // [rows]
@group(0) @binding(4) var<storage, read_write> ring: array<vec2<f32>>; // (sum of losses, correct rows) per workgroup
@group(0) @binding(5) var<storage, read_write> state: array<atomic<u32>>; // step, step + 1, first bad tensor

var<workgroup> row_results: array<vec2<f32>, ROWS>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    // Rows past the end repeat the last one, so that all reach the barriers; they count and write nothing.
    let workgroup = group.x + group.y * groups.x;
    let wanted = workgroup * ROWS + index / LANES;
    let row = min(wanted, p.rows - 1u);
    let start = row * p.ld4;
    let lane = index % LANES;
    let label = min(labels[row], p.cols - 1u);

    var greatest = LOWEST;
    for (var i = lane; i < p.ld4; i += LANES) {
        let z = logits[start + i];
        if is_not_finite(z) {
            atomicMin(&state[2], 0u);
        }
        greatest = max(greatest, max4(lowest_in_padding(z, i * 4u, p.cols)));
    }
    greatest = row_max(greatest, index);

    // Alongside the sum: the first column that holds the greatest logit, as minus the column so that a maximum finds it.
    var sum = 0.0;
    var first = LOWEST;
    for (var i = lane; i < p.ld4; i += LANES) {
        let z = lowest_in_padding(logits[start + i], i * 4u, p.cols);
        sum += sum4(in_columns(exp(z - greatest), i * 4u, p.cols));
        let columns = vec4<f32>(vec4<u32>(i * 4u) + vec4<u32>(0u, 1u, 2u, 3u));
        first = max(first, max4(select(vec4<f32>(LOWEST), -columns, z == vec4<f32>(greatest))));
    }
    sum = row_sum(sum, index);
    first = row_max(first, index);

    if wanted < p.rows {
        for (var i = lane; i < p.ld4; i += LANES) {
            let softmax = exp(logits[start + i] - greatest) / sum;
            let columns = vec4<u32>(i * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
            let one_hot = select(vec4<f32>(0.0), vec4<f32>(1.0), columns == vec4<u32>(label));
            write_gradient(start + i, in_columns(p.scale * (softmax - one_hot), i * 4u, p.cols));
        }
    }
    if lane == 0u {
        let loss = log(sum) + (greatest - logits[start + label / 4u][label % 4u]);
        // Finite logits may be too far apart for a finite loss.
        if is_not_finite(vec4<f32>(loss)) {
            atomicMin(&state[2], 0u);
        }
        let correct = select(0.0, 1.0, first == -f32(label));
        row_results[index / LANES] = select(vec2<f32>(0.0), vec2<f32>(loss, correct), wanted < p.rows);
    }
    workgroupBarrier();
    let step = atomicLoad(&state[0]);
    let place = step % p.ring_steps * p.ring_stride;
    if workgroup == 0u {
        // A larger batch may have left sums in the places after the last workgroup's.
        for (var i = (p.rows + ROWS - 1u) / ROWS + index; i < p.ring_stride; i += WORKGROUP) {
            ring[place + i] = vec2<f32>(0.0);
        }
    }
    if index == 0u && workgroup < p.ring_stride {
        var total = vec2<f32>(0.0);
        for (var i = 0u; i < ROWS; i++) {
            total += row_results[i];
        }
        ring[place + workgroup] = total;
        if workgroup == 0u {
            atomicStore(&state[1], step + 1u);
        }
    }
}
