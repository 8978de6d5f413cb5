@group(0) @binding(3) var<storage, read_write> moments: array<vec4<f32>>; // m, v

// hyper: beta1, 1 - beta1, beta2, 1 - beta2; eps.
// first: the gradient's share of the rate. second: the first moment's. third: 1 / sqrt(1 - beta2^t).
fn update(i: u32, w: vec4<f32>, g: vec4<f32>, step: Step) -> vec4<f32> {
    let beta = p.hyper[0];
    let m = beta.x * moments[i] + beta.y * g;
    let v = beta.z * moments[i + p.count] + beta.w * g * g;
    moments[i] = m;
    moments[i + p.count] = v;
    let decayed = w - step.rate * step.decay * w;
    return decayed - (step.first * g + step.second * m) / (sqrt(v) * step.third + p.hyper[1].x);
}
