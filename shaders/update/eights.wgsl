// What an invocation loads or stores at a time: eight floats, in 64-bit words.
alias Group = vec4<u64>;
const FOURS = 2u;

fn low(group: Group) -> vec4<f32> {
    return unpack(group.xy);
}

fn high(group: Group) -> vec4<f32> {
    return unpack(group.zw);
}

fn group_of(low: vec4<f32>, high: vec4<f32>) -> Group {
    return Group(pack(low), pack(high));
}
