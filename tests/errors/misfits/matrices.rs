//! Calls on matrices.

use super::{Misfits, indices, norm, state, zeros};
use std::ops::Range;
use wgrad::{
    Activation, Augmentation, Bytes, Criterion, Device, Gemm, Layout, Loss, Tensor, TensorTarget,
};

pub(super) fn misfits(d: &Device) -> Misfits {
    let x = || zeros(d, 2, 3);
    let t = |rows, cols| zeros(d, rows, cols);
    let (nn, nt, tn) = (Layout::NN, Layout::NT, Layout::TN);
    let (squared, gaussian) = (Loss::half_squared_error(), Criterion::GaussianNll.into());
    let cosine = Criterion::CosineEmbedding { margin: 0.0 }.into();
    let triplet = Criterion::TripletMargin { margin: 1.0 }.into();
    let mut misfits: Misfits = vec![
        ("matmul", x().matmul(&t(2, 3), nn).map(drop)),
        ("matmul", x().matmul(&t(3, 2), nt).map(drop)),
        ("matmul", x().matmul(&t(3, 2), tn).map(drop)),
        ("matmul", x().matmul(&t(0, 3), nn).map(drop)),
        (
            "dense",
            x().dense(&t(3, 2), &t(1, 3), Activation::Relu).map(drop),
        ),
        (
            "dense",
            x().dense(&t(5, 3), &t(1, 3), Activation::Relu).map(drop),
        ),
        (
            "dense",
            x().dense(&t(5, 3), &t(5, 1), Activation::Relu).map(drop),
        ),
        ("bias_add", x().bias_add(&t(1, 2)).map(drop)),
        ("bias_add", x().bias_add(&t(3, 1)).map(drop)),
        (
            "cross_entropy",
            x().cross_entropy(&indices(d, &[0])).map(drop),
        ),
        (
            "cross_entropy",
            x().cross_entropy(&indices(d, &[0, 1, 2])).map(drop),
        ),
        (
            "cross_entropy",
            t(0, 3).cross_entropy(&indices(d, &[])).map(drop),
        ),
        (
            "cross_entropy",
            t(2, 0).cross_entropy(&indices(d, &[0, 0])).map(drop),
        ),
        (
            "gather_augmented",
            x().gather_augmented(&indices(d, &[0]), &Augmentation::new([2, 2]), 0, 0)
                .map(drop),
        ),
        (
            "gather_augmented",
            Bytes::new(d, [1, 3], &[0; 3])
                .unwrap()
                .gather_augmented(
                    &indices(d, &[0]),
                    &Augmentation::new([3, 3]),
                    0,
                    0,
                    1.0,
                    0.0,
                )
                .map(drop),
        ),
        ("loss", x().loss(&squared, &[], &t(2, 4)).map(drop)),
        ("loss", x().loss(&squared, &[], &t(3, 2)).map(drop)),
        ("loss", x().loss(&squared, &[&x()], &x()).map(drop)),
        ("loss", x().loss(&squared, &[], &indices(d, &[0])).map(drop)),
        ("loss", t(0, 3).loss(&squared, &[], &t(0, 3)).map(drop)),
        ("loss", t(2, 0).loss(&squared, &[], &t(2, 0)).map(drop)),
        ("loss", x().loss(&gaussian, &[], &x()).map(drop)),
        ("loss", x().loss(&gaussian, &[&t(2, 4)], &x()).map(drop)),
        ("loss", x().loss(&cosine, &[&x()], &x()).map(drop)),
        (
            "loss",
            x().loss(&triplet, &[&x()], TensorTarget::None).map(drop),
        ),
        (
            "row_losses",
            x().row_losses(&squared, &[], &t(2, 4)).map(drop),
        ),
        ("Tensor::new", Tensor::new(d, [2, 3], &[0.0; 5]).map(drop)),
        ("Tensor::new", Tensor::new(d, [2, 3], &[0.0; 7]).map(drop)),
        ("Tensor::new", Tensor::new(d, [0, 3], &[0.0]).map(drop)),
        ("update", x().update(&t(3, 2), &mut state(&x())).map(drop)),
        ("update", x().update(&x(), &mut state(&t(3, 3))).map(drop)),
    ];
    let batch_norm = |x: Tensor, gamma: Tensor, beta: Tensor, running: Tensor| {
        x.batch_norm(&gamma, &beta, &running, 1e-5, 0.1).map(drop)
    };
    let batch_norm_backward = |x: Tensor, saved: Tensor, gamma: Tensor| {
        t(2, 3).batch_norm_backward(&x, &saved, &gamma).map(drop)
    };
    let normalize = |gamma: Tensor, beta: Tensor, running: Tensor| {
        t(2, 3).normalize(&gamma, &beta, &running, 1e-5).map(drop)
    };
    let row = || t(1, 3);
    misfits.extend([
        ("batch_norm", batch_norm(x(), t(1, 4), row(), t(2, 3))),
        ("batch_norm", batch_norm(x(), row(), t(3, 1), t(2, 3))),
        ("batch_norm", batch_norm(x(), row(), row(), t(1, 3))),
        ("batch_norm", batch_norm(t(0, 3), row(), row(), t(2, 3))),
        (
            "batch_norm_backward",
            batch_norm_backward(t(3, 3), t(2, 3), row()),
        ),
        (
            "batch_norm_backward",
            batch_norm_backward(x(), t(1, 3), row()),
        ),
        (
            "batch_norm_backward",
            batch_norm_backward(x(), t(2, 3), t(1, 2)),
        ),
        ("normalize", normalize(t(1, 4), row(), t(2, 3))),
        ("normalize", normalize(row(), t(1, 4), t(2, 3))),
        ("normalize", normalize(row(), row(), t(2, 4))),
        (
            "layer_norm",
            x().layer_norm(&t(1, 2), &row(), 1e-5).map(drop),
        ),
        (
            "layer_norm",
            x().layer_norm(&row(), &t(2, 3), 1e-5).map(drop),
        ),
        (
            "layer_norm_backward",
            x().layer_norm_backward(&x(), &t(2, 3), 1e-5).map(drop),
        ),
        ("prelu", x().prelu(&t(1, 2)).map(drop)),
        ("prelu", x().prelu(&t(3, 1)).map(drop)),
        ("prelu_backward", x().prelu_backward(&x(), &x()).map(drop)),
        ("slice_columns", x().slice_columns(1..4).map(drop)),
        (
            "slice_columns",
            x().slice_columns(Range { start: 2, end: 1 }).map(drop),
        ),
        (
            "slice_columns",
            x().slice_columns(usize::MAX..usize::MAX).map(drop),
        ),
        ("pad_columns", x().pad_columns(1, 3).map(drop)),
        ("pad_columns", x().pad_columns(usize::MAX, 3).map(drop)),
        ("concat_columns", x().concat_columns(&t(3, 3)).map(drop)),
        (
            "gemm",
            x().gemm(&t(3, 5), Some(&t(3, 5)), Gemm::new()).map(drop),
        ),
        (
            "gemm",
            x().gemm(&t(3, 5), Some(&t(1, 4)), Gemm::new()).map(drop),
        ),
        (
            "gemm",
            x().gemm(&t(3, 5), Some(&t(0, 5)), Gemm::new()).map(drop),
        ),
        ("argmax", t(2, 0).argmax().map(drop)),
    ]);
    // (1, 3) is no row for all, and (2, 4) has the padded size of x.
    for other in [[3, 2], [1, 3], [2, 4]] {
        let other = || t(other[0], other[1]);
        misfits.extend([
            ("add", x().add(&other()).map(drop)),
            ("mul", x().mul(&other()).map(drop)),
            (
                "activate_backward",
                x().activate_backward(Activation::Tanh, &other()).map(drop),
            ),
            ("softmax_backward", x().softmax_backward(&other()).map(drop)),
            (
                "log_softmax_backward",
                x().log_softmax_backward(&other()).map(drop),
            ),
            ("update", x().update(&other(), &mut state(&x())).map(drop)),
            ("prelu_slope", x().prelu_slope(&other()).map(drop)),
            (
                "prelu_backward",
                x().prelu_backward(&other(), &row()).map(drop),
            ),
            (
                "layer_norm_backward",
                x().layer_norm_backward(&other(), &row(), 1e-5).map(drop),
            ),
            ("copy_from", x().copy_from(&other())),
            ("accumulate", x().accumulate(&other(), 1.0)),
            ("average", x().average(&other(), 0.5)),
            (
                "change_statistics",
                x().change_statistics(&other()).map(drop),
            ),
            (
                "update_clipped_by_value",
                x().update_clipped_by_value(&other(), &mut state(&x()), 1.0),
            ),
            (
                "update_clipped_by_norm",
                x().update_clipped_by_norm(&other(), &mut state(&x()), &norm(&x()), 1.0),
            ),
        ]);
    }
    misfits
}
