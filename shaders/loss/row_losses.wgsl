@group(0) @binding(6) var<storage, read_write> losses: array<f32>; // [1, rows]

fn write_loss(row: u32, loss: f32) {
    losses[row] = loss;
    if row == p.rows - 1u {
        for (var i = row + 1u; i % 4u != 0u; i++) {
            losses[i] = 0.0;
        }
    }
}
