// Chooses the step values of an update: those of the step after all updates that were not refused. One invocation.

@compute @workgroup_size(1)
fn main() {
    let more = refused[REFUSED_CALLS] - p.known;
    if more >= p.choices {
        // Too many updates were refused to know the step: the guard refuses this one too.
        state[FIRST_NON_FINITE] = REFUSED_BEFORE;
        return;
    }
    for (var i = 0u; i < 4u; i++) {
        state[VALUES + i] = state[STATE_WORDS + 4u * more + i];
    }
}
