// Moments: m. hyper: beta1, 1 - beta1, beta2, 1 - beta2.
fn update(old: Four, g: vec4<f32>, step: Step) -> Four {
    let beta = p.hyper[0];
    var next = old;
    next.first = beta.z * old.first + beta.w * g;
    let direction = sign(beta.x * old.first + beta.y * g);
    next.w -= step.rate * (direction + step.decay * old.w);
    return next;
}
