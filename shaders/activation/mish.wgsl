// tanh(ln(1 + E)) = (E^2 + 2E)/(E^2 + 2E + 2) with E = exp(z): sums of positive terms. For z > 0 both are divided by
// E^2, so only e = exp(-|z|) occurs.
fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    let e = decay(z);
    let right = z > vec4<f32>(0.0);
    let n = select(e * (e + 2.0), 1.0 + 2.0 * e, right);
    return z * (n / (n + select(vec4<f32>(2.0), 2.0 * e * e, right)));
}

// The quotient n/d, and z times its derivative 4E(1 + E)/(E^2 + 2E + 2)^2.
fn df(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    let e = decay(z);
    let right = z > vec4<f32>(0.0);
    let n = select(e * (e + 2.0), 1.0 + 2.0 * e, right);
    let d = n + select(vec4<f32>(2.0), 2.0 * e * e, right);
    let slope = 4.0 * e * (1.0 + e) * select(vec4<f32>(1.0), e, right) / (d * d);
    return n / d + z * slope;
}
