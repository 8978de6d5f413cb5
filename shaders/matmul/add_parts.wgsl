// Adds `count` parts of `size` vec4 each, which lie one after the other in `workspace`: four and four of them, always
// the same ones, until the sum lies where the first part was. The whole workgroup of `lanes` invocations calls this
// when each has written its share; element i of the sum is then written by invocation i % lanes, so that one may read
// it at once.
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
