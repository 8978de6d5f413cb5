// The same tree as in tree.wgsl, over subgroups of SUBGROUP invocations. All subgroups are full: WORKGROUP is a
// multiple of SUBGROUP.

// The index in the workgroup is computed from the subgroup, since the local index need not follow the order of
// subgroups.
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
    // `count` values remain; every invocation holds value index % count.
    var joined = value;
    var count = WORKGROUP;
    loop {
        // Both lanes of a pair join the same two values, so both get the same bits, and at the end all lanes do.
        for (var apart = 1u; apart < min(count, SUBGROUP); apart *= 2u) {
            joined = join(joined, subgroupShuffleXor(joined, apart), maximum);
        }
        if count <= SUBGROUP {
            break;
        }
        count /= SUBGROUP;
        workgroupBarrier(); // the previous contents have been read
        if index % SUBGROUP == 0u && index / SUBGROUP < count {
            of_subgroups[index / SUBGROUP] = joined;
        }
        workgroupBarrier();
        joined = of_subgroups[index % count];
    }
    return joined;
}
