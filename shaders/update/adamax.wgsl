// Moments: m, u. hyper: beta1, 1 - beta1, beta2, eps. first: rate / (1 - beta1^t).
fn update(old: Four, g: vec4<f32>, step: Step) -> Four {
    let hyper = p.hyper[0];
    var next = old;
    next.first = hyper.x * old.first + hyper.y * g;
    next.second = max(hyper.z * old.second, abs(g) + hyper.w);
    // The quotient comes first: rate times m may overflow although the step does not.
    next.w -= step.first * (next.first / next.second);
    return next;
}
