// A convolution in groups of any size, depthwise ones among them. An invocation computes four pixels at four columns,
// each of which reads the channels of its own group.
//
// The host prepends TRANSPOSED, STRIDED, WORKGROUP, BLOCKED and `fn store`.

// sums[i] += x[pixel i] ⊙ weights, where each column reads its own channel.
fn with_products(sums: mat4x4<f32>, at: vec4<u32>, channels: vec4<u32>, weights: vec4<f32>) -> mat4x4<f32> {
    let x = transpose(mat4x4<f32>(load(at, channels.x), load(at, channels.y), load(at, channels.z),
        load(at, channels.w)));
    return sums + mat4x4<f32>(x[0] * weights, x[1] * weights, x[2] * weights, x[3] * weights);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    p = params;
    let number = group.x + group.y * groups.x;
    let i = number * WORKGROUP + local;
    // Neighbouring invocations compute neighbouring columns of the same pixels.
    let quads = (p.n + 3u) / 4u;
    let row = i / quads * 4u;
    let col = i % quads * 4u;
    if row >= p.m {
        return;
    }
    let pixels = pixels_of(min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.m - 1u)));
    let cols = min(vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.n - 1u));
    let channels = vec4<u32>(first_channel(cols.x), first_channel(cols.y), first_channel(cols.z),
        first_channel(cols.w));
    let places = vec4<u32>(weight_place(cols.x), weight_place(cols.y), weight_place(cols.z), weight_place(cols.w));
    let taps_h = bound(p.kernel_h, number);
    let taps_w = bound(p.kernel_w, number);
    let depth = bound(select(p.group_channels, p.group_outputs, TRANSPOSED), number);
    var sums: mat4x4<f32>;
    var total: mat4x4<f32>;
    var groups_total: mat4x4<f32>;
    var terms = 0u;
    var tap = 0u;
    for (var kh = 0u; kh < taps_h; kh++) {
        let y = under_h(pixels.y, kh);
        for (var kw = 0u; kw < taps_w; kw++) {
            let at = place_of(pixels.sample, y, under_w(pixels.x, kw));
            for (var c = 0u; c < depth; c++) {
                let w = places + vec4<u32>(tap + c * channel_step());
                let weights = vec4<f32>(load_weight(w.x), load_weight(w.y), load_weight(w.z), load_weight(w.w));
                sums = with_products(sums, at, channels + vec4<u32>(c), weights);
                terms++;
                if BLOCKED && terms % 128u == 0u {
                    total += sums;
                    sums = mat4x4<f32>();
                    if terms % 8192u == 0u {
                        groups_total += total;
                        total = mat4x4<f32>();
                    }
                }
            }
            tap += tap_step();
        }
    }
    if BLOCKED {
        sums += total + groups_total;
    }
    for (var pixel = 0u; pixel < 4u; pixel++) {
        if row + pixel < p.m {
            store(row + pixel, col, sums[pixel]);
        }
    }
    finished();
}
