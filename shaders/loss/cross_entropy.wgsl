// The smallest probability, so that logarithm and quotient are finite.
const MIN_PROBABILITY = 1e-30;

fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return -t * log(max(x, vec4<f32>(MIN_PROBABILITY)));
}

fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    // Below MIN_PROBABILITY the loss is flat.
    return select(vec4<f32>(0.0), -t / max(x, vec4<f32>(MIN_PROBABILITY)), x >= vec4<f32>(MIN_PROBABILITY));
}
