// The guard of a tensor call, which runs twice: a pass that tests its results, and one that writes them if all are
// finite. The guard encodes the first result that is not finite: 16 * index of its vec4 + 4 * role + component.
// guard/probe.wgsl precedes this piece.

fn test(value: vec4<f32>, at: u32, role: u32) {
    let lost = (bitcast<vec4<u32>>(value) & vec4<u32>(0x7fffffffu)) > vec4<u32>(MAX_FINITE);
    if any(lost) {
        let component = select(select(select(3u, 2u, lost.z), 1u, lost.y), 0u, lost.x);
        atomicMin(&state.first_non_finite, (at << 4u) | (role << 2u) | component);
    }
}

fn is_refused() -> bool {
    return atomicLoad(&state.first_non_finite) != ALL_FINITE;
}
