// Moments: v, [mean gradient], [velocity]. hyper: alpha, 1 - alpha, eps, momentum.
fn update(old: Four, g: vec4<f32>, step: Step) -> Four {
    let hyper = p.hyper[0];
    var next = old;
    next.first = hyper.x * old.first + hyper.y * g * g;
    var variance = next.first;
    if CENTERED == 1u {
        let mean = hyper.x * old.second + hyper.y * g;
        next.second = mean;
        // Rounding may take the difference below 0.
        variance = max(variance - mean * mean, vec4<f32>(0.0));
    }
    var velocity = g / (sqrt(variance) + hyper.z);
    if MOMENTUM == 1u {
        velocity = hyper.w * select(old.second, old.third, CENTERED == 1u) + velocity;
        if CENTERED == 1u {
            next.third = velocity;
        } else {
            next.second = velocity;
        }
    }
    next.w -= step.rate * velocity;
    return next;
}
