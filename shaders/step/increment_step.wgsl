// Increments the step counter in evaluation, which has no optimizer update. One invocation.

@compute @workgroup_size(1)
fn main() {
    state[STEP] = state[NEXT_STEP];
}
