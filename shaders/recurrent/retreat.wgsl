// Four gate gradients of the step after a place, the factors of the recurrent weights.
fn gates_after(place: Place, k4: u32) -> vec4<f32> {
    return where_valid(gates_at(row_after(place), k4), place.valid & !place.ends);
}

// Computes and writes the gradients of the gates of four units of a sample's step. `product` is dz₊₁·W.
fn retreat(sample: u32, step: u32, u4: u32, product: vec4<f32>) {
    let place = place_of(sample, step);
    if place.valid {
        var dh = output_gradient(place.row * p.ld4 + u4);
        if place.ends {
            dh += last_gradient(sample, u4) + state_gradient(sample, 0u, u4);
        } else {
            dh += product + carried(sample, u4);
        }
        backward(place, u4, dh);
    } else {
        backward_nothing(place, u4);
    }
}
