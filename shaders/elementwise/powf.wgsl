// alpha is the exponent. beta is 1 if it is an odd integer, 0 if even, 2 otherwise. `pow` is undefined for a negative
// base.
fn op(i: u32, col: u32) -> vec4<f32> {
    let x = load_a(i);
    let power = pow(abs(x), vec4<f32>(p.alpha));
    let nan = bitcast<f32>(0x7fc00000u | p.id); // id is 0; a constant NaN is refused
    let below = select(select(power, -power, p.beta == 1.0), vec4<f32>(nan), p.beta == 2.0);
    return keep_nan(x, select(power, below, x < vec4<f32>(0.0)));
}
