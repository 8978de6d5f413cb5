//! Normalisations, sums of columns, and pooling.

use crate::kernel::normalization::group_norm::Groups;
use crate::kernel::reduction::pooling::Images;
use crate::kernel::*;

/// Kernels over columns and rows, with few and with many of each.
pub(super) fn normalisations(kernels: &mut Vec<Kernel>) {
    let epsilon = 1e-5;
    for shape in [
        MatrixShape::new(5, 7),
        MatrixShape::new(9, 7),
        MatrixShape::new(9, 700),
    ] {
        for gradient in [None, Some(1)] {
            kernels.push(ColumnSum { shape, gradient }.into());
        }
        let momentum = 0.1;
        kernels.push(
            BatchNorm {
                shape,
                epsilon,
                momentum,
                mean_id: 1,
                variance_id: 2,
            }
            .into(),
        );
        for saved_rows in [2, 4] {
            kernels.push(
                BatchNormBackward {
                    shape,
                    saved_rows,
                    gamma_id: 1,
                    beta_id: 2,
                }
                .into(),
            );
        }
        kernels.push(LayerNorm { shape, epsilon }.into());
        kernels.push(LayerNormBackward { shape, epsilon }.into());
        kernels.push(RmsNorm { shape, epsilon }.into());
        kernels.push(RmsNormBackward { shape, epsilon }.into());
        // Groups of few elements, and of many.
        let groups = Groups {
            samples: 2,
            pixels: shape.cols,
            channels: 6,
            groups: 3,
        };
        kernels.push(GroupNorm { groups, epsilon }.into());
        kernels.push(GroupNormBackward { groups, epsilon }.into());
        kernels.push(Argmax { shape }.into());
    }
    kernels.push(CopyIfFinite { floats: 64 }.into());
}

/// Pooling of images, with few and with many terms of a sum.
pub(super) fn pooling(kernels: &mut Vec<Kernel>) {
    for side in [5, 50] {
        let pool = Pool::new(side).stride(1).padding(1).ceil_mode(true);
        let images = Images {
            samples: 3,
            channels: 7,
            placement: pool.place("pool", &[60, 60]).unwrap(),
        };
        for yes in [false, true] {
            kernels.push(
                MaxPool {
                    images,
                    places: yes,
                }
                .into(),
            );
            let include_pad = yes;
            kernels.push(
                AveragePool {
                    images,
                    include_pad,
                }
                .into(),
            );
            kernels.push(
                AveragePoolBackward {
                    images,
                    include_pad,
                }
                .into(),
            );
        }
        kernels.push(MaxPoolBackward { images }.into());
    }
}
