// Elastic displacement: a uniform cubic B-spline over a grid of random control points, SPACING pixels apart. Pixel 0
// lies under the second control point, so the four points around any pixel exist.

var<workgroup> grid: array<vec2<f32>, GRID>; // displacements in pixels, GRID_COLS per row

// The weights of the four control points around a place at fraction t, in 0..1, of the way from the second to the
// third.
fn spline(t: f32) -> vec4<f32> {
    let u = 1.0 - t;
    return vec4<f32>(
        u * u * u,
        (3.0 * t - 6.0) * t * t + 4.0,
        (3.0 * u - 6.0) * u * u + 4.0,
        t * t * t,
    ) * (1.0 / 6.0);
}

fn displacement(x: u32, y: u32) -> vec2<f32> {
    if POINTS == 0u {
        return vec2<f32>(0.0);
    }
    let across = spline(f32(x % SPACING) / f32(SPACING));
    let down = spline(f32(y % SPACING) / f32(SPACING));
    let first = y / SPACING * GRID_COLS + x / SPACING;
    return across.x * grid_column(first, down)
        + across.y * grid_column(first + 1u, down)
        + across.z * grid_column(first + 2u, down)
        + across.w * grid_column(first + 3u, down);
}

// The weighted sum of four control points in a column.
fn grid_column(i: u32, down: vec4<f32>) -> vec2<f32> {
    return down.x * grid[i]
        + down.y * grid[i + GRID_COLS]
        + down.z * grid[i + 2u * GRID_COLS]
        + down.w * grid[i + 3u * GRID_COLS];
}
