//! Stacks of products whose shaders are tested.

use crate::kernel::matmul::algorithm::CHOICES;
use crate::kernel::matmul::{Stack, View};
use crate::kernel::*;

/// A stack of each algorithm, layout and epilogue, with sums in one chain, in blocks and in groups of blocks.
pub(super) fn stacks() -> Vec<Kernel> {
    let mut stacks: Vec<Kernel> = Vec::new();
    let stack = |call: Matmul| {
        let view = |shape: MatrixShape| View::whole(shape, 2, [true; 2]);
        let stack = Some(Stack {
            counts: [1, 2],
            a: view(call.a()),
            b: view(call.b()),
        });
        Matmul { stack, ..call }
    };
    for (i, (_, [m, n, k], _)) in CHOICES.into_iter().enumerate() {
        let layout = Layout::ALL[i % 3];
        for k in [k, 1 << 12, 1 << 21] {
            stacks.push(stack(Matmul::plain(m, n, k, layout)).into());
        }
    }
    let f = Activation::Gelu;
    for (epilogue, bias, layout) in [
        (Epilogue::Plain, true, Layout::NN),
        (Epilogue::Activation(f), true, Layout::NT),
        (Epilogue::Keep(f), true, Layout::NT),
        (Epilogue::Derivative(f), false, Layout::NN),
        (Epilogue::Gradient { id: 1 }, false, Layout::TN),
    ] {
        let plain = Matmul::plain(9, 9, 9, layout);
        stacks.push(
            stack(Matmul {
                epilogue,
                bias,
                ..plain
            })
            .into(),
        );
    }
    stacks
}
