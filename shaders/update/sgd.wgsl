// No moments, no constants.
fn update(old: Four, g: vec4<f32>, step: Step) -> Four {
    var next = old;
    next.w -= step.rate * g;
    return next;
}
