// Adds the parts of a weight gradient, in groups of GROUP parts. One invocation adds four neighbouring elements, or the
// sums of the grid for four outputs, which are in the last column of each part.

// The sum of the grid for one output of a part.
fn grid_sum(part: u32, row: u32) -> f32 {
    let at = (part * p.rows + min(row, p.rows - 1u)) * p.part_ld4 + p.cols / 4u;
    return select(0.0, bias_of(at, p.cols % 4u), row < p.rows);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let workgroup = group.x + group.y * groups.x;
    let i = workgroup * WORKGROUP + index;
    let weights = bound(p.rows * p.ld4, workgroup);
    let row = i / p.ld4;
    let col = i % p.ld4;
    let outputs = 4u * (i - weights);
    let is_weight = i < weights;
    if !is_weight && (!BIAS || outputs >= p.rows) {
        return;
    }
    var total = vec4<f32>(0.0);
    var sum = vec4<f32>(0.0);
    for (var part = 0u; part < bound(p.parts, workgroup); part++) {
        if part > 0u && part % GROUP == 0u {
            total += sum;
            sum = vec4<f32>(0.0);
        }
        if is_weight {
            sum += load_parts((part * p.rows + row) * p.part_ld4 + col);
        } else if BIAS {
            sum += vec4<f32>(grid_sum(part, outputs), grid_sum(part, outputs + 1u), grid_sum(part, outputs + 2u),
                grid_sum(part, outputs + 3u));
        }
    }
    total += sum;
    if is_weight {
        store_out(i, in_columns(finish(total, i, col * 4u), col * 4u, p.cols));
    } else if BIAS {
        test_bias(total);
        store_bias(outputs / 4u, total);
    }
    finished();
}
