// WGSL's own tanh may err by 1e-5 near 0 and overflow far from it, so: an odd polynomial below 0.625 (Cephes tanhf,
// 2 ulp), 1 - 2/(exp(2|z|) + 1) above, and exactly 1 from 15 on.
fn f(z: vec4<f32>, alpha: f32) -> vec4<f32> {
    let s = z * z;
    let series = (((-5.70498872745e-3 * s + 2.06390887954e-2) * s - 5.37397155531e-2) * s + 1.33314422036e-1) * s
        - 3.33332819422e-1;
    let small = z + z * s * series;
    let large = 1.0 - 2.0 / (exp(2.0 * min(abs(z), vec4<f32>(15.0))) + 1.0);
    // A NaN takes the series, and stays one.
    return select(small, sign(z) * large, abs(z) >= vec4<f32>(0.625));
}

fn df(y: vec4<f32>, alpha: f32) -> vec4<f32> {
    return 1.0 - y * y;
}
