//! Invalid graphs and batches: each gives a typed error.

use super::common::devices::{cpu, gpu};
use wgrad::{Activation, Error, Graph, Init, Layout, Sequential};

#[test]
fn bad_graphs_are_refused() {
    let mut graph = Graph::new();
    assert!(matches!(graph.input(0), Err(Error::Argument { .. })));
    let x = graph.input(3).unwrap();
    assert!(matches!(graph.input(3), Err(Error::Argument { .. })));
    let w = graph.parameter("w", [2, 4], Init::Zeros).unwrap();
    assert!(matches!(
        graph.parameter("w", [2, 4], Init::Zeros),
        Err(Error::Argument { .. })
    ));
    assert!(matches!(
        graph.parameter("v", [0, 4], Init::Zeros),
        Err(Error::Argument { .. })
    ));
    assert!(matches!(
        graph.vector("v", 4, Init::Constant(f32::NAN)),
        Err(Error::Argument { .. })
    ));
    assert!(matches!(
        graph.dense(x, 0, Init::Zeros),
        Err(Error::Argument { .. })
    ));
    let error = graph.matmul(x, w, Layout::NT).unwrap_err();
    assert!(
        error.to_string().contains("[batch, 3]") && error.to_string().contains("[2, 4]"),
        "{error}"
    );
    for bad in [graph.add(x, w), graph.mul(w, x), graph.bias_add(x, w)] {
        assert!(matches!(bad, Err(Error::Shape { .. })));
    }
    assert!(matches!(
        graph.scale(x, f32::NAN),
        Err(Error::Argument { .. })
    ));
    // Values of another graph, whether or not their numbers fit.
    let mut other = Graph::new();
    let y = other.input(3).unwrap();
    for bad in [
        graph.softmax(y),
        graph.add(x, y),
        other.matmul(y, w, Layout::NT),
    ] {
        let error = bad.unwrap_err();
        assert!(error.to_string().contains("another graph"), "{error}");
    }
    let slope = Activation::LeakyRelu { slope: -1.0 };
    assert!(matches!(
        graph.activation(x, slope),
        Err(Error::Argument { .. })
    ));
    assert!(matches!(
        graph.clone().build(w, cpu(), 0),
        Err(Error::Argument { .. })
    ));
    let mut no_input = Graph::new();
    let w = no_input.parameter("w", [2, 4], Init::Zeros).unwrap();
    assert!(matches!(
        no_input.build(w, cpu(), 0),
        Err(Error::Argument { .. })
    ));
}

#[test]
fn bad_batches_are_refused() {
    for device in [cpu(), gpu()] {
        let mut network = Sequential::new(3).dense(2).build(device, 0).unwrap();
        assert!(matches!(
            network.predict(&[0.0; 4]),
            Err(Error::Shape { .. })
        ));
        let error = network
            .predict(&[0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0])
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::NonFiniteData {
                    row: 1,
                    column: 1,
                    ..
                }
            ),
            "{error}"
        );
        assert!(matches!(
            network.gradients(&[0.0; 6], &[0]),
            Err(Error::Shape { .. })
        ));
        assert!(matches!(
            network.gradients(&[], &[0u32; 0]),
            Err(Error::Shape { .. })
        ));
        let error = network.gradients(&[0.0; 6], &[0, 2]).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Label {
                    row: 1,
                    label: 2,
                    classes: 2
                }
            ),
            "{error}"
        );
        assert!(matches!(
            network.parameter("none"),
            Err(Error::Argument { .. })
        ));
        assert!(matches!(
            network.set_parameter("layers.0.bias", &[0.0]),
            Err(Error::Shape { .. })
        ));
        let infinite = network.set_parameter("layers.0.bias", &[0.0, f32::INFINITY]);
        assert!(matches!(infinite, Err(Error::NonFiniteData { .. })));
    }
}
