// The random motion of a sample: shift, scale, rotation.

var<workgroup> offset: vec2<f32>; // in pixels
var<workgroup> inverse_scale: vec2<f32>;
var<workgroup> turn: vec2<f32>; // cosine and sine of the angle

// Two numbers in [-1, 1), multiples of 2^-15, from the halves of a word: exact in f32.
fn signed_units(word: u32) -> vec2<f32> {
    return vec2<f32>(vec2<u32>(word & 0xffffu, word >> 16u)) * (1.0 / 32768.0) - 1.0;
}

// Cosine and sine of an angle in [-pi, pi], exact at 0: polynomials for a quarter of the angle (Cephes), and the
// double-angle formula twice. WGSL's own functions may err by 2^-11.
fn cosine_sine(angle: f32) -> vec2<f32> {
    let t = 0.25 * angle;
    let z = t * t;
    var s = ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * t + t;
    var c = ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1.0;
    for (var i = 0u; i < 2u; i++) {
        let doubled = vec2<f32>(1.0 - 2.0 * s * s, 2.0 * s * c);
        c = doubled.x;
        s = doubled.y;
    }
    return vec2<f32>(c, s);
}

// Applies pair i of a sample's random words: shift and scale, rotation, or a control point.
fn draw(i: u32, words: vec2<u32>) {
    if i == 0u {
        offset = p.max_shift * signed_units(words.x);
        let scale = 1.0 + p.max_scale * signed_units(words.y);
        // WGSL's division may be inexact even for a divisor of 1.
        inverse_scale = select(1.0 / scale, vec2<f32>(1.0), scale == vec2<f32>(1.0));
    } else if i == 1u {
        turn = cosine_sine(p.max_angle * signed_units(words.x).x);
    } else {
        grid[2u * i - 4u] = p.amplitude * signed_units(words.x);
        grid[2u * i - 3u] = p.amplitude * signed_units(words.y);
    }
}
