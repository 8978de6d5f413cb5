// Places in a batch of sequences [B, T, …]: row b·T + t of a matrix. Step s of a recurrence is time s, or time
// T - 1 - s if the sequence is read in reverse. A sample takes part in the steps whose time is below its length.

struct Place {
    sample: u32,
    row: u32, // b·T + t
    valid: bool, // t is below the length
    starts: bool, // the first step of the sample
    ends: bool, // the last step of the sample
    length: u32,
}

fn place_of(sample: u32, step: u32) -> Place {
    let time = select(step, p.steps - 1u - step, REVERSED == 1u);
    let length = length_of(sample);
    let valid = time < length;
    let low = valid & (time == 0u);
    let high = valid & (time + 1u == length);
    return Place(
        sample,
        sample * p.steps + time,
        valid,
        select(low, high, REVERSED == 1u),
        select(high, low, REVERSED == 1u),
        length,
    );
}

// The row of the step before, for a place that is not the first of its sample; else the place's own row.
fn row_before(place: Place) -> u32 {
    let other = select(place.row - 1u, place.row + 1u, REVERSED == 1u);
    return select(place.row, other, place.valid & !place.starts);
}

// The row of the step after, for a place that is not the last of its sample; else the place's own row.
fn row_after(place: Place) -> u32 {
    let other = select(place.row + 1u, place.row - 1u, REVERSED == 1u);
    return select(place.row, other, place.valid & !place.ends);
}

// `there` if it, else 0, even if `there` is not a number.
fn where_valid(there: vec4<f32>, it: bool) -> vec4<f32> {
    return select(vec4<f32>(0.0), there, it);
}
