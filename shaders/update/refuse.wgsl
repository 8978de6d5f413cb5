// A tensor call: the first pass tests the chunk's new values, the second stores them unless the first set the guard.
// Both passes run this shader, so both round equally.

fn test_four(four: Four, at: u32) {
    test(four.w, at, 0u);
    if MOMENTS > 0u {
        test(four.first, at, 1u);
    }
    if MOMENTS > 1u {
        test(four.second, at, 2u);
    }
    if MOMENTS > 2u {
        test(four.third, at, 3u);
    }
}

fn keep(i: u32, a: Four, b: Four) {
    if bound(p.test, i) == 1u {
        test_four(a, i * FOURS);
        if FOURS > 1u {
            test_four(b, i * FOURS + 1u);
        }
        return;
    }
    if is_refused() {
        return;
    }
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
}
