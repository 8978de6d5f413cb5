// What an invocation loads or stores at a time: four floats.
alias Group = vec4<f32>;
const FOURS = 1u;

fn low(group: Group) -> vec4<f32> {
    return group;
}

fn high(group: Group) -> vec4<f32> {
    return group;
}

fn group_of(low: vec4<f32>, high: vec4<f32>) -> Group {
    return low;
}
