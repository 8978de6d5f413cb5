// Every sample has all steps.
fn length_of(sample: u32) -> u32 {
    return bound(p.steps, sample);
}
