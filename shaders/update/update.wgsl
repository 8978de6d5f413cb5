// Updates one segment of the parameter arena: each invocation takes ELEMENTS chunks of four or eight parameters through
// the optimizer's rule, update(old, gradient, step), and keeps what comes of it: keep(i, a, b). The rule, how a chunk
// lies in memory, clipping, the factors of parameter groups, and the state are put in front, keep behind.

struct Params {
    count: u32, // chunks in the segment
    increment_step: u32, // 1: this call increments the step counter
    weight_decay: f32, // L2: added to the gradient as weight_decay * w
    l1: f32, // added as l1 * sign(w)
    decoupled: f32, // weight decay that the rule takes from the weights directly
    clip: f32, // greatest magnitude, or norm, of a gradient
    clip_epsilon: f32,
    parts: u32, // partial sums of squared gradients in a step's place of their ring,
    ring_steps: u32, // which has so many places
    first_id: u32, // a dry run's number of the segment's first block
    test: u32, // 1: this pass of a tensor call only tests the result
    pad0: u32,
    hyper: array<vec4<f32>, 2>, // the rule's constants
}

struct Step {
    rate: f32,
    first: f32, // three factors that the rule's Rust side fills in
    second: f32,
    third: f32,
    decay: f32, // decoupled weight decay
}

// Four parameters with their moments; those from MOMENTS on have no meaning.
struct Four {
    w: vec4<f32>,
    first: vec4<f32>,
    second: vec4<f32>,
    third: vec4<f32>,
}

@group(0) @binding(0) var<uniform> params: Params;
// Their copy, made first of all: what is loaded behind a branch, software adapters load lane by lane.
var<private> p: Params;
@group(0) @binding(1) var<storage, read_write> weights: array<Chunk>;
@group(0) @binding(2) var<storage, read> gradients: array<Chunk>;
@group(0) @binding(4) var<storage, read_write> state: State;

fn changed(old: Four, gradient: vec4<f32>, by: vec4<f32>, step: Step, clip: vec2<f32>) -> Four {
    let g = clipped(gradient, clip) + p.weight_decay * by.y * old.w + p.l1 * by.z * sign(old.w);
    return update(old, g, step);
}

fn change(i: u32, values: vec4<f32>, clip: vec2<f32>) {
    if i >= p.count {
        return;
    }
    let by = factors_of(i);
    // A rate of 0 freezes: nothing is written, whatever the gradient holds.
    if GROUPED && by.x == 0.0 {
        return;
    }
    let of_step = scaled(values, by.x);
    let step = Step(of_step.x, of_step.y, of_step.z, of_step.w, p.decoupled * by.w);
    let weight = weights[i];
    let gradient = gradients[i];
    var first: Chunk;
    var second: Chunk;
    var third: Chunk;
    if MOMENTS > 0u {
        first = moment(0u, i);
    }
    if MOMENTS > 1u {
        second = moment(1u, i);
    }
    if MOMENTS > 2u {
        third = moment(2u, i);
    }
    let a = changed(Four(low(weight), low(first), low(second), low(third)), low(gradient), by, step, clip);
    var b = a;
    if FOURS > 1u {
        b = changed(Four(high(weight), high(first), high(second), high(third)), high(gradient), by, step, clip);
    }
    keep(i, a, b);
}

fn run(workgroup: u32, lane: u32) {
    p = params;
    let clip = clip_factor(lane);
    // Once a tensor was not finite, this and all later steps change nothing.
    if is_stopped() {
        return;
    }
    // Nobody reads the step in this dispatch, and nobody writes the next.
    let values = state.values;
    let first = workgroup * WORKGROUP * ELEMENTS + lane;
    if first == 0u && bound(p.increment_step, workgroup) == 1u {
        state.step = state.next;
    }
    for (var k = 0u; k < ELEMENTS; k++) {
        change(first + k * WORKGROUP, values, clip);
    }
}
