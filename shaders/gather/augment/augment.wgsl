// Gathers a mini-batch of randomly moved images. PARTS workgroups share a sample. Each draws the sample's motion and
// control points into workgroup memory. Then each invocation computes four neighbouring pixels at a time.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    table_steps: u32,
    unit: f32, // unit of the values, a power of two or 0: a product with it is exact, fused or not
    centre: f32, // in units
    scale: f32,
    samples: u32, // number of samples
    key0: u32, // key of the random words
    key1: u32,
    max_shift: f32, // in pixels
    max_scale: f32,
    max_angle: f32, // in radians
    amplitude: f32, // of the control points, in pixels
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> labels: array<u32>; // of all samples
@group(0) @binding(3) var<storage, read> indices: array<u32>; // the shuffled order
@group(0) @binding(4) var<storage, read> table: array<vec4<u32>>; // two per step: its values; the offset of its batch
@group(0) @binding(5) var<storage, read_write> state: array<vec4<u32>>; // step; values; high half of step
@group(0) @binding(6) var<storage, read_write> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(7) var<storage, read_write> batch_labels: array<u32>; // [rows]

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
    let step = state[0].x;
    let key = key_at(vec2<u32>(p.key0, p.key1), state[2].x);
    for (var i = lane; i < PAIRS; i += WORKGROUP) {
        draw(i, threefry(key, vec2<u32>(step, row * PAIRS + i)));
    }
    workgroupBarrier();

    // While the guard stops the step counter, the entry may belong to a shorter batch: stay within the indices.
    let entry = 2u * (step % p.table_steps);
    let position = table[entry + 1u].x + row;
    let sample = indices[min(position, p.samples - 1u)];
    let start4 = sample * p.ld4;
    let first = workgroup % PARTS * WORKGROUP + lane;
    for (var col4 = first; col4 < p.ld4; col4 += PARTS * WORKGROUP) {
        let i = col4 * 4u;
        let values = vec4<f32>(moved(start4, i), moved(start4, i + 1u), moved(start4, i + 2u), moved(start4, i + 3u));
        x[row * p.ld4 + col4] = in_columns((values * p.unit - p.centre) * p.scale, i, p.cols);
    }
    if first == 0u {
        batch_labels[row] = labels[sample];
    }
    if workgroup == 0u && lane == 0u {
        state[1] = table[entry]; // for the update
    }
}

// Value i of the moved sample, interpolated bilinearly at the source place of pixel i.
fn moved(start4: u32, i: u32) -> f32 {
    let pixel = i % (WIDTH * HEIGHT);
    let to = vec2<u32>(pixel % WIDTH, pixel / WIDTH);
    let r = vec2<f32>(to) - CENTRE - offset;
    let turned = vec2<f32>(r.x * turn.x + r.y * turn.y, r.y * turn.x - r.x * turn.y);
    let place = CENTRE + turned * inverse_scale + displacement(to.x, to.y);
    // Places one pixel outside the image or further are background.
    let near = clamp(place, vec2<f32>(-1.0), SIZE);
    let corner = floor(near);
    let part = near - corner;
    let a = vec2<i32>(corner);
    let plane = i - pixel;
    let top = between(source(start4, plane, a), source(start4, plane, a + vec2<i32>(1, 0)), part.x);
    let low = between(source(start4, plane, a + vec2<i32>(0, 1)), source(start4, plane, a + vec2<i32>(1, 1)), part.x);
    return between(top, low, part.y);
}

// Linear interpolation; exactly a where part is 0.
fn between(a: f32, b: f32, part: f32) -> f32 {
    return a + part * (b - a);
}

// The value at a pixel of the plane that begins at value `plane`; 0 outside the image.
fn source(start4: u32, plane: u32, at: vec2<i32>) -> f32 {
    // Negative coordinates are large as unsigned numbers. The padding lies past the row's end.
    let u = vec2<u32>(at);
    let i = plane + u.y * WIDTH + u.x;
    if any(u >= vec2<u32>(WIDTH, HEIGHT)) || i >= p.cols {
        return 0.0;
    }
    return value(start4, i);
}
