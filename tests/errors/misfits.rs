//! Operands whose shapes do not fit: the error of every tensor call names the expected and the actual shape.

use super::common::devices::{cpu, gpu};
use super::{indices, norm, state, zeros};
use std::ops::Range;
use wgrad::{
    Activation, Attention, Augmentation, Bytes, Cell, Convolution, Criterion, Device, Error, Gemm,
    Layout, Loss, RecurrentLayer, Result, Tensor, TensorTarget,
};

/// Recurrent layers with one operand that does not fit.
fn recurrent_misfits(d: &Device) -> Vec<(&'static str, Result<()>)> {
    let new = |dims: &[usize]| Tensor::zeros(d, dims).unwrap();
    let (x, w, v, bias) = (new(&[2, 3, 4]), new(&[20, 4]), new(&[20, 5]), new(&[1, 20]));
    let (wide, state, dy) = (new(&[20, 6]), new(&[2, 1, 5]), new(&[2, 3, 5]));
    let layer = RecurrentLayer::new(Cell::Lstm, &w, &v);
    let call = |x: &Tensor, change: &dyn Fn(&mut RecurrentLayer<'_>)| {
        let mut layer = RecurrentLayer::new(Cell::Lstm, &w, &v);
        change(&mut layer);
        x.recurrent(&layer).map(drop)
    };
    let output = x.recurrent(&layer).unwrap();
    let mut other = layer;
    other.input_weight = &wide;
    let mut square = layer;
    square.recurrent_weight = &wide;
    let mut short = layer;
    short.biases = Some([&bias, &v]);
    let mut of_gru = layer;
    of_gru.initial = Some(&state);
    let mut few = layer;
    few.lengths = Some(&[1]);
    vec![
        ("recurrent", call(&new(&[6, 4]), &|_| {})),
        ("recurrent", call(&new(&[2, 0, 4]), &|_| {})),
        ("recurrent", call(&new(&[2, 3, 5]), &|_| {})),
        ("recurrent", call(&x, &|layer| layer.cell = Cell::Gru)),
        ("recurrent", x.recurrent(&other).map(drop)),
        ("recurrent", x.recurrent(&square).map(drop)),
        ("recurrent", x.recurrent(&short).map(drop)),
        ("recurrent", x.recurrent(&of_gru).map(drop)),
        ("recurrent", x.recurrent(&few).map(drop)),
        (
            "recurrent_backward",
            x.recurrent_backward(&layer, &x, &output, None).map(drop),
        ),
        (
            "recurrent_backward",
            dy.recurrent_backward(&layer, &x, &output, Some(&state))
                .map(drop),
        ),
    ]
}

#[test]
fn lengths_beyond_the_sequence_and_outputs_of_other_layers_are_refused() {
    for d in [cpu(), gpu()] {
        let new = |dims: &[usize]| Tensor::zeros(d, dims).unwrap();
        let (x, w, v, dy) = (new(&[2, 3, 4]), new(&[5, 4]), new(&[5, 5]), new(&[2, 3, 5]));
        let mut layer = RecurrentLayer::new(Cell::Tanh, &w, &v);
        let output = x.recurrent(&layer).unwrap();
        layer.lengths = Some(&[3, 4]);
        let error = x.recurrent(&layer).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error:?}");
        assert!(error.to_string().contains("from 0 to 3"), "{error}");
        layer.lengths = Some(&[3, 2]);
        let error = dy
            .recurrent_backward(&layer, &x, &output, None)
            .unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error:?}");
    }
}

