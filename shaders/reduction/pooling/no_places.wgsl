fn keep_place(i: u32, place: vec4<f32>) {}
