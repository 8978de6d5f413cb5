// What an invocation loads or stores at a time: four floats.
alias Chunk = vec4<f32>;
const FOURS = 1u;

fn low(chunk: Chunk) -> vec4<f32> {
    return chunk;
}

// There is no other half: nothing asks for it.
fn high(chunk: Chunk) -> vec4<f32> {
    return chunk;
}

fn chunk_of(low: vec4<f32>, high: vec4<f32>) -> Chunk {
    return low;
}
