//! Calls on sequences: attention, embeddings and recurrent layers.

use super::{Misfits, cpu, gpu, zeros};
use wgrad::{Attention, Cell, Device, Error, RecurrentLayer, Tensor};

pub(super) fn misfits(d: &Device) -> Misfits {
    let x = || zeros(d, 2, 3);
    let steps = |length| Tensor::filled(d, [2, length, 4], 1.0).unwrap();
    vec![
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
    ]
}

/// Recurrent layers with one operand that does not fit.
pub(super) fn recurrent_misfits(d: &Device) -> Misfits {
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
