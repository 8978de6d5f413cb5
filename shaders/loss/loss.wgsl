// The losses of a batch: LANES invocations share a row, each workgroup sums the losses of its ROWS rows. What a row's
// loss is, and its gradient, says the criterion's own file: row_loss.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    factor: f32, // of the gradient
    parameter: f32, // the criterion's: smoothing, beta, delta or margin
    constant: f32, // the target, where it is one number
    ignore: u32, // the label whose rows count for nothing
    ring_steps: u32, // places of the metric ring
    ring_stride: u32, // entries from one place to the next
    ring_offset: u32, // the first entry of this loss within a place
    ring_sums: u32, // its entries
    ordinary: u32, // 1: in this step nobody looks for overflows
    scales: u32, // SCALED: word of the state at which the scales of this loss begin,
    scale_stride: u32, // and from one step's to the next
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, cols]
// An entry per workgroup: the sums of the rows' losses and of their weights, correct rows, counted rows. Where the
// losses are finite and their sum is not, the entry has SHARE times that sum, and SHARED more counted rows.
@group(0) @binding(9) var<storage, read_write> ring: array<vec4<f32>>;
@group(0) @binding(10) var<storage, read_write> state: array<atomic<u32>>; // step, step + 1, first bad tensor

struct Row {
    index: u32, // in the batch
    start: u32, // of its vec4 elements
    lane: u32, // this invocation among those of the row
    invocation: u32, // and among those of the workgroup
    label: u32,
    hot: u32, // the column whose target is 1, where targets are labels
    weight: f32, // 1, or the label's; 0 if it is ignored
    factor: f32, // of its gradient
    ignored: bool,
    written: bool, // or past the end, repeating the last row
}

const SHARE = 0.015625;
const SHARED = 128.0;

var<workgroup> row_results: array<vec4<f32>, ROWS>;

fn run(workgroup: u32, index: u32) {
    // Rows past the end repeat the last one, so that all reach the barriers; they count and write nothing.
    let wanted = workgroup * ROWS + index / LANES;
    let i = min(wanted, p.rows - 1u);
    let label = label_of(i);
    let row = Row(
        i,
        i * p.ld4,
        index % LANES,
        index,
        label,
        hot_column(label),
        row_weight(label),
        gradient_factor(index),
        is_ignored(label),
        wanted < p.rows,
    );
    let found = row_loss(row);

    if row.lane == 0u {
        var result = vec4<f32>(found.x, row.weight, found.y, select(0.0, 1.0, COUNTS));
        if row.ignored {
            result = vec4<f32>(0.0);
        }
        // Finite inputs may be too far apart for a finite loss.
        if is_not_finite(vec4<f32>(result.x)) {
            atomicMin(&state[2], 0u);
        }
        if row.written {
            write_loss(i, result.x);
        }
        row_results[index / LANES] = select(vec4<f32>(0.0), result, row.written);
    }
    workgroupBarrier();
    let step = atomicLoad(&state[0]);
    let place = step % p.ring_steps * p.ring_stride + p.ring_offset;
    if workgroup == 0u {
        // A larger batch may have left sums in the places after the last workgroup's.
        for (var i = (p.rows + ROWS - 1u) / ROWS + index; i < p.ring_sums; i += WORKGROUP) {
            ring[place + i] = vec4<f32>(0.0);
        }
    }
    if index == 0u && workgroup < p.ring_sums {
        var total = results_times(1.0);
        if is_not_finite(vec4<f32>(total.x)) {
            total.x = results_times(SHARE).x;
            total.w += SHARED;
        }
        ring[place + workgroup] = total;
        if CLOCK && workgroup == 0u {
            atomicStore(&state[1], step + 1u);
            if (atomicLoad(&state[3]) & p.ordinary) != 0u {
                atomicMin(&state[2], 0xfffffffeu); // the host repeats the step, with care
            }
        }
    }
}

// The sum of the rows' results times a scale, in blocks of eight.
fn results_times(scale: f32) -> vec4<f32> {
    var total = vec4<f32>(0.0);
    for (var start = 0u; start < ROWS; start += 8u) {
        var block = vec4<f32>(0.0);
        for (var i = start; i < min(start + 8u, ROWS); i++) {
            block += scale * row_results[i];
        }
        total += block;
    }
    return total;
}

fn is_ignored(label: u32) -> bool {
    return IGNORES && label == p.ignore;
}

fn row_weight(label: u32) -> f32 {
    if is_ignored(label) {
        return 0.0;
    }
    if WEIGHED_ROWS {
        return weight_of(label);
    }
    return 1.0;
}

// SCALED: the factor times what the host says of the step, 1 over the denominator of several batches.
// DIVIDES: the factor over the sum of the batch's row weights. Every workgroup adds up all weights in the same order;
// or, where DENOMINATOR_READ, the partial sums that row_weights.wgsl has left behind the entries of this loss, one for
// each invocation.
fn gradient_factor(index: u32) -> f32 {
    if SCALED {
        let place = atomicLoad(&state[0]) % p.ring_steps * p.scale_stride;
        return p.factor * bitcast<f32>(atomicLoad(&state[p.scales + place]));
    }
    if !DIVIDES {
        return p.factor;
    }
    var sum = Chain();
    if DENOMINATOR_READ {
        let place = atomicLoad(&state[0]) % p.ring_steps * p.ring_stride + p.ring_offset;
        sum.block = ring[place + p.ring_sums + index].x;
    } else {
        for (var i = index; i < p.rows; i += WORKGROUP) {
            sum = chain_with(sum, row_weight(label_of(i)), i / WORKGROUP, true);
        }
    }
    let total = workgroup_sum(chain_sum(sum), index);
    if total == 0.0 {
        return 0.0;
    }
    return p.factor / total;
}

// A NaN or an infinity stops training, but not in a row that counts for nothing.
fn check_finite(row: Row, value: vec4<f32>) {
    if is_not_finite(value) && !row.ignored {
        atomicMin(&state[2], 0u);
    }
}

// Element i of a row's gradient: zeros in the padding, and everywhere if the row is ignored, whatever its values.
fn finished(row: Row, i: u32, value: vec4<f32>) -> vec4<f32> {
    return select(in_columns(row.factor * value, i * 4u, p.cols), vec4<f32>(0.0), row.ignored);
}

fn columns_at(i: u32) -> vec4<u32> {
    return vec4<u32>(i * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
}
