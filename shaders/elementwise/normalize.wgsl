@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> gamma: array<vec4<f32>>; // [cols]
@group(0) @binding(4) var<storage, read> beta: array<vec4<f32>>; // [cols]
@group(0) @binding(5) var<storage, read> running: array<vec4<f32>>; // mean, variance [2, cols]

// p.alpha is epsilon, p.beta epsilon times 2^64.
fn op(i: u32, col: u32) -> vec4<f32> {
    let column = col / 4u;
    let variance = running[p.ld4 + column];
    // Either may be too small for a normal number: then both are taken in units of 2^-64.
    let small = variance + p.alpha < vec4<f32>(1e-18);
    let scaled = select(variance + p.alpha, variance * 1.8446744e19 + p.beta, small);
    let inverse = inverseSqrt(scaled) * select(vec4<f32>(1.0), vec4<f32>(4294967296.0), small);
    return gamma[column] * ((x[i] - running[column]) * inverse) + beta[column];
}
