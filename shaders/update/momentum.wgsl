@group(0) @binding(3) var<storage, read_write> moments: array<vec4<f32>>;

// hyper: momentum. first: 1 - dampening, but 1 in the first step. second: 1.
// In the classical form the rate is in first and second instead, and 1 stands in its place.
fn update(i: u32, w: vec4<f32>, g: vec4<f32>, step: Step) -> vec4<f32> {
    let momentum = p.hyper[0].x;
    let velocity = momentum * moments[i] + step.first * g;
    moments[i] = velocity;
    if NESTEROV == 1u {
        return w - step.rate * (step.second * g + momentum * velocity);
    }
    return w - step.rate * velocity;
}
