// Four gate gradients of the first step of a sample, the factors of the recurrent weights.
fn gates_after(place: Place, k4: u32) -> vec4<f32> {
    let time = select(0u, max(place.length, 1u) - 1u, REVERSED == 1u);
    return where_valid(gates_at(place.sample * p.steps + time, k4), place.length > 0u);
}

// Computes and writes the gradient of four units of the initial state, and copies the units' share of the input, with
// zeros past the lengths, if there is one. `product` is dz·W of the first step.
fn retreat(sample: u32, step: u32, u4: u32, product: vec4<f32>) {
    let at = sample * STATES * p.ld4 + u4;
    let place = place_of(sample, 0u);
    var dh = product + carried(sample, u4);
    if place.length == 0u {
        dh = last_gradient(sample, u4) + state_gradient(sample, 0u, u4);
    }
    store_dinitial(at, in_columns(dh, 4u * u4, p.hidden));
    if STATES == 2u {
        store_dinitial(at + p.ld4, initial_cell_gradient(place, u4));
    }
    copy_valid(place, u4);
}
