@group(0) @binding(3) var<storage, read_write> moments: array<vec4<f32>>; // mean squares of g, of the steps

// hyper: rho, 1 - rho, eps.
fn update(i: u32, w: vec4<f32>, g: vec4<f32>, step: Step) -> vec4<f32> {
    let hyper = p.hyper[0];
    let square = hyper.x * moments[i] + hyper.y * g * g;
    moments[i] = square;
    let steps = moments[i + p.count];
    let delta = sqrt(steps + hyper.z) / sqrt(square + hyper.z) * g;
    moments[i + p.count] = hyper.x * steps + hyper.y * delta * delta;
    return w - step.rate * delta;
}
