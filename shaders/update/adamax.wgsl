@group(0) @binding(3) var<storage, read_write> moments: array<vec4<f32>>; // m, u

// hyper: beta1, 1 - beta1, beta2, eps. first: rate / (1 - beta1^t).
fn update(i: u32, w: vec4<f32>, g: vec4<f32>, step: Step) -> vec4<f32> {
    let hyper = p.hyper[0];
    let m = hyper.x * moments[i] + hyper.y * g;
    let u = max(hyper.z * moments[i + p.count], abs(g) + hyper.w);
    moments[i] = m;
    moments[i + p.count] = u;
    return w - step.first * m / u;
}