/// The calls with operands that do not fit: (operation, result).
fn misfits(d: &Device) -> Vec<(&'static str, Result<()>)> {
    let x = || zeros(d, 2, 3);
    let t = |rows, cols| zeros(d, rows, cols);
    let (nn, nt, tn) = (Layout::NN, Layout::NT, Layout::TN);
    let (squared, gaussian) = (Loss::half_squared_error(), Criterion::GaussianNll.into());
    let cosine = Criterion::CosineEmbedding { margin: 0.0 }.into();
    let triplet = Criterion::TripletMargin { margin: 1.0 }.into();
    let mut misfits: Vec<(&'static str, Result<()>)> = vec![
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
    let images = || Tensor::filled(d, [2, 4, 4, 3], 1.0).unwrap();
    let steps = |length| Tensor::filled(d, [2, length, 4], 1.0).unwrap();
    let gamma = || t(1, 3);
    misfits.extend([
        (
            "attention",
            steps(3)
                .attention(&steps(4), &steps(3), None, Attention::new(1))
                .map(drop),
        ),
        (
            "attention",
            steps(3)
                .attention(&steps(3), &steps(3), None, Attention::new(5))
                .map(drop),
        ),
        (
            "embedding_backward",
            x().embedding_backward(&x(), 4, None).map(drop),
        ),
        ("max_pool", x().max_pool(1).map(drop)),
        ("max_pool", images().max_pool(5).map(drop)),
        ("average_pool", x().average_pool(1).map(drop)),
        ("average_pool", images().average_pool([1, 6]).map(drop)),
        ("global_max_pool", x().global_max_pool().map(drop)),
        ("global_average_pool", x().global_average_pool().map(drop)),
        (
            "max_pool_backward",
            images()
                .max_pool_backward(&images(), 2, [2, 4, 4, 3])
                .map(drop),
        ),
        (
            "average_pool_backward",
            images().average_pool_backward(2, [2, 4, 4, 3]).map(drop),
        ),
        ("upsample", x().upsample(2).map(drop)),
        ("rms_norm", x().rms_norm(&t(1, 4), 1e-5).map(drop)),
        (
            "rms_norm_backward",
            x().rms_norm_backward(&t(3, 3), &gamma(), 1e-5).map(drop),
        ),
        (
            "group_norm",
            images().group_norm(&gamma(), &gamma(), 2, 1e-5).map(drop),
        ),
        (
            "group_norm_backward",
            images()
                .group_norm_backward(&images(), &gamma(), 2, 1e-5)
                .map(drop),
        ),
    ]);
    let kernel = |dims: [usize; 4]| Tensor::zeros(d, dims).unwrap();
    let settings = || Convolution::new(5, 3).without_bias();
    for dims in [[5, 3, 3, 2], [5, 2, 3, 3], [4, 3, 3, 3]] {
        misfits.push((
            "convolve",
            images().convolve(&kernel(dims), None, settings()).map(drop),
        ));
    }
    let fits = || kernel([5, 3, 3, 3]);
    let of_transposed = || kernel([3, 3, 3, 5]);
    misfits.extend([
        (
            "convolve",
            x().convolve(&fits(), None, settings()).map(drop),
        ),
        (
            "convolve",
            images()
                .convolve(&kernel([5, 5, 1, 3]), None, Convolution::new(5, [5, 1]))
                .map(drop),
        ),
        (
            "convolve",
            images()
                .convolve(&fits(), Some(&t(1, 4)), Convolution::new(5, 3))
                .map(drop),
        ),
        (
            "convolve_transposed",
            images()
                .convolve_transposed(&fits(), None, settings())
                .map(drop),
        ),
        (
            "convolve_transposed",
            x().convolve_transposed(&of_transposed(), None, settings())
                .map(drop),
        ),
        (
            "convolve_backward",
            images()
                .convolve_backward(&images(), &fits(), settings())
                .map(drop),
        ),
        (
            "convolve_backward",
            kernel([2, 2, 2, 5])
                .convolve_backward(&images(), &of_transposed(), settings())
                .map(drop),
        ),
        (
            "convolve_transposed_backward",
            images()
                .convolve_transposed_backward(&images(), &of_transposed(), settings())
                .map(drop),
        ),
    ]);
    let stack =
        |lead: &[usize], rows, cols| Tensor::zeros(d, [lead, &[rows, cols]].concat()).unwrap();
    let stacked = |a: Tensor, b: Tensor, layout| a.batch_matmul(&b, layout).map(drop);
    misfits.extend([
        (
            "batch_matmul",
            stacked(stack(&[2], 3, 4), stack(&[2], 3, 4), nn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[2], 3, 4), stack(&[2], 4, 3), nt),
        ),
        (
            "batch_matmul",
            stacked(stack(&[2], 3, 4), stack(&[2], 4, 3), tn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[2], 3, 4), stack(&[3], 4, 5), nn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[2, 3], 3, 4), stack(&[2], 4, 5), nn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[0], 3, 4), stack(&[2], 4, 5), nn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[2, 3, 2], 3, 4), stack(&[1, 3, 1], 4, 5), nn),
        ),
        (
            "batch_matmul",
            stacked(Tensor::zeros(d, 4).unwrap(), stack(&[], 4, 5), nn),
        ),
        (
            "batch_matmul",
            stacked(stack(&[], 3, 4), Tensor::zeros(d, 4).unwrap(), nt),
        ),
        (
            "batch_dense",
            stack(&[2], 3, 4)
                .batch_dense(&stack(&[2], 4, 5), &t(1, 4), Activation::Relu)
                .map(drop),
        ),
        (
            "batch_dense",
            stack(&[2], 3, 4)
                .batch_dense(&stack(&[2], 5, 4), &t(2, 5), Activation::Relu)
                .map(drop),
        ),
    ]);
    misfits
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    for device in [cpu(), gpu()] {
        for (i, (name, result)) in misfits(device)
            .into_iter()
            .chain(recurrent_misfits(device))
            .enumerate()
        {
            let Err(Error::Shape {
                operation,
                expected,
                found,
            }) = result
            else {
                panic!("misfit {i}, {name}: {result:?}");
            };
            assert_eq!(operation, name, "misfit {i}");
            assert_ne!(expected, found, "misfit {i}, {name}");
        }
    }
}

#[test]
fn a_state_of_another_shape_with_as_many_floats_is_refused() {
    for device in [cpu(), gpu()] {
        // Both take 16 floats with their padding.
        let result =
            zeros(device, 2, 5).update(&zeros(device, 2, 5), &mut state(&zeros(device, 4, 3)));
        assert!(
            matches!(
                result,
                Err(Error::Shape {
                    operation: "update",
                    ..
                })
            ),
            "{result:?}"
        );
    }
}
