// Cascade sum, whose rounding error grows like log n: every 16 values of a level become one value of the next. A leaf
// is the sum of up to 8 terms, paired: ((a + b) + (c + d)) + ((e + f) + (g + h)). See src/kernel/base/cascade.rs for
// the bound.
//
//     var sum = Cascade();
//     for (; i + 7u * step < end; i += 8u * step) { cascade_add(&sum, eight(t(i), t(i + step), …)); }
//     for (; i < end; i += step) { rest += t(i); }
//     total = cascade_total(sum, rest);

struct Cascade {
    leaves: u32, // number of leaves so far
    level0: vec4<f32>,
    level1: vec4<f32>,
    level2: vec4<f32>,
    level3: vec4<f32>, // the last level: a running sum, of 16 values for up to 2^19 terms of one invocation
}

fn cascade_add(sum: ptr<function, Cascade>, leaf: vec4<f32>) {
    let leaves = (*sum).leaves + 1u;
    (*sum).leaves = leaves;
    (*sum).level0 += leaf;
    if (leaves & 0xfu) == 0u {
        (*sum).level1 += (*sum).level0;
        (*sum).level0 = vec4<f32>(0.0);
        if (leaves & 0xffu) == 0u {
            (*sum).level2 += (*sum).level1;
            (*sum).level1 = vec4<f32>(0.0);
            if (leaves & 0xfffu) == 0u {
                (*sum).level3 += (*sum).level2;
                (*sum).level2 = vec4<f32>(0.0);
            }
        }
    }
}

// `rest` is the sum of the at most 7 terms that do not fill a leaf.
fn cascade_total(sum: Cascade, rest: vec4<f32>) -> vec4<f32> {
    return ((rest + sum.level0) + sum.level1) + (sum.level2 + sum.level3);
}

fn eight(
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
    f: vec4<f32>,
    g: vec4<f32>,
    h: vec4<f32>,
) -> vec4<f32> {
    return ((a + b) + (c + d)) + ((e + f) + (g + h));
}
