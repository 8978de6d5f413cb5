// A stack of products C[i] = A[i]·B[i]. Consecutive workgroups compute the tiles of C[0], then those of C[1], and so on:
//
//   workgroup:   0 … tiles-1 │ tiles … 2·tiles-1 │ …
//   matrix:           0      │         1         │ …
//
// A product's kernel computes one matrix. Its indices start at the first vec4 of its own A, B and C, which the accessors
// below add.

// Index of the first vec4 of this workgroup's A, B and C.
var<private> first: vec3<u32>;

// Selects the workgroup's matrices, and returns the number of its tile. It is past the last tile in a surplus workgroup.
fn own_tile(number: u32) -> u32 {
    let matrix = min(number / params.tiles, params.matrices - 1u);
    let place = vec2(matrix / params.inner, matrix % params.inner);
    first = vec3(
        params.starts.x + place.x * params.steps_a.x + place.y * params.steps_a.y,
        params.starts.y + place.x * params.steps_b.x + place.y * params.steps_b.y,
        matrix * params.m * params.ldc,
    );
    return min(number - matrix * params.tiles, params.tiles);
}

// The rows of an operand may lie in longer rows, so that kernels which clamp to whole rows could read past the operand.
fn load_a(i: u32) -> vec4<f32> {
    return load_all_a(first.x + min(i, p.ends.x));
}

fn load_b(i: u32) -> vec4<f32> {
    return load_all_b(first.y + min(i, p.ends.y));
}

fn load_out(i: u32) -> vec4<f32> {
    return load_all_out(first.z + i);
}

fn store_out(i: u32, value: vec4<f32>) {
    store_all_out(first.z + i, value);
}
