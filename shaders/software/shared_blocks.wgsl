// The lanes of a subgroup exchange their blocks of A.
fn own_block_of_a(row: u32, k: u32) -> mat4x4<f32> {
    return loaded_block_of_a(row, k);
}

fn block_of_a(own: mat4x4<f32>, lane: u32, row: u32, k: u32) -> mat4x4<f32> {
    return mat4x4(subgroupShuffle(own[0], lane), subgroupShuffle(own[1], lane), subgroupShuffle(own[2], lane),
        subgroupShuffle(own[3], lane));
}
