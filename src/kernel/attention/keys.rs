//! The gradients of attention's keys and values: dv = Pᵀ·dy and dk = scale·(P ⊙ (dy·vᵀ − δ))ᵀ·q, where P are the
//! weights and δ = dy·y of each query.

use super::launch::{OWN_OF_GRADIENTS, Work};
use super::{Heads, cpu};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};

/// Arguments: q, k, v and the mask as in the forward pass, dy [samples·queries, heads·value width], the statistics with
/// δ, and dk and dv, in matrices like those of k and v; if these are slices of one matrix (`together`), that matrix.
/// Only the slices are written, and the padding behind them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttentionKeys {
    pub(crate) heads: Heads,
    /// Whether k and v are slices of one matrix.
    pub(crate) together: bool,
}

impl Compute for AttentionKeys {
    fn label(&self) -> String {
        format!("attention keys {}", self.heads)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = self.heads.inputs();
        self.heads.push_mask(&mut bindings);
        let (first, element) = (bindings.len() as u32 + 1, self.heads.element());
        bindings.extend([
            Binding::input(first, "dy", element),
            Binding::input(first + 1, "statistics", Element::Vec4),
        ]);
        if self.together {
            bindings.push(Binding::output(first + 2, "dkv", element));
        } else {
            bindings.extend([
                Binding::output(first + 2, "dk", element),
                Binding::output(first + 3, "dv", element),
            ]);
        }
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../shaders/attention/keys.wgsl");
        let together = include_str!("../../../shaders/attention/together.wgsl");
        let heads = &self.heads;
        let work = Work {
            length: heads.keys,
            fours: heads.queries.div_ceil(4),
            loops: [2, 2],
            sums: 2,
            // Single floats, and tests for the end of a head, take more registers.
            own: if heads.is_even(OWN_OF_GRADIENTS) {
                OWN_OF_GRADIENTS
            } else {
                1
            },
        };
        let pieces = [together, source];
        let pieces = if self.together { &pieces } else { &pieces[1..] };
        heads.program(capabilities, &self.bindings(), work, pieces)
    }

    fn flops(&self) -> u64 {
        self.heads.flops(2, 2)
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let inputs = cpu::Inputs::read(&self.heads, args);
        let (dy, statistics) = (args.read(), args.read());
        if self.together {
            cpu::keys::keys_together(&inputs, dy, statistics, args.write());
        } else {
            cpu::keys::keys_apart(&inputs, dy, statistics, args.write(), args.write());
        }
    }
}
