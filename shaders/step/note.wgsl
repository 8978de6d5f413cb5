// Records in the refused words of a tensor or an optimizer state that a call was refused, if its guard is set. One
// invocation.


@compute @workgroup_size(1)
fn main() {
    let guard = state[FIRST_NON_FINITE];
    if guard != ALL_FINITE {
        let count = refused[REFUSED_CALLS];
        if count == p.reported {
            refused[REFUSED_FIRST] = p.call;
            refused[REFUSED_GUARD] = guard;
        }
        refused[REFUSED_CALLS] = count + 1u;
    }
}
