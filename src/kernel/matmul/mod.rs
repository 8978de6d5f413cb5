//! Matrix product: C = A·B with the transposes that forward and backward passes need, and a fused epilogue.
//!
//! | layout | C [M, N] | A | B | in a dense layer |
//! |---|---|---|---|---|
//! | `NT` | A·Bᵀ | [M, K] | [N, K] | z = x·Wᵀ |
//! | `NN` | A·B | [M, K] | [K, N] | dx = dz·W |
//! | `TN` | Aᵀ·B | [K, M] | [K, N] | dW = dzᵀ·x |
//!
//! Sums are in `f32`, in an order that depends only on the [`Algorithm`] and on K. A long K is summed in blocks and
//! groups of blocks ([`Levels`](crate::kernel::base::product::Levels)): a single running sum of n terms may err by n/2
//! ULP of the sum of their magnitudes, and by n/8 ULP if all terms are equal. Three kernels share this file's
//! parameters: `matmul_tiled` and `matmul_thin` for GPUs, and `matmul_direct` for adapters that run on a CPU. The
//! kernel and its tile sizes are a pure function of shape and capabilities.

pub(crate) mod algorithm;
mod bias_gradient;
pub(crate) mod call;
pub(crate) mod epilogue;
pub(crate) mod gemm;
mod split;
pub(crate) mod stack;
mod thin;
mod tiled;
mod tuning;
mod view;

pub use crate::kernel::base::product::Layout;
pub use crate::kernel::base::tuning::Tuning;
pub(crate) use algorithm::Algorithm;
pub(crate) use call::Matmul;
pub(crate) use epilogue::Epilogue;
pub(crate) use view::{Stack, View};

use crate::kernel::base::guard::{self, ORDINARY, out_of_bounds};
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::rows::{PARALLEL_FLOATS, for_rows, row_of};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, Program, Real, Shader, cascade, matrix,
};
use crate::kernel::software::pack;
use crate::threads;
use stack::StackParams;
use std::sync::atomic::{AtomicBool, Ordering};

uniform_block! {
    copied
    /// The shader's uniform block.
    pub(crate) struct Params {
        m: u32,
        n: u32,
        k: u32,
        /// Leading dimensions, in `vec4` elements.
        lda: u32,
        ldb: u32,
        ldc: u32,
        /// Id for the non-finite guard.
        id: u32,
        /// The activation's parameters.
        alpha: f32,
        beta: f32,
        _pad: [u32; 3],
    }
}

impl Matmul {
    /// The pieces between the constants and the kernel: parameters, memory layout, epilogue, bias gradient.
    fn pieces(&self) -> Vec<&'static str> {
        let mut pieces = vec![
            match self.layout {
                Layout::NN => "const A_TRANSPOSED = false;\nconst B_TRANSPOSED = false;",
                Layout::NT => "const A_TRANSPOSED = false;\nconst B_TRANSPOSED = true;",
                Layout::TN => "const A_TRANSPOSED = true;\nconst B_TRANSPOSED = false;",
            },
            include_str!("../../../shaders/matmul/matmul.wgsl"),
            matrix::SOURCE,
            match self.stack {
                None => stack::NONE,
                Some(_) => stack::SOURCE,
            },
            if self.bias {
                epilogue::BIAS
            } else {
                epilogue::NO_BIAS
            },
        ];
        match (self.stack, self.epilogue) {
            (Some(_), Epilogue::Derivative(_)) => pieces.push(stack::SAVED),
            (Some(_), Epilogue::Keep(_)) => pieces.push(stack::KEPT),
            _ => {}
        }
        pieces.extend(self.epilogue.sources());
        pieces.push(epilogue::STORE);
        if self.bias_gradient {
            pieces.extend(bias_gradient::SOURCES);
        } else {
            pieces.push(bias_gradient::NONE);
        }
        pieces
    }
}

impl Matmul {
    /// The uniform block of one product.
    fn params(&self) -> Params {
        let [alpha, beta] = self.epilogue.parameters();
        Params {
            m: self.m as u32,
            n: self.n as u32,
            k: self.k as u32,
            lda: self.a().ld4() as u32,
            ldb: self.b().ld4() as u32,
            ldc: self.out().ld4() as u32,
            id: self.epilogue.id(),
            alpha,
            beta,
            _pad: [0; 3],
        }
    }
}

impl Compute for Matmul {
    fn label(&self) -> String {
        let mut label = format!("matmul {:?} {}x{}x{}", self.layout, self.m, self.n, self.k);
        if self.stack.is_some() {
            label.push_str(&format!(" in a stack of {}", self.matrices()));
        }
        if self.bias {
            label.push_str(" + bias");
        }
        label.push_str(&self.epilogue.label());
        if self.bias_gradient {
            label.push_str(", bias gradient");
        }
        label
    }

