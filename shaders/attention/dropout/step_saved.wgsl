// The step of the forward pass, as its low and high word, which the statistics hold in halves.
fn step_of(row: u32) -> vec2<u32> {
    let halves = vec4<u32>(load_statistics(statistics_at(row, p.heads)));
    return halves.xz | (halves.yw << vec2<u32>(16u));
}
