// Moments: sum of squared gradients. hyper: eps. first: rate / (1 + (t - 1) * rate_decay).
fn update(old: Four, g: vec4<f32>, step: Step) -> Four {
    var next = old;
    next.first += g * g;
    next.w -= step.first * g / (sqrt(next.first) + p.hyper[0].x);
    return next;
}
