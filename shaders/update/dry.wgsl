// Stores nothing: sets the guard to the number of the first block of 64 parameters that would not be finite.

fn is_any_wild(four: Four) -> bool {
    return exceeds(four.w, BOUND)
        || (MOMENTS > 0u && exceeds(four.first, BOUND))
        || (MOMENTS > 1u && exceeds(four.second, BOUND))
        || (MOMENTS > 2u && exceeds(four.third, BOUND));
}

fn is_any_lost(four: Four) -> bool {
    return is_lost(four.w)
        || (MOMENTS > 0u && is_lost(four.first))
        || (MOMENTS > 1u && is_lost(four.second))
        || (MOMENTS > 2u && is_lost(four.third));
}

fn keep(i: u32, a: Four, b: Four) {
    if is_any_wild(a) || (FOURS > 1u && is_any_wild(b)) {
        atomicStore(&state.care, 1u);
    }
    if is_any_lost(a) || (FOURS > 1u && is_any_lost(b)) {
        atomicMin(&state.first_non_finite, p.first_id + i * FOURS / (BLOCK / 4u));
    }
}
