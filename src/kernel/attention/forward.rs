//! Attention: y = softmax(scale·q·kᵀ)·v for every head.

use super::dropout::Factors;
use super::launch::Work;
use super::{Heads, cpu};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};

/// Arguments: q [samples·queries, …], k and v [samples·keys, …], with a mask [samples, keys] (a key counts if its
/// number is not 0), with dropout the state, y [samples·queries, heads·value width], and with `statistics` those of the scores
/// [samples·queries, 4·heads], or 4·heads + 4 columns with
/// dropout.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attend {
    pub(crate) heads: Heads,
    /// Whether the statistics are written, which the gradients read.
    pub(crate) statistics: bool,
}

impl Compute for Attend {
    fn label(&self) -> String {
        format!("attention {}", self.heads)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = self.heads.inputs();
        self.heads.push_mask(&mut bindings);
        if self.heads.dropout.is_some() {
            let number = bindings.len() as u32 + 1;
            bindings.push(Binding::input(number, "state", Element::Word));
        }
        let number = bindings.len() as u32 + 1;
        bindings.push(Binding::output(number, "y", self.heads.element()));
        if self.statistics {
            let statistics = Binding::output(number + 1, "statistics", Element::Vec4);
            bindings.push(statistics);
        }
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let statistics = if self.statistics {
            include_str!("../../../shaders/attention/kept_statistics.wgsl")
        } else {
            include_str!("../../../shaders/attention/no_statistics.wgsl")
        };
        let source = include_str!("../../../shaders/attention/forward.wgsl");
        let heads = &self.heads;
        let work = Work {
            length: heads.queries,
            fours: heads.keys.div_ceil(4),
            loops: [1, 1],
            sums: 1,
            own: 4,
        };
        heads.program(capabilities, &self.bindings(), work, &[statistics, source])
    }

    fn flops(&self) -> u64 {
        self.heads.flops(1, 1)
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let inputs = cpu::Inputs::read(&self.heads, args);
        let dropout = self.heads.dropout;
        let factors = dropout.map(|d| Factors::of_state(d, &self.heads, args.read_words()));
        let y = args.write();
        let statistics = self.statistics.then(|| args.write());
        cpu::forward::forward(&inputs, factors, y, statistics);
    }
}
