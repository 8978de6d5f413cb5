// Moments: m, v. hyper: beta1, 1 - beta1, beta2, 1 - beta2; eps. first: the rate with all corrections. second: 1 once
// the variance estimate is reliable, else 0.
fn update(old: Four, g: vec4<f32>, step: Step) -> Four {
    let beta = p.hyper[0];
    var next = old;
    next.first = beta.x * old.first + beta.y * g;
    next.second = beta.z * old.second + beta.w * g * g;
    var change = step.first * next.first;
    if step.second != 0.0 {
        change /= sqrt(next.second) + p.hyper[1].x;
    }
    next.w = old.w - step.rate * step.decay * old.w - change;
    return next;
}
