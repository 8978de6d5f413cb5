// Each invocation loads the weights of all its columns.
struct Own {
    places: array<vec4<u32>, BLOCKS>,
}

struct Mine {
    weights: array<vec4<f32>, BLOCKS>,
}

fn places(col: u32) -> vec4<u32> {
    let last = p.n - 1u;
    return vec4<u32>(weight_place(min(col, last)), weight_place(min(col + 1u, last)), weight_place(min(col + 2u, last)),
        weight_place(min(col + 3u, last)));
}

fn own_weights(col: u32, lane: u32) -> Own {
    var own: Own;
    for (var b = 0u; b < BLOCKS; b++) { own.places[b] = places(col + 4u * b); }
    return own;
}

// The weights at this distance from the first channel and tap; 0 unless `real`.
fn load_own(own: Own, distance: u32, real: bool) -> Mine {
    var mine: Mine;
    var places = own.places;
    for (var b = 0u; b < BLOCKS; b++) {
        let i = places[b] + vec4<u32>(distance);
        let values = vec4<f32>(load_weight(i.x), load_weight(i.y), load_weight(i.z), load_weight(i.w));
        mine.weights[b] = select(vec4<f32>(0.0), values, real);
    }
    return mine;
}

fn weights_of(mine: Mine, block: u32) -> vec4<f32> {
    var weights = mine.weights;
    return weights[block];
}
