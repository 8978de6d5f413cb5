//! Append to a cache of keys and values: the rows of new time steps, behind those of earlier calls.

use super::launch::Work;
use super::{Heads, Slice};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, MatrixShape, Program, Real};

/// Arguments: k and v of the new steps [samples·queries, …], and the cache [samples·keys, heads·(width + value width)],
/// whose rows hold all heads of k and then those of v. `keys` is the number of time steps that the cache has room for,
/// and `causal` that of the steps before the new ones. Only the rows of the new steps are written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttentionAppend {
    pub(crate) heads: Heads,
}

impl Heads {
    /// The matrix of a cache of these keys and values.
    pub(crate) fn cache(&self) -> MatrixShape {
        let cols = self.heads * (self.width + self.value_width);
        MatrixShape::new(self.samples * self.keys, cols)
    }

    /// The same heads with keys and values in the cache.
    pub(crate) fn cached(self) -> Self {
        let cols = self.cache().cols;
        Heads {
            k: Slice { cols, first: 0 },
            v: Slice {
                cols,
                first: self.heads * self.width,
            },
            ..self
        }
    }
}

impl Compute for AttentionAppend {
    fn label(&self) -> String {
        let (heads, past) = (&self.heads, self.heads.causal.unwrap_or(0));
        format!(
            "attention append {} at {past} of {}",
            heads.queries,
            heads.cache()
        )
    }

    fn bindings(&self) -> Vec<Binding> {
        let element = self.heads.element();
        vec![
            Binding::input(1, "k", element),
            Binding::input(2, "v", element),
            Binding::output(3, "cache", element),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../shaders/attention/append.wgsl");
        // An invocation copies one head, however wide, and goes over no keys.
        let [width4, value4] = self.heads.fours();
        let work = Work {
            length: self.heads.queries,
            fours: 0,
            loops: [0, 0],
            sums: 0,
            own: width4.max(value4),
        };
        self.heads
            .program(capabilities, &self.bindings(), work, &[source])
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (k, v, cache) = (args.read(), args.read(), args.write());
        let (heads, ld) = (&self.heads, self.heads.cache().ld());
        let (of_k, of_v) = (heads.heads * heads.width, heads.heads * heads.value_width);
        for source in 0..heads.samples * heads.queries {
            let (sample, step) = (source / heads.queries, source % heads.queries);
            let row = sample * heads.keys + heads.causal.unwrap_or(0) + step;
            let out = &mut cache[row * ld..][..ld];
            out[..of_k].copy_from_slice(&k[source * heads.k.ld() + heads.k.first..][..of_k]);
            let (values, padding) = out[of_k..].split_at_mut(of_v);
            values.copy_from_slice(&v[source * heads.v.ld() + heads.v.first..][..of_v]);
            padding.fill(T::ZERO);
        }
    }
}
