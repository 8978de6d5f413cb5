//! Attention kernels of every variant: heads at multiples of four or anywhere, with and without masks; embeddings.

use crate::kernel::attention::{Heads, Slice, WeightDropout};
use crate::kernel::embedding::Embedded;
use crate::kernel::{
    Attend, AttentionAppend, AttentionKeys, AttentionQueries, EmbeddingChains, EmbeddingGradient,
    EmbeddingLookup, Kernel, MatrixShape,
};

pub(super) fn attention() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    for [width, value_width] in [[8, 8], [5, 3]] {
        for causal in [None, Some(2)] {
            for masked in [false, true] {
                // q alone, and k and v side by side.
                let together = Slice {
                    cols: 2 * (width + value_width),
                    first: 0,
                };
                let heads = Heads {
                    samples: 2,
                    heads: 2,
                    queries: 5,
                    keys: 7,
                    width,
                    value_width,
                    scale: 0.5,
                    causal,
                    masked,
                    dropout: None,
                    q: Slice::whole(2 * width),
                    k: together,
                    v: Slice {
                        first: 2 * width,
                        ..together
                    },
                };
                for statistics in [false, true] {
                    kernels.push(Attend { heads, statistics }.into());
                }
                if !masked && causal.is_some() {
                    kernels.push(AttentionAppend { heads }.into());
                }
                kernels.push(AttentionQueries { heads }.into());
                let together = true;
                kernels.push(AttentionKeys { heads, together }.into());
                if masked && causal.is_some() {
                    kernels.extend(with_long_sums(heads));
                }
                if masked || causal.is_some() {
                    kernels.extend(with_dropout(heads));
                }
                let heads = Heads {
                    k: Slice::whole(2 * width),
                    v: Slice::whole(2 * value_width),
                    ..heads
                };
                let together = false;
                kernels.push(AttentionKeys { heads, together }.into());
            }
        }
    }
    kernels.extend(wide_heads());
    kernels
}

/// Heads of usual widths, and those that invocations share unevenly, or on software adapters too.
fn wide_heads() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    let usual = [16, 32, 64, 128, 256].map(|width| [width, width]);
    let other = [[33, 9], [36, 100], [260, 260], [2048, 2048]];
    for [width, value_width] in usual.into_iter().chain(other) {
        for causal in [None, Some(2)] {
            let masked = causal.is_some() && !usual.contains(&[width, value_width]);
            let heads = Heads {
                samples: 2,
                heads: 2,
                queries: 50,
                keys: 70,
                width,
                value_width,
                scale: 0.5,
                causal,
                masked,
                dropout: None,
                q: Slice::whole(2 * width),
                k: Slice::whole(2 * width),
                v: Slice::whole(2 * value_width),
            };
            let (statistics, together) = (true, false);
            kernels.extend([
                Attend { heads, statistics }.into(),
                AttentionQueries { heads }.into(),
                AttentionKeys { heads, together }.into(),
            ]);
            if causal.is_some() {
                kernels.extend(with_long_sums(heads));
            }
            if masked || (causal.is_some() && width == 64) {
                kernels.extend(with_dropout(heads));
            }
            if masked {
                let masked = false;
                let heads = Heads { masked, ..heads };
                kernels.push(AttentionAppend { heads }.into());
            }
        }
    }
    kernels
}

/// Dropout of the weights, with keys and values together and apart.
fn with_dropout(heads: Heads) -> Vec<Kernel> {
    let dropout = WeightDropout {
        rate: 0.5,
        key: [1, 2],
    };
    let heads = Heads {
        dropout: Some(dropout),
        ..heads
    };
    let apart = Heads {
        k: Slice::whole(heads.heads * heads.width),
        v: Slice::whole(heads.heads * heads.value_width),
        ..heads
    };
    let [statistics, none] = [true, false].map(|statistics| Attend { heads, statistics });
    let of_each = AttentionKeys {
        heads: apart,
        together: false,
    };
    let mut kernels: Vec<Kernel> = vec![
        statistics.into(),
        none.into(),
        AttentionQueries { heads }.into(),
        of_each.into(),
    ];
    if heads.v.first > 0 {
        let together = true;
        kernels.push(AttentionKeys { heads, together }.into());
    }
    kernels
}

/// More than 1,024 fours of keys and queries.
fn with_long_sums(heads: Heads) -> [Kernel; 3] {
    let heads = Heads {
        queries: 5_000,
        keys: 5_001,
        ..heads
    };
    let statistics = true;
    let together = heads.v.first > 0;
    [
        Attend { heads, statistics }.into(),
        AttentionQueries { heads }.into(),
        AttentionKeys { heads, together }.into(),
    ]
}

pub(super) fn embeddings() -> Vec<Kernel> {
    let embedded = Embedded {
        tokens: MatrixShape::new(3, 5),
        vocabulary: 11,
        width: 6,
        padding: Some(3),
    };
    vec![
        EmbeddingLookup { embedded }.into(),
        EmbeddingChains { embedded }.into(),
        EmbeddingGradient { embedded }.into(),
    ]
}
