//! Long caches of keys and values.

use super::{VEC4S, devices, values};
use crate::device::Operand;
use crate::kernel::AttentionAppend;
use crate::kernel::attention::{Heads, Slice};
use crate::tensor::Tensor;

/// An append writes the rows of the new steps and no other: of one long sequence, and of many short ones.
#[test]
fn new_steps_are_appended_whole() {
    // One step in front of the new ones, and room for one behind them.
    let past = 1;
    for device in devices() {
        for count in VEC4S {
            for [samples, queries] in [[1, count], [count, 1]] {
                let keys = queries + 2;
                let [k, v, old] = [count, 2 * count, 3 * samples * keys].map(|n| values(n, n));
                let heads = Heads {
                    samples,
                    heads: 1,
                    queries,
                    keys,
                    width: 1,
                    value_width: 2,
                    scale: 1.0,
                    causal: Some(past),
                    masked: false,
                    dropout: None,
                    q: Slice::whole(1),
                    k: Slice::whole(1),
                    v: Slice::whole(2),
                };
                let mut cache = Tensor::new(&device, [samples * keys, 3], &old).unwrap();
                let of_k = Tensor::new(&device, [count, 1], &k).unwrap();
                let of_v = Tensor::new(&device, [count, 2], &v).unwrap();
                let operands = &mut [
                    Operand::Read(&of_k.memory),
                    Operand::Read(&of_v.memory),
                    Operand::Write(&mut cache.memory),
                ];
                device.run(AttentionAppend { heads }, operands).unwrap();
                let mut expected = old;
                for (row, new) in expected.chunks_exact_mut(3).enumerate() {
                    let (sample, step) = (row / keys, row % keys);
                    if (past..past + queries).contains(&step) {
                        let source = sample * queries + step - past;
                        new.copy_from_slice(&[k[source], v[2 * source], v[2 * source + 1]]);
                    }
                }
                let same = cache.download().unwrap() == expected;
                assert!(same, "{samples}×{queries} on {}", device.report());
            }
        }
    }
}