    fn bindings(&self) -> Vec<Binding> {
        // The accessors of a matrix in a stack have the names of those of a whole operand.
        let [a, b, saved, out, kept] = match self.stack {
            None => ["a", "b", "saved", "out", "kept"],
            Some(_) => ["all_a", "all_b", "all_saved", "all_out", "all_kept"],
        };
        let mut bindings = vec![
            Binding::input(1, a, Element::Packed),
            Binding::input(2, b, Element::Packed),
        ];
        if self.bias {
            bindings.push(Binding::input(4, "bias", Element::Packed));
        }
        if matches!(self.epilogue, Epilogue::Derivative(_)) {
            bindings.push(Binding::input(5, saved, Element::Packed));
        }
        // The largest tile adds up in C.
        bindings.push(Binding::updated(3, out, Element::Packed));
        if matches!(self.epilogue, Epilogue::Keep(_)) {
            bindings.push(Binding::output(6, kept, Element::Packed));
        }
        if self.bias_gradient {
            bindings.push(Binding::output(7, "sums", Element::Packed));
        }
        if matches!(self.epilogue, Epilogue::Gradient { .. }) {
            bindings.push(Binding::updated(8, "state", Element::AtomicWord));
        }
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let variant = Algorithm::choose(self, capabilities).variant(self, capabilities);
        let mut constants = variant.constants;
        let group_k = variant.levels.and_then(|levels| levels.group);
        let block_k = variant.levels.map(|levels| levels.block);
        constants.push(("BLOCK_K", block_k.unwrap_or(1 << 31) as u32));
        constants.push(("GROUP_K", group_k.unwrap_or(1 << 31) as u32));
        let mut pieces = self.pieces();
        pieces.extend(variant.sources);
        let shader = Shader {
            constants: &constants,
            bindings: &pack::for_adapter(self.bindings(), capabilities),
            pieces: &pieces,
        };
        let tiles = variant.workgroups;
        let program = match &self.stack {
            None => Program::assemble(shader, &self.params(), tiles),
            Some(stack) => {
                let params = StackParams::new(self, stack, tiles);
                Program::assemble(shader, &params, tiles * stack.matrices())
            }
        };
        program.with_iterations(variant.iterations)
    }

    fn flops(&self) -> u64 {
        2 * (self.m * self.n * self.k) as u64 * self.matrices() as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (a, b) = (args.read(), args.read());
        let bias = self.bias.then(|| args.read());
        let saved = matches!(self.epilogue, Epilogue::Derivative(_)).then(|| args.read());
        let shape = self.result();
        let out = &mut args.write()[..shape.floats()];
        let add_bias = |column: usize, row: &mut [T]| {
            if let Some(bias) = bias {
                epilogue::add_bias(&bias[column..], row);
            }
        };
        match self.epilogue {
            Epilogue::Plain => self.products(a, b, out, |_, column, row| add_bias(column, row)),
            Epilogue::Gradient { id } => {
                let in_bounds = AtomicBool::new(true);
                let mut product = || {
                    self.products(a, b, out, |_, column, row| {
                        add_bias(column, row);
                        if out_of_bounds(id, row) {
                            in_bounds.store(false, Ordering::Relaxed);
                        }
                    });
                };
                let mut sums = self.bias_gradient.then(|| args.write());
                let mut bias_gradient = || {
                    if let Some(sums) = &mut sums {
                        cascade::columns(a, self.a(), sums);
                    }
                };
                if self.bias_gradient && self.a().floats() >= PARALLEL_FLOATS {
                    threads::join(product, bias_gradient);
                } else {
                    product();
                    bias_gradient();
                }
                let state = args.write_words();
                if !in_bounds.into_inner() {
                    guard::set(state, id & !ORDINARY);
                }
                if sums.is_some_and(|sums| out_of_bounds(id, sums)) {
                    guard::set(state, (id & !ORDINARY) + 1);
                }
            }
            Epilogue::Activation(f) => self.products(a, b, out, |_, column, row| {
                add_bias(column, row);
                f.apply_in_place(row);
            }),
            Epilogue::Keep(f) => {
                let kept = args.write();
                self.products(a, b, kept, |_, column, row| add_bias(column, row));
                let kept = &*kept;
                for_rows(out, shape, |i, row| f.apply(row_of(kept, shape, i), row));
            }
            Epilogue::Derivative(f) => {
                let saved = saved.expect("a derivative epilogue has a saved operand");
                self.products(a, b, out, |i, column, row| {
                    f.backpropagate(&row_of(saved, shape, i)[column..], row);
                });
            }
        }
    }
}
