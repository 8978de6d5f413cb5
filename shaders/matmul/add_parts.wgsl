// Adds `count` parts of `size` vec4 each, which lie one after another in `workspace`. Each round adds groups of four
// parts, in a fixed order, until the sum replaces the first part. The whole workgroup of `lanes` invocations calls this
// function after each has written its share. Invocation i % lanes writes element i of the sum, and may read it
// immediately.
fn add_parts(size: u32, count: u32, lane: u32, lanes: u32) {
    for (var left = count; left > 1u;) {
        let kept = max(left / 4u, 1u);
        workgroupBarrier();
        for (var i = lane; i < kept * size; i += lanes) {
            var sum = workspace[i];
            for (var part = kept; part < left; part += kept) {
                sum += workspace[i + part * size];
            }
            workspace[i] = sum;
        }
        left = kept;
    }
}
