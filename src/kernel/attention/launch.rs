//! Parameters, launch and shader pieces of the attention kernels.

use super::{Heads, Slice};
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::{Binding, Capabilities, Element, Program, Shader, matrix};
use crate::kernel::random::dropout::{scale, threshold};
use crate::kernel::random::threefry;

const SOURCE: &str = include_str!("../../../shaders/attention/attention.wgsl");
const MASKED: &str = include_str!("../../../shaders/attention/masked.wgsl");
const UNMASKED: &str = include_str!("../../../shaders/attention/unmasked.wgsl");
const DRAWN: &str = include_str!("../../../shaders/attention/dropout/drawn.wgsl");
const STEP_NOW: &str = include_str!("../../../shaders/attention/dropout/step_now.wgsl");
const STEP_SAVED: &str = include_str!("../../../shaders/attention/dropout/step_saved.wgsl");
const NO_DROPOUT: &str = include_str!("../../../shaders/attention/dropout/none.wgsl");
const ALONE: &str = include_str!("../../../shaders/attention/alone.wgsl");
const SHARED: &str = include_str!("../../../shaders/attention/shared.wgsl");
const ALIGNED_LOAD: &str = include_str!("../../../shaders/attention/aligned_load.wgsl");
const ALIGNED_PART_LOAD: &str = include_str!("../../../shaders/attention/aligned_part_load.wgsl");
const UNALIGNED_LOAD: &str = include_str!("../../../shaders/attention/unaligned_load.wgsl");
const ALIGNED_STORE: &str = include_str!("../../../shaders/attention/aligned_store.wgsl");
const UNALIGNED_STORE: &str = include_str!("../../../shaders/attention/unaligned_store.wgsl");

uniform_block! {
    /// The uniform block of the attention kernels.
    pub(crate) struct Params {
        /// Heads of all rows.
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
        /// Fours of a row of the mask, and of the random words of dropout.
        mask_ld4: u32,
        scale: f32,
        /// 1/(1 − p) for dropout of this rate.
        factor: f32,
        dropout_key: [u32; 2],
        /// The rate of dropout times 2³².
        threshold: u32,
        _pad: u32,
    }
}

/// The work of a kernel: a head of each position of a sequence of this length.
pub(super) struct Work {
    pub(super) length: usize,
    /// Fours of keys or of queries that a head goes over.
    pub(super) fours: usize,
    /// Loops over the columns of a head of the keys, and of the values, for each of these fours.
    pub(super) loops: [usize; 2],
    /// Sums over columns for each of them.
    pub(super) sums: usize,
    /// How many fours of columns an invocation holds in registers; of wider heads, several share the columns.
    pub(super) own: usize,
}

/// Iterations of the random number generator for a four of weights, at most: four pairs of words.
const DRAWS: usize = 4 * 5;

/// `own` of the gradients, which hold two or four rows of a head.
pub(super) const OWN_OF_GRADIENTS: usize = 2;

/// `own` on software adapters, which have no registers to run out of, and are slow at barriers.
const OWN_IN_SOFTWARE: usize = 64;

/// Invocations of a workgroup that share heads: few, since they wait for each other.
const SHARING: usize = 64;

