// Four floats in memory, as a vec4.
alias Packed = vec4<f32>;

fn unpack(packed: Packed) -> vec4<f32> {
    return packed;
}

fn pack(value: vec4<f32>) -> Packed {
    return value;
}
