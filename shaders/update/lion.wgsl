@group(0) @binding(3) var<storage, read_write> moments: array<vec4<f32>>; // m

// hyper: beta1, 1 - beta1, beta2, 1 - beta2.
fn update(i: u32, w: vec4<f32>, g: vec4<f32>, step: Step) -> vec4<f32> {
    let beta = p.hyper[0];
    let m = moments[i];
    moments[i] = beta.z * m + beta.w * g;
    let direction = sign(beta.x * m + beta.y * g);
    return w - step.rate * (direction + step.decay * w);
}
