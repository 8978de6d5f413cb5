@group(0) @binding(1) var<storage, read> data: array<vec4<f32>>;

fn load(i: u32) -> vec4<f32> {
    return data[i];
}
