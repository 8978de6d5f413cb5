// Normals by the method of Box and Muller (1958): two words give a radius and an angle, which give two numbers. WGSL
// allows errors of 2^-11 in sin and cos and 2^-21 in log, so these functions are computed here, as far as possible in
// integers.

// -ln(k / 2^24) for k from 1 to 2^24: with k = m * 2^e and m within a factor of sqrt(2) of 1, (24 - e) ln 2 - ln m, and
// ln m = 2 artanh(s) with s = (m - 1) / (m + 1) <= 0.172, a series whose next term is 2e-9 of it.
fn minus_ln(k: vec2<u32>) -> vec2<f32> {
    let root_half = vec2<u32>(0x3f3504f3u);
    let bits = bitcast<vec2<u32>>(vec2<f32>(k)) - root_half;
    let e = bits >> vec2<u32>(23u);
    let m = bitcast<vec2<f32>>((bits & vec2<u32>(0x7fffffu)) + root_half);
    let s = (m - 1.0) / (m + 1.0);
    let w = s * s;
    let series = (((w / 9.0 + 1.0 / 7.0) * w + 0.2) * w + 1.0 / 3.0) * w;
    return vec2<f32>(24u - e) * 0.6931471805599453 - 2.0 * (s + s * series);
}

// Cosine and sine of k / 2^24 turns: the nearest quarter turn is split off in integers, and series cover the rest of up
// to an eighth turn.
fn direction(k: u32) -> vec2<f32> {
    let quarter = (k + 0x200000u) >> 22u;
    let x = f32(i32(k) - i32(quarter << 22u)) * (6.283185307179586 / 16777216.0);
    let w = x * x;
    let sine = x + x * w * (((w / 362880.0 - 1.0 / 5040.0) * w + 1.0 / 120.0) * w - 1.0 / 6.0);
    let cosine = 1.0 + w * ((((-w / 3628800.0 + 1.0 / 40320.0) * w - 1.0 / 720.0) * w + 1.0 / 24.0) * w - 0.5);
    let turned = select(vec2<f32>(cosine, sine), vec2<f32>(-sine, cosine), quarter % 2u == 1u);
    return select(turned, -turned, quarter % 4u >= 2u);
}

fn draw(i: u32, words: vec4<u32>) -> vec4<f32> {
    let k = words >> vec4<u32>(8u);
    let radius = sqrt(2.0 * minus_ln(k.xz + 1u));
    let normals = vec4<f32>(radius.x * direction(k.y), radius.y * direction(k.w));
    return p.first + p.second * normals;
}
