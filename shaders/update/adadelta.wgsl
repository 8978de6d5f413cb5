// Moments: mean square of g, mean square of the steps. hyper: rho, 1 - rho, eps.
fn update(old: Four, g: vec4<f32>, step: Step) -> Four {
    let hyper = p.hyper[0];
    var next = old;
    next.first = hyper.x * old.first + hyper.y * g * g;
    let delta = sqrt(old.second + hyper.z) / sqrt(next.first + hyper.z) * g;
    next.second = hyper.x * old.second + hyper.y * delta * delta;
    next.w -= step.rate * delta;
    return next;
}
