// Node i of the tree is the parent of nodes 2i and 2i + 1. The root is node 1; the leaves are the invocations.
var<workgroup> nodes: array<Value, 2u * WORKGROUP>;

// Joins the values of all invocations, neighbours first. The whole workgroup calls this.
fn reduce(value: Value, maximum: bool, index: u32) -> Value {
    nodes[WORKGROUP + index] = value;
    for (var level = WORKGROUP / 2u; level > 0u; level /= 2u) {
        workgroupBarrier();
        if index < level {
            let node = level + index;
            nodes[node] = join(nodes[2u * node], nodes[2u * node + 1u], maximum);
        }
    }
    // The next call may write leaves immediately, since all reads of leaves are done. It writes the root after another
    // barrier.
    workgroupBarrier();
    return nodes[1];
}
