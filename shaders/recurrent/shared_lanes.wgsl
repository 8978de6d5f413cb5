// The value of another lane of the subgroup.
fn of_lane(own: vec4<f32>, lane: u32) -> vec4<f32> {
    return subgroupShuffle(own, lane);
}
