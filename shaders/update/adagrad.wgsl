@group(0) @binding(3) var<storage, read_write> moments: array<vec4<f32>>; // sum of squared gradients

// hyper: eps. first: rate / (1 + (t - 1) * rate_decay).
fn update(i: u32, w: vec4<f32>, g: vec4<f32>, step: Step) -> vec4<f32> {
    let sum = moments[i] + g * g;
    moments[i] = sum;
    return w - step.first * g / (sqrt(sum) + p.hyper[0].x);
}
