// The sum of -q log softmax(x) over the columns, with shares q: a class's weight times its smoothed target. It is
// computed from log sum exp(x - maximum), which does not overflow. The gradient is (sum of q) softmax(x) - q.

// SPREAD: the target is more than one label.
fn shares_at(row: Row, i: u32) -> vec4<f32> {
    if SPREAD {
        let smoothed = (1.0 - p.parameter) * target_at(row, i) + vec4<f32>(p.parameter / f32(p.cols));
        return in_columns(weights_at(i) * smoothed, i * 4u, p.cols);
    }
    return select(vec4<f32>(0.0), vec4<f32>(weight_of(row.label)), columns_at(i) == vec4<u32>(row.label));
}

fn row_loss(row: Row) -> vec2<f32> {
    var maximum = LOWEST;
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let z = load_x(row.start + i);
        check_finite(row, z);
        maximum = max(maximum, max4(lowest_in_padding(z, i * 4u, p.cols)));
    }
    maximum = row_max(maximum, row.invocation);

    // The same pass finds the first column with the maximum logit, as the maximum of minus the column.
    var exponentials = Chain();
    var first = LOWEST;
    var wanted = no_maximum(row);
    var masses = Chain();
    var distances = Chain();
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let z = lowest_in_padding(load_x(row.start + i), i * 4u, p.cols);
        exponentials = row_chain(exponentials, in_columns(exp(z - maximum), i * 4u, p.cols), i);
        if COUNTS {
            let columns = vec4<f32>(columns_at(i));
            first = max(first, max4(select(vec4<f32>(LOWEST), -columns, z == vec4<f32>(maximum))));
        }
        if COUNTS && TARGET_VALUES {
            wanted = maximum_with(wanted, target_at(row, i), i);
        }
        if SPREAD {
            let shares = shares_at(row, i);
            masses = row_chain(masses, shares, i);
            // The distance may be infinite where the share is 0.
            let weighted = select(vec4<f32>(0.0), shares * (maximum - z), shares != vec4<f32>(0.0));
            distances = row_chain(distances, weighted, i);
        }
    }
    let sum = row_sum(chain_sum(exponentials), row.invocation);
    if COUNTS {
        first = row_max(first, row.invocation);
    }
    var wanted_first = 0.0;
    if COUNTS {
        wanted_first = wanted_column(row, wanted);
    }
    var mass = 0.0;
    var distance = 0.0;
    if SPREAD {
        mass = row_sum(chain_sum(masses), row.invocation);
        distance = row_sum(chain_sum(distances), row.invocation);
    } else {
        let label = min(row.label, p.cols - 1u);
        mass = weight_of(row.label);
        distance = mass * (maximum - load_x_component(row.start + label / 4u, label % 4u));
    }

    if GRADIENTS && row.written {
        for (var i = row.lane; i < p.ld4; i += LANES) {
            let softmax = exp(load_x(row.start + i) - maximum) / sum;
            write_gradient(row.start + i, finished(row, i, mass * softmax - shares_at(row, i)));
        }
    }
    let correct = select(0.0, 1.0, COUNTS && first == -wanted_first);
    return vec2<f32>(mass * log(sum) + distance, correct);
}
