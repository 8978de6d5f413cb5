//! Parameters, launch and shader pieces of the attention kernels.

use super::{Heads, Slice};
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::{Binding, Element, Program, Shader, matrix};

const SOURCE: &str = include_str!("../../../shaders/attention/attention.wgsl");
const MASKED: &str = include_str!("../../../shaders/attention/masked.wgsl");
const UNMASKED: &str = include_str!("../../../shaders/attention/unmasked.wgsl");
const ALIGNED_LOAD: &str = include_str!("../../../shaders/attention/aligned_load.wgsl");
const UNALIGNED_LOAD: &str = include_str!("../../../shaders/attention/unaligned_load.wgsl");
const ALIGNED_STORE: &str = include_str!("../../../shaders/attention/aligned_store.wgsl");
const UNALIGNED_STORE: &str = include_str!("../../../shaders/attention/unaligned_store.wgsl");

uniform_block! {
    /// The uniform block of the attention kernels.
    pub(crate) struct Params {
        /// Invocations.
        count: u32,
        queries: u32,
        keys: u32,
        heads: u32,
        /// Floats of a row, first column, columns, 0.
        q: [u32; 4],
        k: [u32; 4],
        v: [u32; 4],
        y: [u32; 4],
        /// Keys before that of the first query.
        past: u32,
        /// Fours of a row of the mask.
        mask_ld4: u32,
        scale: f32,
        _pad: u32,
    }
}

/// The invocations of a kernel: one for each head of each position of a sequence of this length, and the iterations
/// of one.
pub(super) struct Invocations {
    pub(super) length: usize,
    /// Fours of keys or of queries that one goes over.
    pub(super) fours: usize,
    /// Iterations for each four.
    pub(super) of_four: usize,
}

/// Fours that an invocation adds in one chain. More are cut into blocks of 256.
const CHAIN: usize = 1024;

impl Heads {
    /// Whether every head starts at a multiple of four floats and has a multiple of four columns.
    fn is_aligned(&self) -> bool {
        let firsts = [self.q, self.k, self.v].map(|slice| slice.first);
        let widths = [self.width, self.value_width];
        firsts.iter().chain(&widths).all(|n| n.is_multiple_of(4))
    }

    /// The elements of operands that hold heads.
    pub(super) fn element(&self) -> Element {
        if self.is_aligned() {
            Element::Vec4
        } else {
            Element::Float
        }
    }

    /// Fours of a head of the keys, and of the values.
    pub(super) fn fours(&self) -> [usize; 2] {
        [self.width, self.value_width].map(|width| width.div_ceil(4))
    }

    /// The inputs q, k and v.
    pub(super) fn inputs(&self) -> Vec<Binding> {
        let element = self.element();
        vec![
            Binding::input(1, "q", element),
            Binding::input(2, "k", element),
            Binding::input(3, "v", element),
        ]
    }

    /// The mask as the last of some bindings, if there is one.
    pub(super) fn push_mask(&self, bindings: &mut Vec<Binding>) {
        if self.masked {
            let number = bindings.len() as u32 + 1;
            bindings.push(Binding::input(number, "mask", Element::Vec4));
        }
    }

    /// Functions that load or store fours of the heads of these operands.
    fn accessors(&self, bindings: &[Binding]) -> String {
        let is_aligned = self.is_aligned();
        let mut text = String::new();
        let of_heads = bindings
            .iter()
            .filter(|binding| !["mask", "statistics"].contains(&binding.name));
        for binding in of_heads {
            let template = match (binding.is_written(), is_aligned) {
                (false, true) => ALIGNED_LOAD,
                (false, false) => UNALIGNED_LOAD,
                (true, true) => ALIGNED_STORE,
                (true, false) => UNALIGNED_STORE,
            };
            text.push_str(&template.replace("OPERAND", binding.name));
        }
        text
    }

    pub(super) fn program(
        &self,
        bindings: &[Binding],
        invocations: Invocations,
        pieces: &[&str],
    ) -> Program {
        let slice = |slice: Slice| [slice.ld(), slice.first, slice.cols, 0].map(|n| n as u32);
        let count = self.samples * self.heads * invocations.length;
        let params = Params {
            count: count as u32,
            queries: self.queries as u32,
            keys: self.keys as u32,
            heads: self.heads as u32,
            q: slice(self.q),
            k: slice(self.k),
            v: slice(self.v),
            y: slice(self.y()),
            past: self.causal.unwrap_or(0) as u32,
            mask_ld4: self.mask().ld4() as u32,
            scale: self.scale,
            _pad: 0,
        };
        let [width4, value4] = self.fours();
        let is_long = invocations.fours > CHAIN;
        let totals = |fours| if is_long { fours } else { 1 };
        let constants = [
            ("WORKGROUP", WORKGROUP),
            ("WIDTH", self.width),
            ("WIDTH4", width4),
            ("VALUE_WIDTH", self.value_width),
            ("VALUE4", value4),
            ("CAUSAL", usize::from(self.causal.is_some())),
            ("LONG", usize::from(is_long)),
            ("KEY_TOTALS", totals(width4)),
            ("VALUE_TOTALS", totals(value4)),
        ]
        .map(|(name, value)| (name, value as u32));
        let accessors = self.accessors(bindings);
        let mask = if self.masked { MASKED } else { UNMASKED };
        let common = [matrix::SOURCE, SOURCE, mask, &accessors];
        let pieces = [&common, pieces].concat();
        let shader = Shader {
            constants: &constants,
            bindings,
            pieces: &pieces,
        };
        // Heads are loaded and stored once, and the totals of each block of 256 fours are added.
        let of_blocks = (invocations.fours / 256 + 1) * (width4 + value4);
        let iterations = invocations.fours.saturating_mul(invocations.of_four);
        Program::assemble(shader, &params, count.div_ceil(WORKGROUP))
            .with_iterations(iterations + of_blocks + 2 * (width4 + value4) + 8)
    }
}
