//! Settings, shapes and lengths that recurrent networks refuse.

use super::{Read, batch, build, cpu, inputs};
use wgrad::{Cell, Error, Graph, Init, Recurrent};

#[test]
fn lengths_out_of_range_are_refused() {
    let network = build(cpu(), (Cell::Gru, 1, false, 3, 4, Read::Last, [true, true]));
    let (x, u, mut l, _) = batch(4);
    for bad in [-1.0, 5.0, 1.5, f32::NAN, f32::INFINITY] {
        l[2] = bad;
        let error = network.predict(inputs(&x, &u, &l, true)).unwrap_err();
        assert!(
            matches!(error, Error::Argument { .. } | Error::NonFiniteData { .. }),
            "{bad}: {error:?}"
        );
        assert!(
            bad.is_nan() || error.to_string().contains("from 0 to 4"),
            "{error}"
        );
    }
}

#[test]
fn settings_and_shapes_that_do_not_fit_are_refused() {
    let mut g = Graph::new();
    let flat = g.input(12).unwrap();
    let error = g.recurrent(flat, &Recurrent::lstm(4)).unwrap_err();
    assert!(error.to_string().contains("reshape"), "{error}");
    let x = g.reshape(flat, [4, 3]).unwrap();
    let refused =
        |g: &mut Graph, layers: Recurrent| g.recurrent(x, &layers).unwrap_err().to_string();
    assert!(refused(&mut g, Recurrent::gru(0)).contains("units"));
    assert!(refused(&mut g, Recurrent::gru(2).layers(0)).contains("layers"));
    // Even where no dropout is applied, with one layer.
    for (count, rate) in [(2, 1.0), (1, 1.0), (1, -0.1), (1, f32::NAN), (1, 1e-12)] {
        let layers = Recurrent::gru(2).layers(count).dropout(rate);
        assert!(
            refused(&mut g, layers).contains("dropout"),
            "{count} {rate}"
        );
    }
    let two = Recurrent::gru(2).layers(2);
    let state = g.dense(flat, 2, Init::default()).unwrap();
    let state = g.reshape(state, [1, 2]).unwrap();
    let error = g.recurrent_with(x, &two, &[state], None).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("one for each layer and direction"),
        "{error}"
    );
    let error = g
        .recurrent_with(x, &Recurrent::lstm(2), &[state], None)
        .unwrap_err();
    assert!(error.to_string().contains("[batch, 2, 2]"), "{error}");
    let error = g
        .recurrent_with(x, &Recurrent::gru(2), &[], Some(x))
        .unwrap_err();
    assert!(
        error.to_string().contains("one length per sample"),
        "{error}"
    );
    let error = g.lengths("lengths", x).unwrap_err();
    assert!(
        error.to_string().contains("an input of sequences"),
        "{error}"
    );
}
