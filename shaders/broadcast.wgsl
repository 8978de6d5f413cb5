// The value that another lane of the subgroup holds.
fn broadcast(value: vec4<f32>, lane: u32) -> vec4<f32> {
    return subgroupShuffle(value, lane);
}
