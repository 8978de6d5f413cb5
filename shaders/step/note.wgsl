// Records in the refused words of a tensor or an optimizer state that a call was refused, if its guard is set. One
// invocation.

struct Params {
    call: u32, // number of the call
    reported: u32, // number of refused calls that the host has reported
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>; // word 2: what is not finite, or all ones
// Total number of refused calls; number of the first unreported refused call; its guard.
@group(0) @binding(2) var<storage, read_write> refused: array<u32>;

@compute @workgroup_size(1)
fn main() {
    let guard = state[2];
    if guard != 0xffffffffu {
        let count = refused[0];
        if count == p.reported {
            refused[1] = p.call;
            refused[2] = guard;
        }
        refused[0] = count + 1u;
    }
}
