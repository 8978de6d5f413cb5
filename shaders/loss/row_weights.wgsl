// Partial sums of the row weights of a batch, for the denominator of a mean: each workgroup sums one contiguous part of
// the rows. The host prepends IGNORES and WEIGHED_ROWS.

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
        store_ring(state[STEP] % p.ring_steps * p.ring_stride + p.ring_offset + workgroup, vec4(total, 0.0, 0.0, 0.0));
    }
}
