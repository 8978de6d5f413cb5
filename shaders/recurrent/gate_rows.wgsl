// Rows 4·k4 to 4·k4 + 3 of the recurrent weights, counted over all gates, at the units 4·u4 to 4·u4 + 3. Past the last
// row it is repeated; its factor is 0.
fn gate_rows(k4: u32, u4: u32) -> mat4x4<f32> {
    let row = 4u * k4;
    let last = GATES * p.hidden - 1u;
    return mat4x4(
        load_weights(min(row, last) * p.ld4 + u4),
        load_weights(min(row + 1u, last) * p.ld4 + u4),
        load_weights(min(row + 2u, last) * p.ld4 + u4),
        load_weights(min(row + 3u, last) * p.ld4 + u4),
    );
}
