// Four lines of the recurrent weights [GATES·H, H]: rows of gate g at the units 4·u4 to 4·u4 + 3, columns 4·k4 to
// 4·k4 + 3. Past the last unit the last row is repeated, and its results are not kept.
fn unit_rows(gate: u32, u4: u32, k4: u32) -> mat4x4<f32> {
    let row = gate * p.hidden;
    let unit = 4u * u4;
    let last = p.hidden - 1u;
    return mat4x4(
        load_weights((row + min(unit, last)) * p.ld4 + k4),
        load_weights((row + min(unit + 1u, last)) * p.ld4 + k4),
        load_weights((row + min(unit + 2u, last)) * p.ld4 + k4),
        load_weights((row + min(unit + 3u, last)) * p.ld4 + k4),
    );
}

// Four units of h before a step; 0 for a step past the length.
fn state_before(place: Place, u4: u32) -> vec4<f32> {
    if place.starts {
        return initial_state(place.sample, 0u, u4);
    }
    return where_valid(load_y(row_before(place) * p.ld4 + u4), place.valid);
}

// The sums h·Wᵀ of the gates of four units grow by four of the terms.
fn grown(sums: mat4x4<f32>, h: vec4<f32>, w0: mat4x4<f32>, w1: mat4x4<f32>, w2: mat4x4<f32>, w3: mat4x4<f32>)
    -> mat4x4<f32> {
    if GATES == 1u {
        return mat4x4(sums[0] + h * w0, sums[1], sums[2], sums[3]);
    }
    if GATES == 3u {
        return mat4x4(sums[0] + h * w0, sums[1] + h * w1, sums[2] + h * w2, sums[3]);
    }
    return mat4x4(sums[0] + h * w0, sums[1] + h * w1, sums[2] + h * w2, sums[3] + h * w3);
}

// The weights of a gate, or zeros if the cell has fewer gates.
fn gate_weights(gate: u32, u4: u32, k4: u32) -> mat4x4<f32> {
    if gate >= GATES {
        return mat4x4<f32>();
    }
    return unit_rows(gate, u4, k4);
}

// Computes and writes four units of a sample's step.
fn advance(sample: u32, step: u32, u4: u32, product: mat4x4<f32>) {
    let place = place_of(sample, step);
    let at = place.row * p.ld4 + u4;
    let h = state_before(place, u4);
    var next = vec4<f32>(0.0);
    if place.valid {
        next = in_columns(next_state(place, u4, product, h), 4u * u4, p.hidden);
    } else {
        save_nothing(place.row, u4);
    }
    store_y(at, next);
    keep_before(at, h);
    if place.ends {
        write_last(sample, u4, next);
        write_state(sample, 0u, u4, next);
        if STATES == 2u {
            write_state(sample, 1u, u4, last_cell(place, u4));
        }
    }
    // A sample without steps keeps its initial state.
    if step + place.length == 0u {
        write_last(sample, u4, initial_state(sample, 0u, u4));
        write_state(sample, 0u, u4, initial_state(sample, 0u, u4));
        if STATES == 2u {
            write_state(sample, 1u, u4, initial_state(sample, 1u, u4));
        }
    }
}
