@group(0) @binding(3) var<storage, read_write> moments: array<vec4<f32>>; // v, [mean gradient], [velocity]

// hyper: alpha, 1 - alpha, eps, momentum.
fn update(i: u32, w: vec4<f32>, g: vec4<f32>, step: Step) -> vec4<f32> {
    let hyper = p.hyper[0];
    let v = hyper.x * moments[i] + hyper.y * g * g;
    moments[i] = v;
    var variance = v;
    if CENTERED == 1u {
        let mean = hyper.x * moments[i + p.count] + hyper.y * g;
        moments[i + p.count] = mean;
        // Rounding may take the difference below 0.
        variance = max(v - mean * mean, vec4<f32>(0.0));
    }
    var velocity = g / (sqrt(variance) + hyper.z);
    if MOMENTUM == 1u {
        let place = i + (1u + CENTERED) * p.count;
        velocity = hyper.w * moments[place] + velocity;
        moments[place] = velocity;
    }
    return w - step.rate * velocity;
}
