//! List of the kernels whose shaders are tested: one of every variant.

use super::all_attention::{attention, embeddings};
use super::all_convolutions::convolutions;
use super::all_losses::losses;
use super::all_products::stacks;
use super::all_recurrent::recurrent;
use super::all_reductions::{normalisations, pooling};
use crate::kernel::base::guard::Pass;
use crate::kernel::elementwise::Op;
use crate::kernel::gather::Source;
use crate::kernel::matmul::algorithm::CHOICES;
use crate::kernel::movement::{MovementOp, Permutation};
use crate::kernel::random::Draw;
use crate::kernel::update::{ClipWith, Keep};
use crate::kernel::*;

/// One kernel of every variant.
pub(crate) fn kernels() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = vec![IncrementStep.into()];
    let short = MatrixShape::new(9, 7);
    let long = MatrixShape::new(9, 700);
    for f in Activation::ALL {
        for op in [Op::Activate(f), Op::ActivateBackward(f)] {
            kernels.push(Elementwise { op, shape: short }.into());
        }
    }
    for &op in Op::ALL {
        kernels.push(Elementwise { op, shape: short }.into());
    }
    for layout in Layout::ALL {
        for (_, [m, n, k], _) in CHOICES {
            kernels.push(Matmul::plain(m, n, k, layout).into());
        }
    }
    // Sums in blocks, and in groups of blocks.
    for k in [1 << 12, 1 << 21] {
        for (_, [m, n, _], _) in CHOICES {
            let product = Matmul::plain(m, n, k, Layout::TN);
            let gradient = Matmul {
                epilogue: Epilogue::Gradient { id: 1 },
                bias_gradient: true,
                ..product
            };
            kernels.push(gradient.into());
        }
    }
    for f in Activation::ALL {
        for (epilogue, bias) in [
            (Epilogue::Activation(f), true),
            (Epilogue::Activation(f), false),
            (Epilogue::Keep(f), true),
            (Epilogue::Derivative(f), false),
        ] {
            kernels.push(
                Matmul {
                    epilogue,
                    bias,
                    ..Matmul::plain(9, 9, 9, Layout::NT)
                }
                .into(),
            );
        }
    }
    for (_, [m, n, k], _) in CHOICES {
        for bias_gradient in [false, true] {
            let epilogue = Epilogue::Gradient { id: 1 };
            kernels.push(
                Matmul {
                    epilogue,
                    bias_gradient,
                    ..Matmul::plain(m, n, k, Layout::TN)
                }
                .into(),
            );
        }
    }
    for shape in [short, long] {
        kernels.push(RowSum { shape }.into());
        for yes in [false, true] {
            kernels.push(Softmax { log: yes, shape }.into());
            kernels.push(SoftmaxBackward { log: yes, shape }.into());
        }
    }
    kernels.extend(losses([short, long]));
    kernels.extend(stacks());
    kernels.extend(convolutions());
    kernels.extend(recurrent());
    kernels.extend(attention());
    kernels.extend(embeddings());
    normalisations(&mut kernels);
    random_and_movement(&mut kernels);
    pooling(&mut kernels);
    kernels.push(Sum::lone(64).into());
    kernels.push(Squares::lone(64).into());
    let [call, reported, known] = [1, 0, 0];
    kernels.push(Note { call, reported }.into());
    kernels.push(Choose { known, choices: 8 }.into());
    for axpby in [
        Axpby::copy(64),
        Axpby::accumulate(64, 0.5),
        Axpby::average(64, 0.5),
    ] {
        kernels.push(axpby.clone().into());
        kernels.extend(axpby.passes().map(Kernel::from));
    }
    for yes in [false, true] {
        let scales = Scales { steps: 2, terms: 3 };
        for (opens, updates) in [(true, false), (false, false), (false, true)] {
            let accumulate = Accumulate {
                floats: 64,
                opens,
                updates,
                increment_step: !updates && yes,
                scales,
                dry: None,
            };
            if !updates {
                let dry = Some(1);
                kernels.push(
                    Accumulate {
                        dry,
                        ..accumulate.clone()
                    }
                    .into(),
                );
            }
            kernels.push(accumulate.into());
        }
        let statistics = Statistics {
            shape: short,
            change: yes,
            place: 0,
        };
        kernels.push(statistics.into());
    }
    let reset = ResetRows {
        shape: short,
        samples: 9,
        table_steps: 1,
    };
    kernels.push(reset.into());
    for source in [Source::Bytes, Source::Floats] {
        let gather = Gather {
            shape: short,
            source,
            scaling: gather::scaling::Scaling::NONE,
            samples: 9,
            table_steps: 1,
            labels: 1,
        };
        for labels in [0, 1, 5] {
            kernels.push(
                Gather {
                    labels,
                    ..gather.clone()
                }
                .into(),
            );
        }
        // Odd numbers of control points, none, and several channels.
        for (augmentation, labels) in [
            (Augmentation::new([1, 7]).elastic(1.0, 3), 1),
            (Augmentation::new([7, 1]), 0),
            (Augmentation::new([48, 48]).channels(3).elastic(2.0, 2), 5),
        ] {
            let shape = MatrixShape::new(9, augmentation.features());
            let augment = Augment {
                gather: Gather {
                    shape,
                    labels,
                    ..gather.clone()
                },
                augmentation,
                key: [1, 2],
            };
            kernels.push(augment.into());
        }
    }
    let norm = ClipWith::Norm {
        limit: 1.0,
        parts: 3,
        ring_steps: 2,
    };
    for optimizer in Optimizer::variants() {
        for (clip, grouped) in [
            (ClipWith::Nothing, false),
            (ClipWith::Value(1.0), false),
            (norm, false),
            (ClipWith::Nothing, true),
            (ClipWith::Value(1.0), true),
            (norm, true),
        ] {
            for keep in [Keep::Store, Keep::Dry(1), Keep::Call(Pass::Test)] {
                let update = Update {
                    optimizer,
                    floats: 64,
                    increment_step: true,
                    clip,
                    grouped,
                    keep,
                };
                kernels.push(update.into());
            }
        }
    }
    kernels
}

fn random_and_movement(kernels: &mut Vec<Kernel>) {
    let (shape, key) = (MatrixShape::new(9, 7), [1, 2]);
    let along = |length| Along {
        side: Side::Columns,
        length,
        inner: 1,
    };
    for draw in [
        Draw::Uniform {
            low: -1.0,
            high: 1.0,
        },
        Draw::Normal {
            mean: 0.0,
            std: 1.0,
        },
        Draw::Bernoulli,
    ] {
        kernels.push(Random { draw, shape, key }.into());
    }
    kernels.push(
        Dropout {
            shape,
            probability: 0.5,
            key,
        }
        .into(),
    );
    for op in [
        MovementOp::Slice {
            along: along(9),
            start: 1,
            count: 7,
        },
        MovementOp::Pad {
            along: along(7),
            start: 1,
            count: 3,
        },
        MovementOp::Concat {
            along: along(7),
            left: 3,
        },
        MovementOp::Repeat { along: along(7) },
        MovementOp::Scatter { along: along(7) },
        MovementOp::Reshape {
            from: MatrixShape::new(7, 9),
        },
        MovementOp::Transpose,
        MovementOp::Permute {
            permutation: Permutation::new(&[9, 7], &[0, 1]),
            from: shape,
        },
    ] {
        kernels.push(Movement { op, shape }.into());
    }
    let along = along(7);
    kernels.push(DimensionSum { along, shape }.into());
    kernels.push(DimensionMax { along, shape }.into());
}
