// y = x * scale where the element's random word is at least the threshold, x * 0 elsewhere.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    if i >= p.count {
        return;
    }
    let words = random_words(key_at(vec2<u32>(p.key0, p.key1), state[STEP_HIGH]), state[STEP], i);
    let factor = select(vec4<f32>(0.0), vec4<f32>(p.scale), words >= vec4<u32>(p.threshold));
    store_y(i, in_columns(load_x(i) * factor, i % p.ld4 * 4u, p.cols));
}
