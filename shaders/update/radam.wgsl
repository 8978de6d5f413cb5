@group(0) @binding(3) var<storage, read_write> moments: array<vec4<f32>>; // m, v

// hyper: beta1, 1 - beta1, beta2, 1 - beta2; eps.
// first: the rate with all corrections. second: 1 once the variance is known well enough to divide by, else 0.
fn update(i: u32, w: vec4<f32>, g: vec4<f32>, step: Step) -> vec4<f32> {
    let beta = p.hyper[0];
    let m = beta.x * moments[i] + beta.y * g;
    let v = beta.z * moments[i + p.count] + beta.w * g * g;
    moments[i] = m;
    moments[i + p.count] = v;
    var change = step.first * m;
    if step.second != 0.0 {
        change /= sqrt(v) + p.hyper[1].x;
    }
    return w - step.rate * step.decay * w - change;
}
