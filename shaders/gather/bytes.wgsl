fn load(i: u32) -> vec4<f32> {
    let word = data[i];
    return vec4<f32>(vec4<u32>(word, word >> 8u, word >> 16u, word >> 24u) & vec4<u32>(0xffu));
}
