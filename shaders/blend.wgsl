// out = keep * out + add * x over a flat region, or add * x where nothing is kept: each invocation writes one vec4.

struct Params {
    count: u32, // vec4 elements in the region
    advance: u32, // 1: this call moves the step counter on
    keep: f32,
    add: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> state: array<u32>; // step, step + 1 from the loss, first bad tensor

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    // Once a tensor was not finite, this and all later steps change nothing.
    if i >= p.count || state[2] != 0xffffffffu {
        return;
    }
    if i == 0u && bound(p.advance, i) == 1u {
        state[0] = state[1];
    }
    if KEEP == 1u {
        out[i] = p.keep * out[i] + p.add * x[i];
    } else {
        out[i] = p.add * x[i];
    }
}
