// Stores the chunk's new values. Sets the care word for the next steps if a value exceeds the input bounds of an
// ordinary update: weights above 2^50, and the moment that may grow as fast (WATCHED: the first or the second).

fn is_wild(four: Four) -> bool {
    return exceeds(four.w, BOUND)
        || (WATCHED == 1u && exceeds(four.first, BOUND))
        || (WATCHED == 2u && exceeds(four.second, BOUND));
}

fn keep(i: u32, a: Four, b: Four) {
    store_weights(i, chunk_of(a.w, b.w));
    if MOMENTS > 0u {
        store_moment(0u, i, chunk_of(a.first, b.first));
    }
    if MOMENTS > 1u {
        store_moment(1u, i, chunk_of(a.second, b.second));
    }
    if MOMENTS > 2u {
        store_moment(2u, i, chunk_of(a.third, b.third));
    }
    if is_wild(a) || (FOURS > 1u && is_wild(b)) {
        atomicStore(&state.care, 1u);
    }
}
