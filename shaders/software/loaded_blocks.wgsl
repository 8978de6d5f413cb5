// Each invocation has its own tile, and loads all of its blocks of A.
fn own_block_of_a(row: u32, k: u32) -> mat4x4<f32> {
    return mat4x4<f32>();
}

fn block_of_a(own: mat4x4<f32>, block: u32, row: u32, k: u32) -> mat4x4<f32> {
    return loaded_block_of_a(row + 4u * block, k);
}
