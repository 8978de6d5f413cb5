// Moments: m, v, [maximum of v]. hyper: beta1, 1 - beta1, beta2, 1 - beta2; eps. first: rate / (1 - beta1^t). second: 1
// / sqrt(1 - beta2^t).
fn update(old: Four, g: vec4<f32>, step: Step) -> Four {
    let beta = p.hyper[0];
    var next = old;
    next.first = beta.x * old.first + beta.y * g;
    next.second = beta.z * old.second + beta.w * g * g;
    var second_moment = next.second;
    if AMSGRAD == 1u {
        second_moment = max(old.third, next.second);
        next.third = second_moment;
    }
    let decayed = old.w - step.rate * step.decay * old.w;
    next.w = decayed - step.first * next.first / (sqrt(second_moment) * step.second + p.hyper[1].x);
    return next;
}
