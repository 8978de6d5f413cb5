// Mean and standard deviation of four columns, for values of any offset and magnitude, in two passes.
//
// The first pass sums distances from the first number. So the mean of numbers far from 0 is as accurate as f32 allows,
// and equal numbers have exactly their value as mean. The second pass sums distances from that mean, with a correction
// for its rounding. All distances are scaled by powers of two. No square or sum overflows, and only squares that are
// negligible beside epsilon underflow. Products with powers of two are exact, so a fused multiply-add gives the same
// bits. See src/kernel/base/spread.rs.

const MOST = 3.4028234e38;
const LARGE = 1.2676506e30; // 2^100: differences and sums of smaller numbers do not overflow
const FAR = 2.3283064e-10; // 2^-32: sums of 2^24 distances scaled by it do not overflow
const BACK = 4294967296.0; // 1 / FAR

struct Start {
    unit: vec4<f32>, // 1, or 1/16 where the first number is large
    back: vec4<f32>, // 1 / unit
    first: vec4<f32>, // the first number, in units
}

fn spread_start(first: vec4<f32>) -> Start {
    let large = abs(first) > vec4<f32>(LARGE);
    let unit = select(vec4<f32>(1.0), vec4<f32>(0.0625), large);
    return Start(unit, select(vec4<f32>(1.0), vec4<f32>(16.0), large), first * unit);
}

// The distance from the first number. The first pass sums it and its magnitude.
fn from_first(value: vec4<f32>, start: Start) -> vec4<f32> {
    return (value * start.unit - start.first) * FAR;
}

// Three numbers per column, which stay in registers during the second pass.
struct Middle {
    unit: vec4<f32>, // 1, or 1/16 where the numbers are far apart
    centre: vec4<f32>, // mean, rounded, in units
    scale: vec4<f32>, // scales the larger of the mean distance and sqrt(epsilon) to between 1 and 2
}

// `root` is sqrt(epsilon).
fn spread_middle(start: Start, sum: vec4<f32>, size: vec4<f32>, count: f32, root: f32) -> Middle {
    let raw = (start.first + sum / count * BACK) * start.back;
    let mean = keep_nan(raw, clamp(raw, vec4<f32>(-MOST), vec4<f32>(MOST)));
    let distance = size / count;
    let apart = distance > start.unit * (LARGE * FAR);
    let unit = select(vec4<f32>(1.0), vec4<f32>(0.0625), apart);
    let greater = max(distance * (BACK * (unit * start.back)), root * unit);
    return Middle(unit, mean * unit, reciprocal(greater));
}

// 1 / unit.
fn back_of(unit: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(1.0), vec4<f32>(16.0), unit < vec4<f32>(1.0));
}

// The reciprocal of the largest power of two that is at most a normal number below 2^127.
fn reciprocal(value: vec4<f32>) -> vec4<f32> {
    let exponent = bitcast<vec4<u32>>(value) & vec4<u32>(0x7f800000u);
    return bitcast<vec4<f32>>(vec4<u32>(0x7f000000u) - exponent);
}

// The scaled distance from the mean. The second pass sums it and its square.
fn from_mean(value: vec4<f32>, middle: Middle) -> vec4<f32> {
    return (value * middle.unit - middle.centre) * middle.scale;
}

struct Spread {
    mean: vec4<f32>, // rounded
    unit: vec4<f32>,
    centre: vec4<f32>, // mean, in units
    rest: vec4<f32>, // rounding remainder of the mean, in units
    inverse: vec4<f32>, // 1 / sqrt(variance + epsilon), per unit
    variance: vec4<f32>, // infinite if it exceeds the range of f32
}

fn spread_end(middle: Middle, sum: vec4<f32>, squares: vec4<f32>, count: f32, root: f32) -> Spread {
    let rest = sum / count;
    let raw = squares / count - rest * rest;
    let variance = keep_nan(raw, max(raw, vec4<f32>(0.0)));
    let scaled_root = root * middle.unit * middle.scale;
    let inverse = inverseSqrt(variance + scaled_root * scaled_root) * middle.scale;
    let size = reciprocal(middle.scale);
    let back = back_of(middle.unit);
    return Spread(
        middle.centre * back,
        middle.unit,
        middle.centre,
        rest * size,
        inverse,
        variance * size * back * size * back,
    );
}

// (value - mean) / sqrt(variance + epsilon), which is 0 for equal numbers.
fn normal_of(value: vec4<f32>, spread: Spread) -> vec4<f32> {
    // Not ((value - centre) - rest) * inverse: a compiler may add centre and rest first, and lose the rest by rounding.
    return (value * spread.unit - spread.centre) * spread.inverse - spread.rest * spread.inverse;
}
