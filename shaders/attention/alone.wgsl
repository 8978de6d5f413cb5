// Each invocation computes a head of a row by itself (PARTS is 1), to the end of its own keys or queries.

fn is_surplus(i: u32) -> bool {
    return i >= p.count;
}

// Whether nothing is computed for four keys.
fn is_skipped(kept: vec4<bool>) -> bool {
    return !any(kept);
}

// Whether an invocation writes this four of a row: there are so many.
fn is_written(i: u32, four: u32, fours: u32) -> bool {
    return true;
}

// The sum of the parts' numbers.
fn whole(part: vec4<f32>, lane: u32, turn: u32) -> vec4<f32> {
    return part;
}

// Where the loop over keys ends for an invocation whose own keys end here.
fn last_key(end: u32, workgroup: u32) -> u32 {
    return end;
}

// Where the loop over queries starts and ends for an invocation whose own queries start and end here.
fn first_query(start: u32, workgroup: u32) -> u32 {
    return start;
}

fn last_query(end: u32, workgroup: u32) -> u32 {
    return end;
}

// Which of four queries of the loop are an invocation's own.
fn own_queries(query: u32, start: u32, end: u32) -> vec4<bool> {
    return vec4<u32>(query) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end);
}

// A four of a query's row. The only queries that are not a key's own repeat the last one, which is.
fn if_own(value: vec4<f32>, is_own: bool) -> vec4<f32> {
    return value;
}
