// dx = y * (dy - sum(dy * y)) over each row (LOG: dx = dy - exp(y) * sum(dy)); LANES invocations share a row.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<f32>>;

fn run(workgroup: u32, index: u32) {
    // Rows past the end repeat the last one, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;

    // The padding of dy is zero, so it adds nothing.
    var sum = 0.0;
    for (var i = lane; i < p.ld4; i += LANES) {
        if LOG {
            sum += sum4(dy[start + i]);
        } else {
            sum += sum4(dy[start + i] * y[start + i]);
        }
    }
    sum = row_sum(sum, index);

    if wanted >= p.rows {
        return;
    }
    for (var i = lane; i < p.ld4; i += LANES) {
        var value = y[start + i] * (dy[start + i] - sum);
        if LOG {
            value = dy[start + i] - exp(y[start + i]) * sum;
        }
        dx[start + i] = in_columns(value, i * 4u, p.cols);
    }
}
