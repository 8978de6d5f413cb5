// Updates one segment of the parameter arena: each invocation applies the optimizer's rule, update(old, gradient,
// step), to ELEMENTS chunks of four or eight parameters, and passes the results to keep(i, a, b). The host prepends the
// rule, the layout of a chunk, clipping, the factors of parameter groups and the state, and appends keep.

struct Step {
    rate: f32,
    first: f32, // three factors that the rule's Rust side computes
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

fn changed(old: Four, gradient: vec4<f32>, by: vec4<f32>, step: Step, clip: vec2<f32>) -> Four {
    let g = clipped(gradient, clip) + p.weight_decay * by.y * old.w + p.l1 * by.z * sign(old.w);
    return update(old, g, step);
}

fn change(i: u32, values: vec4<f32>, clip: vec2<f32>) {
    if i >= p.count {
        return;
    }
    let by = factors_of(i);
    // A rate of 0 freezes the block: nothing is written, for any gradient.
    if GROUPED && by.x == 0.0 {
        return;
    }
    let of_step = scaled(values, by.x);
    let step = Step(of_step.x, of_step.y, of_step.z, of_step.w, p.decoupled * by.w);
    let weight = load_weights(i);
    let gradient = load_gradients(i);
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
    // After a tensor was not finite, this and all later steps change nothing.
    if is_stopped() {
        return;
    }
    // No invocation reads the step in this dispatch, and none writes the next step.
    let values = state.values;
    let first = workgroup * WORKGROUP * ELEMENTS + lane;
    if first == 0u && bound(p.increment_step, workgroup) == 1u {
        state.step = state.next_step;
    }
    for (var k = 0u; k < ELEMENTS; k++) {
        change(first + k * WORKGROUP, values, clip);
    }
}
