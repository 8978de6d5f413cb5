// Gathers a mini-batch of randomly moved images. PARTS workgroups share a sample. Each draws the sample's motion and
// control points into workgroup memory. Then each invocation computes four neighbouring pixels at a time.

const CENTRE = vec2<f32>(f32(WIDTH - 1u), f32(HEIGHT - 1u)) * 0.5;
const SIZE = vec2<f32>(f32(WIDTH), f32(HEIGHT));

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let workgroup = group.x + group.y * groups.x;
    let row = workgroup / PARTS;
    if row >= p.rows {
        return;
    }
    let step = state[STEP / 4u][STEP % 4u];
    let key = key_at(vec2<u32>(p.key0, p.key1), state[STEP_HIGH / 4u][STEP_HIGH % 4u]);
    for (var i = lane; i < PAIRS; i += WORKGROUP) {
        draw(i, threefry(key, vec2<u32>(step, row * PAIRS + i)));
    }
    workgroupBarrier();

    // While the guard stops the step counter, the entry may belong to a shorter batch: stay within the indices.
    let entry = step % p.table_steps * (ENTRY_WORDS / 4u);
    let position = table[entry + ENTRY_OFFSET / 4u][ENTRY_OFFSET % 4u] + row;
    let sample = indices[min(position, p.samples - 1u)];
    let start4 = sample * p.ld4;
    let first = workgroup % PARTS * WORKGROUP + lane;
    for (var col4 = first; col4 < p.ld4; col4 += PARTS * WORKGROUP) {
        let i = col4 * 4u;
        let values = vec4<f32>(moved(start4, i), moved(start4, i + 1u), moved(start4, i + 2u), moved(start4, i + 3u));
        store_x(row * p.ld4 + col4, in_columns((values * p.unit - p.centre) * p.scale, i, p.cols));
    }
    copy_labels(row, sample, first, PARTS * WORKGROUP);
    if workgroup == 0u && lane == 0u {
        state[VALUES / 4u] = table[entry + ENTRY_VALUES / 4u]; // for the update
    }
}

// Value i of the moved sample, [HEIGHT, WIDTH, CHANNELS]: interpolated bilinearly at the source place of its pixel. The
// padding of a row counts as the first values again; its results are not kept.
fn moved(start4: u32, i: u32) -> f32 {
    let pixel = i / CHANNELS % (WIDTH * HEIGHT);
    let channel = i % CHANNELS;
    let to = vec2<u32>(pixel % WIDTH, pixel / WIDTH);
    let r = vec2<f32>(to) - CENTRE - offset;
    let turned = vec2<f32>(r.x * turn.x + r.y * turn.y, r.y * turn.x - r.x * turn.y);
    let place = CENTRE + turned * inverse_scale + displacement(to.x, to.y);
    // Places one pixel outside the image or further are background.
    let near = clamp(place, vec2<f32>(-1.0), SIZE);
    let corner = floor(near);
    let part = near - corner;
    let a = vec2<i32>(corner);
    let top = between(source(start4, channel, a), source(start4, channel, a + vec2<i32>(1, 0)), part.x);
    let low = between(
        source(start4, channel, a + vec2<i32>(0, 1)),
        source(start4, channel, a + vec2<i32>(1, 1)),
        part.x,
    );
    return between(top, low, part.y);
}

// Linear interpolation; exactly a where part is 0.
fn between(a: f32, b: f32, part: f32) -> f32 {
    return a + part * (b - a);
}

// A channel of a pixel; 0 outside the image.
fn source(start4: u32, channel: u32, at: vec2<i32>) -> f32 {
    // Negative coordinates are large as unsigned numbers.
    let u = vec2<u32>(at);
    if any(u >= vec2<u32>(WIDTH, HEIGHT)) {
        return 0.0;
    }
    return value(start4, (u.y * WIDTH + u.x) * CHANNELS + channel);
}
