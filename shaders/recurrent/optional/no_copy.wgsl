// No input is copied.
fn copy_valid(place: Place, u4: u32) {}
