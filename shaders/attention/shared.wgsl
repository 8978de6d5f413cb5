// PARTS neighbouring invocations share a head of a row. Part n has the fours n, n + PARTS, n + 2 PARTS, … of the head,
// so that neighbours load neighbouring fours. Sums over the columns of a head go through workgroup memory.
//
//          four  0  1  2  3  4  5  6  7  8  9        PARTS = 4, a head of 40 columns
//          part  0  1  2  3  0  1  2  3  0  1        part 2 has the fours 2 and 6, and zeros as a third
//
// All invocations of a workgroup meet at barriers, so they go over the same keys or queries: those of any of its rows.
// Rows beyond the last repeat it and write nothing.

// Two places for each invocation, used in turns: whoever writes to one has passed a barrier since the others read it.
var<workgroup> parts: array<vec4<f32>, 2u * WORKGROUP>;

fn is_surplus(i: u32) -> bool {
    return false;
}

fn is_skipped(kept: vec4<bool>) -> bool {
    return false;
}

fn is_written(i: u32, four: u32, fours: u32) -> bool {
    return i < p.count && four < fours;
}

// The sum of the parts' numbers, in the order of the parts. Successive calls have odd and even turns.
fn whole(part: vec4<f32>, lane: u32, turn: u32) -> vec4<f32> {
    let places = turn % 2u * WORKGROUP;
    parts[places + lane] = part;
    workgroupBarrier();
    let first = places + lane / PARTS * PARTS;
    var sum = parts[first];
    for (var n = 1u; n < PARTS; n++) {
        sum += parts[first + n];
    }
    return sum;
}

// The least and the greatest position of a workgroup's rows in a sequence of this length. If they are rows of several
// heads: any position.
fn positions_of(workgroup: u32, length: u32) -> vec2<u32> {
    let first = workgroup * ROWS;
    let last = min(first + ROWS, p.count) - 1u;
    let is_one = first / length == last / length;
    return select(vec2<u32>(0u, length - 1u), vec2<u32>(first % length, last % length), is_one);
}

// A number of keys or queries, or 0 in surplus workgroups.
fn unless_surplus(count: u32, workgroup: u32) -> u32 {
    return select(0u, bound(count, workgroup), workgroup * ROWS < p.count);
}

fn last_key(end: u32, workgroup: u32) -> u32 {
    return unless_surplus(keys_of(positions_of(workgroup, p.queries).y), workgroup);
}

fn first_query(start: u32, workgroup: u32) -> u32 {
    return queries_before(positions_of(workgroup, p.keys).x);
}

fn last_query(end: u32, workgroup: u32) -> u32 {
    return unless_surplus(p.queries, workgroup);
}

fn own_queries(query: u32, start: u32, end: u32) -> vec4<bool> {
    let queries = vec4<u32>(query) + vec4<u32>(0u, 1u, 2u, 3u);
    return select(vec4<bool>(false), (queries < vec4<u32>(end)), (queries >= vec4<u32>(start)));
}

// A four of a query's row, which may be anything where a key does not belong to the query, so it is not multiplied by 0.
fn if_own(value: vec4<f32>, is_own: bool) -> vec4<f32> {
    return select(vec4<f32>(0.0), value, is_own);
}
