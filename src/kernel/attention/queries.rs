//! The gradient of attention's queries: dq = scale·(P ⊙ (dy·vᵀ − δ))·k, where P are the weights and δ = dy·y of each
//! query.

use super::launch::{OWN_OF_GRADIENTS, Work};
use super::{Heads, cpu};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};

/// Arguments: q, k, v and the mask as in the forward pass, dy and y [samples·queries, heads·value width], the
/// statistics, to which δ is added, and dq, in a matrix like that of q. In this matrix only q's slice is written, and
/// the padding behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttentionQueries {
    pub(crate) heads: Heads,
}

impl Compute for AttentionQueries {
    fn label(&self) -> String {
        format!("attention queries {}", self.heads)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = self.heads.inputs();
        self.heads.push_mask(&mut bindings);
        let (first, element) = (bindings.len() as u32 + 1, self.heads.element());
        bindings.extend([
            Binding::input(first, "dy", element),
            Binding::input(first + 1, "y", element),
            Binding::updated(first + 2, "statistics", Element::Vec4),
            Binding::output(first + 3, "dq", element),
        ]);
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../shaders/attention/queries.wgsl");
        let heads = &self.heads;
        let work = Work {
            length: heads.queries,
            fours: heads.keys.div_ceil(4),
            loops: [2, 1],
            sums: 2,
            own: OWN_OF_GRADIENTS,
        };
        heads.program(capabilities, &self.bindings(), work, &[source])
    }

    fn flops(&self) -> u64 {
        self.heads.flops(2, 1)
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let inputs = cpu::Inputs::read(&self.heads, args);
        let (dy, y) = (args.read(), args.read());
        cpu::queries::queries(&inputs, dy, y, args.write(), args.write());
    }
}
