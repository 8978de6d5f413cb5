// (1 + tanh u)/2 = sigmoid(2u), which does not cancel on the left. For |z| above 12 it is 0 or 1 in f32; the bound
// keeps the powers finite.
fn bounded(z: vec4<f32>) -> vec4<f32> {
    return clamp(z, vec4<f32>(-12.0), vec4<f32>(12.0));
}

// 2 sqrt(2/pi) (z + 0.044715 z^3).
fn twice_u(z: vec4<f32>) -> vec4<f32> {
    return z * (1.5957691 + 0.071354816 * z * z);
}

fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return z * logistic(twice_u(bounded(z)));
}

fn df(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    let c = bounded(z);
    let v = twice_u(c);
    let dv = 1.5957691 + 0.21406445 * c * c;
    return logistic(v) * (1.0 + c * dv * logistic(-v));
}
