// The smallest normal number: GPUs may flush smaller ones to 0, whose logarithm is infinite.
const MIN_NORMAL = 1.1754944e-38;

// A target of 0 adds nothing for any logarithm.
fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    let positive = t >= vec4<f32>(MIN_NORMAL);
    return select(vec4<f32>(0.0), t * (log(select(vec4<f32>(1.0), t, positive)) - x), positive);
}

fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), -t, t >= vec4<f32>(MIN_NORMAL));
}
