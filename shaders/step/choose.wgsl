// Chooses the step values of an update: those of the step after all updates that were not refused. One invocation.

struct Params {
    known: u32, // number of refused updates that the host knows of
    choices: u32, // number of choices: the first is correct if no more were refused, the next if one more was, ...
    first: u32, // the word of the state where their values begin, four words per step
    values: u32, // the word where the chosen values are written
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> state: array<u32>;
@group(0) @binding(2) var<storage, read> refused: array<u32>; // word 0: refused updates

@compute @workgroup_size(1)
fn main() {
    let more = refused[0] - p.known;
    if more >= p.choices {
        // Too many updates were refused to know the step: the guard refuses this one too.
        state[2] = REFUSED_BEFORE;
        return;
    }
    for (var i = 0u; i < 4u; i++) {
        state[p.values + i] = state[p.first + 4u * more + i];
    }
}
