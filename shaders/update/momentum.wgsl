// Moments: the velocity. hyper: momentum. first: 1 - dampening, but 1 in the first step. second: 1. In the classical
// form, first and second contain the rate, and rate is 1.
fn update(old: Four, g: vec4<f32>, step: Step) -> Four {
    let momentum = p.hyper[0].x;
    var next = old;
    next.first = momentum * old.first + step.first * g;
    if NESTEROV == 1u {
        next.w -= step.rate * (step.second * g + momentum * next.first);
    } else {
        next.w -= step.rate * next.first;
    }
    return next;
}
