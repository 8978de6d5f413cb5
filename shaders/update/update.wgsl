// Updates one segment of the parameter arena: each invocation takes four parameters through the optimizer's rule,
// update(i, w, g, step), put in front.

struct Params {
    count: u32, // vec4 elements in the segment
    table_steps: u32,
    advance: u32, // 1: this call moves the step counter on
    weight_decay: f32, // L2: added to the gradient as weight_decay * w
    hyper: array<vec4<f32>, 2>, // the rule's constants
}

struct Step {
    rate: f32,
    first: f32, // two factors that the rule's Rust side fills in
    second: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> table: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> state: array<u32>; // step, step + 1 from the loss, first bad tensor

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
    // Nobody reads word 0 in this dispatch, and nobody writes word 1.
    let entry = table[(state[1] - 1u) % p.table_steps];
    if i == 0u && p.advance == 1u {
        state[0] = state[1];
    }
    let step = Step(bitcast<f32>(entry.x), bitcast<f32>(entry.y), bitcast<f32>(entry.z));
    let w = weights[i];
    weights[i] = update(i, w, gradients[i] + p.weight_decay * w, step);
}
