// Each invocation loads the grid's values at all its outputs.
struct Mine {
    values: array<vec4<f32>, BLOCKS>,
}

// The values at the tile's outputs, which start at `row`, for the window at `at`.
fn grid_at_outputs(at: u32, row: u32, lane: u32) -> Mine {
    var mine: Mine;
    for (var b = 0u; b < BLOCKS; b++) {
        let i = vec4<u32>(at)
            + min(vec4<u32>(row + 4u * b) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.m - 1u));
        mine.values[b] = vec4<f32>(load_grid(i.x), load_grid(i.y), load_grid(i.z), load_grid(i.w));
    }
    return mine;
}

fn grid_of(mine: Mine, block: u32) -> vec4<f32> {
    var values = mine.values;
    return values[block];
}
