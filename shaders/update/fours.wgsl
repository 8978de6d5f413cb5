// The unit of loads and stores: four floats.
alias Chunk = vec4<f32>;
const FOURS = 1u;

fn low(chunk: Chunk) -> vec4<f32> {
    return chunk;
}

// Unused: a chunk of four floats has no upper half.
fn high(chunk: Chunk) -> vec4<f32> {
    return chunk;
}

fn chunk_of(low: vec4<f32>, high: vec4<f32>) -> Chunk {
    return low;
}
