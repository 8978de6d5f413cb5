// erfc(x) for x >= 0 with a relative error below 1.2e-7 before rounding (Numerical Recipes, section 6.2):
// a Chebyshev fit of the logarithm in t = 1/(1 + x/2), so the far tail stays accurate.
fn erfc_of_magnitude(x: vec4<f32>) -> vec4<f32> {
    let t = 1.0 / (1.0 + 0.5 * x);
    let low = t * (t * (t * (t * 0.17087277 - 0.82215223) + 1.48851587) - 1.13520398);
    let fit = t * (t * (t * (t * (low + 0.27886807) - 0.18628806) + 0.09678418) + 0.37409196) + 1.00002368;
    return t * exp(-x * x - 1.26551223 + t * fit);
}

// The normal distribution function.
fn phi(z: vec4<f32>) -> vec4<f32> {
    let tail = 0.5 * erfc_of_magnitude(abs(z) * 0.70710678);
    return select(tail, 1.0 - tail, z > vec4<f32>(0.0));
}

fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return z * phi(z);
}

// phi(z) plus z times the normal density.
fn df(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return phi(z) + z * 0.39894228 * exp(-0.5 * z * z);
}
