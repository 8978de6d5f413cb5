// The losses of a batch: LANES invocations share a row, and each workgroup sums the losses of its ROWS rows. The
// criterion's own file defines row_loss, a row's loss and its gradient.

struct Row {
    index: u32, // row in the batch
    start: u32, // index of its first vec4 element
    lane: u32, // index of this invocation within the row
    invocation: u32, // index of this invocation within the workgroup
    label: u32,
    hot: u32, // the column whose target is 1, if targets are labels
    weight: f32, // 1, or the label's weight; 0 if the row is ignored
    factor: f32, // factor of the row's gradient
    ignored: bool,
    written: bool, // false past the end, where the last row is repeated
}

// The ring gets one entry per workgroup: sum of the rows' losses, sum of the row weights, correct rows, counted rows. If
// the losses are finite and their sum is not, the entry holds SHARE times the sum, and SHARED more counted rows.
const SHARE = 0.015625;
const SHARED = 128.0;

var<workgroup> row_results: array<vec4<f32>, ROWS>;

fn run(workgroup: u32, index: u32) {
    // Invocations past the end repeat the last row, so that all reach the barriers; they count and write nothing.
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
        // The loss of finite inputs may overflow.
        if is_not_finite(vec4<f32>(result.x)) {
            atomicMin(&state[FIRST_NON_FINITE], LOSS_ID);
        }
        if row.written {
            write_loss(i, result.x);
        }
        row_results[index / LANES] = select(vec4<f32>(0.0), result, row.written);
    }
    workgroupBarrier();
    let step = atomicLoad(&state[STEP]);
    let place = step % p.ring_steps * p.ring_stride + p.ring_offset;
    if workgroup == 0u {
        // A larger batch may have left sums in the entries after the last workgroup's.
        for (var i = (p.rows + ROWS - 1u) / ROWS + index; i < p.ring_sums; i += WORKGROUP) {
            store_ring(place + i, vec4<f32>(0.0));
        }
    }
    if index == 0u && workgroup < p.ring_sums {
        var total = results_times(1.0);
        if is_not_finite(vec4<f32>(total.x)) {
            total.x = results_times(SHARE).x;
            total.w += SHARED;
        }
        store_ring(place + workgroup, total);
        if CLOCK && workgroup == 0u {
            atomicStore(&state[NEXT_STEP], step + 1u);
            if (atomicLoad(&state[CARE]) & p.ordinary) != 0u {
                atomicMin(&state[FIRST_NON_FINITE], NEEDS_CARE); // the host repeats the step, with care
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

// SCALED: the factor times the step's scale from the host, 1 over the denominator of several batches. DIVIDES: the
// factor over the sum of the batch's row weights. Every workgroup adds up all weights in the same order. If
// DENOMINATOR_READ, it adds the partial sums that row_weights.wgsl has written after the entries of this loss instead,
// one for each invocation.
fn gradient_factor(index: u32) -> f32 {
    if SCALED {
        let place = atomicLoad(&state[STEP]) % p.ring_steps * p.scale_stride;
        return p.factor * bitcast<f32>(atomicLoad(&state[p.scales + place]));
    }
    if !DIVIDES {
        return p.factor;
    }
    var sum = Chain();
    if DENOMINATOR_READ {
        let place = atomicLoad(&state[STEP]) % p.ring_steps * p.ring_stride + p.ring_offset;
        sum.block = load_ring_component(place + p.ring_sums + index, 0u);
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

// A NaN or an infinity stops training, except in an ignored row.
fn check_finite(row: Row, value: vec4<f32>) {
    if is_not_finite(value) && !row.ignored {
        atomicMin(&state[FIRST_NON_FINITE], LOSS_ID);
    }
}

// Element i of a row's gradient, with zeros in the padding. It is zero everywhere if the row is ignored, even for NaN.
fn finished(row: Row, i: u32, value: vec4<f32>) -> vec4<f32> {
    return select(in_columns(row.factor * value, i * 4u, p.cols), vec4<f32>(0.0), row.ignored);
}

fn columns_at(i: u32) -> vec4<u32> {
    return vec4<u32>(i * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
}
