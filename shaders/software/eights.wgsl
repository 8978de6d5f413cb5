// The unit of loads and stores: eight floats in 64-bit words. The element `Eights` brings `pack` and `unpack`.
alias Chunk = vec4<u64>;
const FOURS = 2u;

fn low(chunk: Chunk) -> vec4<f32> {
    return unpack(chunk.xy);
}

fn high(chunk: Chunk) -> vec4<f32> {
    return unpack(chunk.zw);
}

fn chunk_of(low: vec4<f32>, high: vec4<f32>) -> Chunk {
    return Chunk(pack(low), pack(high));
}
