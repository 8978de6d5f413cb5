// The source of a convolution, seen from four pixels of its result: the image, or the grid if TRANSPOSED. A piece after
// this one loads from it.

const NONE = ~0u; // no place

// Along one axis, the pixels of the source that four pixels of the result read through a tap, which is `tap` pixels
// after the first tap; NONE if it is on no pixel.
fn under(at: vec4<u32>, tap: u32, stride: u32, before: u32, length: u32) -> vec4<u32> {
    if !TRANSPOSED {
        let pixel = at * stride + vec4<u32>(tap - before);
        return select(vec4<u32>(NONE), pixel, pixel < vec4<u32>(length));
    }
    let place = at + vec4<u32>(before - tap);
    if !STRIDED { return select(vec4<u32>(NONE), place, place < vec4<u32>(length)); }
    let window = place / stride;
    let ok = (place < vec4<u32>(0x80000000u)) & (window * stride == place) & (window < vec4<u32>(length));
    return select(vec4<u32>(NONE), window, ok);
}

fn under_h(at: vec4<u32>, k: u32) -> vec4<u32> {
    return under(at, k * p.dilation_h, p.stride_h, p.before_h, select(p.image_h, p.grid_h, TRANSPOSED));
}

fn under_w(at: vec4<u32>, k: u32) -> vec4<u32> {
    return under(at, k * p.dilation_w, p.stride_w, p.before_w, select(p.image_w, p.grid_w, TRANSPOSED));
}

// Four pixels of the result: the place of their sample in the source, and their row and column.
struct Pixels {
    sample: vec4<u32>,
    y: vec4<u32>,
    x: vec4<u32>,
}

fn pixels_of(rows: vec4<u32>) -> Pixels {
    let width = select(p.grid_w, p.image_w, TRANSPOSED);
    let size = width * select(p.grid_h, p.image_h, TRANSPOSED);
    let in_sample = rows % size;
    return Pixels(rows / size * p.image_sample, in_sample / width, in_sample % width);
}

// The first float of the pixels of the source in row y and column x; NONE if there is none.
fn place_of(sample: vec4<u32>, y: vec4<u32>, x: vec4<u32>) -> vec4<u32> {
    let width = select(p.image_w, p.grid_w, TRANSPOSED);
    let there = (y != vec4<u32>(NONE)) & (x != vec4<u32>(NONE));
    return select(vec4<u32>(NONE), sample + (y * width + x) * p.image_pixel, there);
}

// Place of the weight that joins the first channel of a group of the source, through the first tap, to a column of the
// result. The other channels of the group are `channel_step` apart, the other taps `tap_step`.
fn weight_place(col: u32) -> u32 {
    if !TRANSPOSED { return col * p.ldw; }
    let group = col / p.group_channels;
    return group * p.group_outputs * p.ldw + (col - group * p.group_channels);
}

fn channel_step() -> u32 {
    return select(1u, p.ldw, TRANSPOSED);
}

fn tap_step() -> u32 {
    return p.group_channels;
}

// The first channel of the source in the group of a column of the result.
fn first_channel(col: u32) -> u32 {
    if TRANSPOSED { return col / p.group_channels * p.group_outputs; }
    return col / p.group_outputs * p.group_channels;
}
