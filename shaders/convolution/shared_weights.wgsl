// The lanes of a subgroup share the loads: lane l loads the columns l, l + LANES, … of the tile.
const SHARE = 4u * BLOCKS / LANES; // 1 to 4

struct Own {
    places: vec4<u32>,
}

struct Mine {
    weights: vec4<f32>,
}

fn own_weights(col: u32, lane: u32) -> Own {
    let cols = min(vec4<u32>(col + lane) + LANES * vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.n - 1u));
    return Own(vec4<u32>(weight_place(cols.x), weight_place(cols.y), weight_place(cols.z), weight_place(cols.w)));
}

// The weights at this distance from the first channel and tap; 0 unless `real`.
fn load_own(own: Own, distance: u32, real: bool) -> Mine {
    let i = own.places + vec4<u32>(distance);
    var values = vec4<f32>(load_weight(i.x), 0.0, 0.0, 0.0);
    if SHARE > 1u { values.y = load_weight(i.y); }
    if SHARE > 2u {
        values.z = load_weight(i.z);
        values.w = load_weight(i.w);
    }
    return Mine(select(vec4<f32>(0.0), values, real));
}

fn weights_of(mine: Mine, block: u32) -> vec4<f32> {
    let value = mine.weights[4u * block / LANES];
    let lane = 4u * block % LANES;
    return vec4<f32>(subgroupShuffle(value, lane), subgroupShuffle(value, lane + 1u), subgroupShuffle(value, lane + 2u),
        subgroupShuffle(value, lane + 3u));
}
