// 1 - cos(x, y) where the target is 1, max(0, cos(x, y) - margin) where it is -1, 0 elsewhere.

@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>; // [rows, cols]

// Added to the squared norms, so that zeros have a cosine.
const EPSILON = 1e-12;

fn row_loss(row: Row) -> vec2<f32> {
    var product = 0.0;
    var xx = 0.0;
    var yy = 0.0;
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let a = x[row.start + i];
        let b = y[row.start + i];
        check_finite(row, a);
        check_finite(row, b);
        product += dot(a, b);
        xx += dot(a, a);
        yy += dot(b, b);
    }
    product = row_sum(product, row.invocation);
    xx = row_sum(xx, row.invocation) + EPSILON;
    yy = row_sum(yy, row.invocation) + EPSILON;
    // The root of each, since their product may overflow.
    let norms = sqrt(xx) * sqrt(yy);
    let cosine = product / norms;

    let goal = row_target(row);
    var loss = 0.0;
    var slope = 0.0; // of the loss with respect to the cosine
    if goal == 1.0 {
        loss = 1.0 - cosine;
        slope = -1.0;
    } else if goal == -1.0 && cosine >= p.parameter {
        loss = cosine - p.parameter;
        slope = 1.0;
    }
    // Comparisons do not see it.
    if is_not_finite(vec4<f32>(cosine)) {
        loss = cosine;
    }
    if GRADIENTS && row.written {
        for (var i = row.lane; i < p.ld4; i += LANES) {
            let a = x[row.start + i];
            let b = y[row.start + i];
            write_gradient(row.start + i, finished(row, i, slope * (b / norms - cosine / xx * a)));
            write_second_gradient(row.start + i, finished(row, i, slope * (a / norms - cosine / yy * b)));
        }
    }
    return vec2<f32>(loss, 0.0);
}
