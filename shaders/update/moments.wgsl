fn moment(number: u32, i: u32) -> Chunk {
    return load_moments(number * p.count + i);
}

fn store_moment(number: u32, i: u32, value: Chunk) {
    store_moments(number * p.count + i, value);
}
