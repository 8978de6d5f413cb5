// Copies the columns of a sample's input that fall to four units, with zeros past its length, even if the input is not a
// number there.
fn copy_valid(place: Place, u4: u32) {
    let end = bound(p.mask_ld4, place.sample);
    for (var time = 0u; time < bound(p.steps, place.sample); time++) {
        let row = place.sample * p.steps + time;
        for (var column = u4; column < end; column += p.ld4) {
            let at = row * p.mask_ld4 + column;
            store_masked(at, where_valid(load_x(at), time < place.length));
        }
    }
}
