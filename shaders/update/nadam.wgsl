// Moments: m, v. hyper: beta1, 1 - beta1, beta2, 1 - beta2; eps. first: the rate times the gradient's share. second:
// the rate times the first moment's share. third: 1 / sqrt(1 - beta2^t).
fn update(old: Four, g: vec4<f32>, step: Step) -> Four {
    let beta = p.hyper[0];
    var next = old;
    next.first = beta.x * old.first + beta.y * g;
    next.second = beta.z * old.second + beta.w * g * g;
    let decayed = old.w - step.rate * step.decay * old.w;
    let change = step.first * g + step.second * next.first;
    next.w = decayed - change / (sqrt(next.second) * step.third + p.hyper[1].x);
    return next;
}
