// Attention over heads that are column slices of matrices. A slice is described by four numbers: floats of a row, first
// column, columns of the matrix, 0. Heads are read as fours of floats; columns beyond a head's last are zeros.

// The most negative number: the maximum of no scores.
const LOWEST = -0x1.fffffep+127f;

// A head of one row of a sample.
struct Place {
    sample: u32,
    head: u32,
    // Position in the sequence.
    position: u32,
}

// The place of a row of a head. Neighbours have the same head, and so load the same keys or queries.
fn place_of(i: u32, length: u32) -> Place {
    return Place(i / length / p.heads, i / length % p.heads, i % length);
}

// The first float of a head in a row of a matrix.
fn head_start(row: u32, slice: vec4<u32>, head: u32, width: u32) -> u32 {
    return row * slice.x + slice.y + head * width;
}

// The same for four positions of a sample, from `position` on; those beyond the length repeat the last.
fn head_starts(place: Place, position: u32, length: u32, slice: vec4<u32>, width: u32) -> vec4<u32> {
    let positions = min(vec4<u32>(position) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(length - 1u));
    let rows = vec4<u32>(place.sample * length) + positions;
    return rows * slice.x + vec4<u32>(slice.y + place.head * width);
}

// The columns behind a head that are the matrix's padding: those of the last head of the last slice.
fn padding_of(slice: vec4<u32>, head: u32, width: u32) -> u32 {
    let is_last = head + 1u == p.heads && slice.y + p.heads * width == slice.z;
    return select(0u, slice.x - slice.z, is_last);
}

// The number of keys that a query may see, and the number of queries that may not see a key: the causal mask.
fn keys_of(query: u32) -> u32 {
    return select(p.keys, min(p.keys, query + p.past + 1u), CAUSAL == 1u);
}

fn queries_before(key: u32) -> u32 {
    return select(0u, max(key, p.past) - p.past, CAUSAL == 1u);
}

// The statistics of a head of a row of q. With dropout (DROPOUT is 1) the step follows those of the last head.
fn statistics_at(row: u32, head: u32) -> u32 {
    return row * (p.heads + DROPOUT) + head;
}

// The row of a query of a head in the matrix of all weights.
fn weights_row(place: Place, query: u32) -> u32 {
    return (place.sample * p.heads + place.head) * p.queries + query;
}

// The number of the n-th four of a head that an invocation has.
fn own_four(n: u32, part: u32) -> u32 {
    return n * PARTS + part;
}

// Sums of more than 1024 fours of keys or queries (LONG) are cut into blocks of 256 fours: a block's sums are added to
// totals, which first shrink by a factor, and start anew. Without blocks the totals are not used.
const BLOCK_TERMS = 1024u;

fn is_end_of_block(fours: u32) -> bool {
    return LONG == 1u && fours % (BLOCK_TERMS / 4u) == 0u;
}

fn add_values(
    sums: ptr<function, array<vec4<f32>, OWN_VALUE4>>,
    totals: ptr<function, array<vec4<f32>, VALUE_TOTALS>>,
    shrink: f32,
) {
    for (var j = 0u; j < VALUE_TOTALS; j++) {
        (*totals)[j] = (*totals)[j] * shrink + (*sums)[j];
        (*sums)[j] = vec4<f32>(0.0);
    }
}

fn add_keys(sums: ptr<function, array<vec4<f32>, OWN4>>, totals: ptr<function, array<vec4<f32>, KEY_TOTALS>>) {
    for (var j = 0u; j < KEY_TOTALS; j++) {
        (*totals)[j] += (*sums)[j];
        (*sums)[j] = vec4<f32>(0.0);
    }
}
