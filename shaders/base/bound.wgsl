// A number that bounds a loop or decides a branch and comes from the uniform block alone: the same number, but not one
// that Mesa's lavapipe can know before it runs the shader. Else lavapipe compiles the shader again for each value of
// the block, at every bind, and keeps what it compiled. Other compilers see two scalar operations outside the loop.
// `number` is at most 0xf0000000; `workgroup` is the number of the workgroup, or another that depends on the
// invocation.
fn bound(number: u32, workgroup: u32) -> u32 {
    return min(number, workgroup | 0xf0000000u);
}
