// The functions of the gates. A NaN stays NaN, which the clamps and comparisons within would hide.
fn sigmoid_of(z: vec4<f32>) -> vec4<f32> {
    return keep_nan(z, logistic(z));
}

fn tanh_of(z: vec4<f32>) -> vec4<f32> {
    return keep_nan(z, hyperbolic_tangent(z));
}
