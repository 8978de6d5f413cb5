// Sums and maxima over a workgroup of `Value`s: numbers, or vectors by component. Another piece defines `reduce`, in a
// fixed order, so the bits are the same on every run.

fn join(a: Value, b: Value, maximum: bool) -> Value {
    if maximum {
        return max(a, b);
    }
    return a + b;
}

fn workgroup_sum(value: Value, index: u32) -> Value {
    return reduce(value, false, index);
}

fn workgroup_max(value: Value, index: u32) -> Value {
    return reduce(value, true, index);
}

fn sum4(v: vec4<f32>) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

fn max4(v: vec4<f32>) -> f32 {
    return max(max(v.x, v.y), max(v.z, v.w));
}
