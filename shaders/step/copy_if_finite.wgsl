// current = next, unless a tensor of the step is not finite. Each invocation copies one vec4.

struct Params {
    count: u32, // number of vec4 elements
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> next: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: array<u32>; // word 2: first tensor that is not finite
@group(0) @binding(3) var<storage, read_write> current: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    if i < p.count && state[2] == 0xffffffffu {
        current[i] = next[i];
    }
}
