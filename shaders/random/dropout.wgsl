// y = x * scale where the element's random word is at least the threshold, x * 0 elsewhere.

struct Params {
    count: u32, // total number of vec4 elements
    cols: u32,
    ld4: u32, // vec4 elements in a row
    threshold: u32, // drop probability times 2^32
    scale: f32, // 1 / (1 - probability)
    key0: u32,
    key1: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: array<u32>; // words 0 and 8: step
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    if i >= p.count {
        return;
    }
    let words = random_words(key_at(vec2<u32>(p.key0, p.key1), state[8]), state[0], i);
    let factor = select(vec4<f32>(0.0), vec4<f32>(p.scale), words >= vec4<u32>(p.threshold));
    y[i] = in_columns(x[i] * factor, i % p.ld4 * 4u, p.cols);
}
