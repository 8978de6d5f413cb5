// The same tree as in tree.wgsl, over subgroups of SUBGROUP invocations, which all exist: WORKGROUP is a multiple.

// The place in the workgroup goes by subgroups, since nothing says that the local index runs through them in order.
@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    run(group.x + group.y * groups.x, subgroup * SUBGROUP + lane);
}

var<workgroup> of_subgroups: array<Value, WORKGROUP / SUBGROUP>;

// Joins the values of all invocations, neighbours first. The whole workgroup calls this.
fn reduce(value: Value, maximum: bool, index: u32) -> Value {
    // Of `count` values that are left, every invocation has number index % count.
    var joined = value;
    var count = WORKGROUP;
    loop {
        // Both lanes of a pair join the same two values, so they have the same bits, and in the end all lanes do.
        for (var apart = 1u; apart < min(count, SUBGROUP); apart *= 2u) {
            joined = join(joined, subgroupShuffleXor(joined, apart), maximum);
        }
        if count <= SUBGROUP {
            break;
        }
        count /= SUBGROUP;
        workgroupBarrier(); // what was here is read
        if index % SUBGROUP == 0u && index / SUBGROUP < count {
            of_subgroups[index / SUBGROUP] = joined;
        }
        workgroupBarrier();
        joined = of_subgroups[index % count];
    }
    return joined;
}
