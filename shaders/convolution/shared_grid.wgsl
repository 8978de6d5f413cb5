// The lanes of a subgroup share the loads: lane l loads the outputs l, l + LANES, … of the tile.
const SHARE = 4u * BLOCKS / LANES; // 1 to 4

struct Mine {
    values: vec4<f32>,
}

// The values at the tile's outputs, which start at `row`, for the window at `at`.
fn grid_at_outputs(at: u32, row: u32, lane: u32) -> Mine {
    let i = vec4<u32>(at)
        + min(vec4<u32>(row + lane) + LANES * vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.m - 1u));
    var values = vec4<f32>(load_grid(i.x), 0.0, 0.0, 0.0);
    if SHARE > 1u { values.y = load_grid(i.y); }
    if SHARE > 2u {
        values.z = load_grid(i.z);
        values.w = load_grid(i.w);
    }
    return Mine(values);
}

fn grid_of(mine: Mine, block: u32) -> vec4<f32> {
    let value = mine.values[4u * block / LANES];
    let lane = 4u * block % LANES;
    return vec4<f32>(subgroupShuffle(value, lane), subgroupShuffle(value, lane + 1u), subgroupShuffle(value, lane + 2u),
        subgroupShuffle(value, lane + 3u));
}
