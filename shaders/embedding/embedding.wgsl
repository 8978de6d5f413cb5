// Tokens are whole numbers stored as floats, in a padded matrix; a position is an index into it with its padding. A
// number that is no token of the vocabulary has the index of none.

fn is_token_position(position: u32) -> bool {
    return position < p.positions && position % p.ld < p.cols;
}

fn token_at(position: u32) -> f32 {
    return load_tokens_component(position / 4u, position % 4u);
}

// The row of the vocabulary, and whether the number is a token. The row is in range for any number.
fn row_of(token: f32) -> u32 {
    return min(u32(clamp(token, 0.0, f32(p.vocabulary))), p.vocabulary - 1u);
}

fn is_token(token: f32) -> bool {
    return f32(row_of(token)) == token;
}
