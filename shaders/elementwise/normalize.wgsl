@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> gamma: array<vec4<f32>>; // [cols]
@group(0) @binding(4) var<storage, read> beta: array<vec4<f32>>; // [cols]
@group(0) @binding(5) var<storage, read> running: array<vec4<f32>>; // mean, variance [2, cols]

fn op(i: u32, col: u32) -> vec4<f32> {
    let column = col / 4u;
    let inverse = inverse_std(running[p.ld4 + column]);
    return scaled_distance(gamma[column], x[i], running[column], inverse) + beta[column];
}
