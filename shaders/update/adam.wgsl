@group(0) @binding(3) var<storage, read_write> moments: array<vec4<f32>>; // m, v, [greatest v]

// hyper: beta1, 1 - beta1, beta2, 1 - beta2; eps.
// first: rate / (1 - beta1^t). second: 1 / sqrt(1 - beta2^t).
fn update(i: u32, w: vec4<f32>, g: vec4<f32>, step: Step) -> vec4<f32> {
    let beta = p.hyper[0];
    let m = beta.x * moments[i] + beta.y * g;
    let v = beta.z * moments[i + p.count] + beta.w * g * g;
    moments[i] = m;
    moments[i + p.count] = v;
    var second_moment = v;
    if AMSGRAD == 1u {
        second_moment = max(moments[i + 2u * p.count], v);
        moments[i + 2u * p.count] = second_moment;
    }
    let decayed = w - step.rate * step.decay * w;
    return decayed - step.first * m / (sqrt(second_moment) * step.second + p.hyper[1].x);
}
