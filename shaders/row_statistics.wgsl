// The mean of a row of x, and 1/sqrt(variance + epsilon), by a second pass.
fn row_statistics(start: u32, lane: u32, index: u32) -> vec2<f32> {
    let count = f32(p.cols);
    var sum = 0.0;
    for (var i = lane; i < p.ld4; i += LANES) {
        sum += sum4(x[start + i]); // the padding is zero
    }
    let mean = row_sum(sum, index) / count;
    var squares = 0.0;
    for (var i = lane; i < p.ld4; i += LANES) {
        let difference = in_columns(x[start + i] - mean, i * 4u, p.cols);
        squares += dot(difference, difference);
    }
    return vec2<f32>(mean, inverseSqrt(row_sum(squares, index) / count + p.epsilon));
}
