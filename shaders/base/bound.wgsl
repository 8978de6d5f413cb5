// Returns `number`, hidden from Mesa's lavapipe until the shader runs. It is for numbers of the uniform block that
// bound a loop or decide a branch. Otherwise lavapipe compiles the shader again at every bind with new values, and
// keeps every result. For other compilers these are two scalar operations outside the loop. `number` is at most
// 0xf0000000; `workgroup` is the workgroup's index, or another number that depends on the invocation.
fn bound(number: u32, workgroup: u32) -> u32 {
    return min(number, workgroup | 0xf0000000u);
}
