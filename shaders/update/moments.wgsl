@group(0) @binding(3) var<storage, read_write> moments: array<Chunk>; // one moment after another

fn moment(number: u32, i: u32) -> Chunk {
    return moments[number * p.count + i];
}

fn store_moment(number: u32, i: u32, value: Chunk) {
    moments[number * p.count + i] = value;
}
