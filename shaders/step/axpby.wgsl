// Combines a flat region x with another, out, in one of three modes (MODE). Each invocation computes one vec4 and
// stores it by keep(i, value), which the host prepends.

// MODE 0: x; out is not read.
const SUM = 1u; // out + add * x
const AVERAGE = 2u; // out + add * (x - out)

// The difference of the halves of two numbers never overflows. An average equal to the new value keeps its bits.
fn average(old: vec4<f32>, next: vec4<f32>) -> vec4<f32> {
    let step = p.add * (0.5 * next - 0.5 * old);
    let sum = (old + step) + step;
    let between = keep_nan(sum, clamp(sum, min(old, next), max(old, next)));
    return select(between, next, old == next);
}

fn axpby(i: u32) -> vec4<f32> {
    if MODE == SUM {
        return load_out(i) + p.add * load_x(i);
    }
    if MODE == AVERAGE {
        return average(load_out(i), load_x(i));
    }
    return load_x(i);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    // After a tensor was not finite, this and all later steps change nothing.
    if i >= p.count || is_stopped() {
        return;
    }
    keep(i, axpby(i));
}
