// Pixels of the source that need not start at a multiple of four floats.
const FOURS = false;

// The float at `at + c` for each of four places; 0 where there is none.
fn load(at: vec4<u32>, c: u32) -> vec4<f32> {
    let there = at != vec4<u32>(NONE);
    let i = select(vec4<u32>(0u), at + c, there);
    let values = vec4<f32>(load_source(i.x), load_source(i.y), load_source(i.z), load_source(i.w));
    return select(vec4<f32>(0.0), values, there);
}

fn load_channels(at: u32, c: u32) -> vec4<f32> {
    return vec4<f32>();
}
