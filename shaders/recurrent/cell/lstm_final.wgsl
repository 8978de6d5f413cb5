fn write_cell(sample: u32, row: u32, u4: u32, there: bool) {
    var c = initial_state(sample, 1u, u4);
    if there {
        c = load_saved((row * SAVED + 4u) * p.ld4 + u4);
    }
    write_state(sample, 1u, u4, c);
}