const _: () = assert!(super::MAX_WIDTH == 4 * OWN_OF_GRADIENTS * WORKGROUP);

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

    /// The number of invocations that share a head if each has so many fours: a power of two.
    fn parts(&self, own: usize) -> usize {
        let [width4, value4] = self.fours();
        let parts = width4.max(value4).div_ceil(own);
        parts.next_power_of_two().min(WORKGROUP)
    }

    /// Whether so many invocations can load fours without tests for the end of a head.
    fn is_whole(&self, parts: usize) -> bool {
        self.fours().iter().all(|fours| fours.is_multiple_of(parts))
    }

    /// Whether invocations with so many fours each can load them without any tests.
    pub(super) fn is_even(&self, own: usize) -> bool {
        self.is_aligned() && self.is_whole(self.parts(own))
    }

    /// Functions that load or store fours of the heads of these operands.
    fn accessors(&self, bindings: &[Binding], parts: usize) -> String {
        let is_aligned = self.is_aligned();
        let mut text = String::new();
        let of_heads = bindings
            .iter()
            .filter(|binding| !["mask", "state", "statistics"].contains(&binding.name));
        for binding in of_heads {
            let template = match (binding.is_written(), is_aligned) {
                (false, true) if !self.is_whole(parts) => ALIGNED_PART_LOAD,
                (false, true) => ALIGNED_LOAD,
                (false, false) => UNALIGNED_LOAD,
                (true, true) => ALIGNED_STORE,
                (true, false) => UNALIGNED_STORE,
            };
            text.push_str(&template.replace("OPERAND", binding.name));
        }
        text
    }

    /// Functions for dropout of the weights. The forward pass reads the step from the state.
    fn dropout_pieces(&self, bindings: &[Binding]) -> &'static [&'static str] {
        let is_forward = bindings.iter().any(|binding| binding.name == "state");
        match self.dropout {
            None => &[NO_DROPOUT],
            Some(_) if is_forward => &[threefry::SOURCE, DRAWN, STEP_NOW],
            Some(_) => &[threefry::SOURCE, DRAWN, STEP_SAVED],
        }
    }

    pub(super) fn program(
        &self,
        capabilities: &Capabilities,
        bindings: &[Binding],
        work: Work,
        pieces: &[&str],
    ) -> Program {
        let slice = |slice: Slice| [slice.ld(), slice.first, slice.cols, 0].map(|n| n as u32);
        let count = self.samples * self.heads * work.length;
        let rate = self.dropout.map_or(0.0, |dropout| dropout.rate);
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
            factor: scale(rate),
            dropout_key: self.dropout.map_or([0; 2], |dropout| dropout.key),
            threshold: threshold(rate),
            _pad: 0,
        };
        let [width4, value4] = self.fours();
        let parts = match width4.max(value4) {
            0..=OWN_IN_SOFTWARE if capabilities.software => 1,
            _ => self.parts(work.own),
        };
        let workgroup = match parts {
            1 => WORKGROUP,
            _ => SHARING.max(parts),
        };
        let rows = workgroup / parts;
        let own = [width4, value4].map(|fours| fours.div_ceil(parts));
        let is_long = work.fours > CHAIN;
        let totals = |fours| if is_long { fours } else { 1 };
        let constants = [
            ("WORKGROUP", workgroup),
            ("PARTS", parts),
            ("ROWS", rows),
            ("WIDTH", self.width),
            ("WIDTH4", width4),
            ("VALUE_WIDTH", self.value_width),
            ("VALUE4", value4),
            ("OWN4", own[0]),
            ("OWN_VALUE4", own[1]),
            ("CAUSAL", usize::from(self.causal.is_some())),
            ("LONG", usize::from(is_long)),
            ("DROPOUT", usize::from(self.dropout.is_some())),
            ("KEY_TOTALS", totals(own[0])),
            ("VALUE_TOTALS", totals(own[1])),
        ]
        .map(|(name, value)| (name, value as u32));
        let accessors = self.accessors(bindings, parts);
        let mask = if self.masked { MASKED } else { UNMASKED };
        let sharing = if parts > 1 { SHARED } else { ALONE };
        let common = [matrix::SOURCE, SOURCE, mask, sharing, &accessors];
        let pieces = [&common[..], self.dropout_pieces(bindings), pieces].concat();
        let shader = Shader {
            constants: &constants,
            bindings,
            pieces: &pieces,
        };
        // Heads are loaded and stored once, and the totals of each block of 256 fours are added.
        let of_heads = own[0] + own[1];
        let of_blocks = (work.fours / 256 + 1) * of_heads;
        let of_columns = work.loops[0] * own[0] + work.loops[1] * own[1];
        let draws = if self.dropout.is_some() { DRAWS } else { 0 };
        let of_four = 1 + of_columns + work.sums * (parts - 1) + draws;
        let iterations = work.fours.saturating_mul(of_four);
        Program::assemble(shader, &params, count.div_ceil(rows))
            .with_iterations(iterations + of_blocks + 2 * of_heads + parts + 8)
    }
}
