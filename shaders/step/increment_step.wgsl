// Increments the step counter in evaluation, which has no optimizer update. One invocation.

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> state: array<u32>; // step, step + 1 from the loss

@compute @workgroup_size(1)
fn main() {
    state[0] = state[1];
}
