//! Kernels of recurrent layers.

use crate::kernel::*;

/// Recurrent layers: every cell, aligned and not, of one step and of several, and every optional operand.
pub(super) fn recurrent() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    for cell in Cell::ALL {
        for (hidden, flags) in [(7, 0), (8, 1), (65, 2), (68, 3), (8, 4), (65, 5)] {
            let lstm = cell == Cell::Lstm;
            let [reverse, bias, initial, lengths] =
                [flags % 2 == 1, flags > 1, flags > 2, flags > 0];
            let sequence = Sequence {
                cell,
                batch: 3,
                steps: 2,
                hidden,
                reverse,
                bias,
                initial,
                lengths: lengths && flags != 5,
            };
            let forward = RecurrentForward {
                sequence,
                steps: 0..1,
                before: cell.saved() == 0,
                last: !lstm,
                state: lstm,
            };
            kernels.push(
                RecurrentForward {
                    before: false,
                    last: true,
                    state: false,
                    ..forward.clone()
                }
                .into(),
            );
            kernels.push(forward.into());
            for (steps, masked) in [(0..1, 0), (0..0, 0), (0..0, 21)] {
                if masked > 0 && !sequence.lengths {
                    continue;
                }
                kernels.push(
                    RecurrentBackward {
                        sequence,
                        dy: !steps.is_empty() && flags != 1,
                        dlast: !lstm || flags == 1,
                        dstate: lstm && flags != 1,
                        steps,
                        masked,
                    }
                    .into(),
                );
            }
        }
    }
    kernels.push(
        MaskRows {
            shape: MatrixShape::new(6, 7),
            steps: 3,
        }
        .into(),
    );
    kernels
}
