// Updates one segment of the parameter arena: each invocation takes four parameters through the optimizer's rule,
// update(i, w, g, step), put in front.

struct Params {
    count: u32, // vec4 elements in the segment
    table_steps: u32,
    advance: u32, // 1: this call moves the step counter on
    weight_decay: f32, // L2: added to the gradient as weight_decay * w
    l1: f32, // added as l1 * sign(w)
    hyper: array<vec4<f32>, 2>, // the rule's constants
}

struct Step {
    rate: f32,
    first: f32, // three factors that the rule's Rust side fills in
    second: f32,
    third: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> table: array<vec4<u32>>; // two to a step
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
    let place = 2u * ((state[1] - 1u) % p.table_steps);
    let entry = bitcast<vec4<f32>>(table[place]);
    let more = bitcast<vec4<f32>>(table[place + 1u]);
    if i == 0u && p.advance == 1u {
        state[0] = state[1];
    }
    let step = Step(entry.x, entry.y, entry.z, more.x);
    let w = weights[i];
    weights[i] = update(i, w, gradients[i] + p.weight_decay * w + p.l1 * sign(w), step);
}
