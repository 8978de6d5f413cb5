// Accurate functions of exp for activations. WGSL allows errors of 3 + 2|x| ULP in exp, 2^-21 in log near 1, and 1e-5
// in tanh near 0.

// exp(-|x|). For |x| above 104 it is 0 in f32; the bound keeps |x| times log2(e) finite.
fn decay(x: vec4<f32>) -> vec4<f32> {
    return exp(-min(abs(x), vec4<f32>(104.0)));
}

// 1/(1 + exp(-z)).
fn logistic(z: vec4<f32>) -> vec4<f32> {
    let e = decay(z);
    let r = 1.0 / (1.0 + e);
    return select(e * r, r, z >= vec4<f32>(0.0));
}

// exp(x) - 1 for x <= 0. Above -1 it is x + x^2 q(x), with a Chebyshev fit q; the relative error of the result is 3e-8.
fn expm1(x: vec4<f32>) -> vec4<f32> {
    let t = max(x, vec4<f32>(-1.0));
    let q = ((((1.3742418e-4 * t + 1.3248180e-3) * t + 8.3011705e-3) * t + 4.1659255e-2) * t + 0.16666603) * t + 0.5;
    return select(decay(x) - 1.0, t + t * t * q, x > vec4<f32>(-1.0));
}

// ln(1 + x) for 0 <= x <= 1: 2 artanh(s) with s = x/(2 + x) <= 1/3, from a Chebyshev fit of relative error 2e-8.
fn log1p(x: vec4<f32>) -> vec4<f32> {
    let s = x / (2.0 + x);
    let w = s * s;
    return 2.0 * (s + s * w * (((0.13425750 * w + 0.14118309) * w + 0.20003781) * w + 0.33333319));
}

// tanh(z): an odd polynomial for |z| below 0.625 (Cephes tanhf, 2 ULP), 1 - 2/(exp(2|z|) + 1) above, and exactly 1 from
// 15 on.
fn hyperbolic_tangent(z: vec4<f32>) -> vec4<f32> {
    let t = clamp(z, vec4<f32>(-15.0), vec4<f32>(15.0));
    let s = t * t;
    let series = (((-5.70498872745e-3 * s + 2.06390887954e-2) * s - 5.37397155531e-2) * s + 1.33314422036e-1) * s
        - 3.33332819422e-1;
    let large = 1.0 - 2.0 / (exp(2.0 * abs(t)) + 1.0);
    return select(sign(z) * large, t + t * s * series, abs(z) < vec4<f32>(0.625));
}

