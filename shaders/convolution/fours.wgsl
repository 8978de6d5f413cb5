// Pixels of the source that start at a multiple of four floats, with zeros after their last channel.
const FOURS = true;

// The channels c to c + 3 at a place; 0 where there is none.
fn load_channels(at: u32, c: u32) -> vec4<f32> {
    let there = at != NONE;
    return select(vec4<f32>(0.0), load_source(select(0u, (at + c) / 4u, there)), there);
}

fn load(at: vec4<u32>, c: u32) -> vec4<f32> {
    return vec4<f32>();
}
