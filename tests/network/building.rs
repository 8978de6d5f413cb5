//! Building of networks: initial values, their defaults, the short methods, and the summary.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu};
use wgrad::{Activation, Sequential};

#[test]
fn initial_values_are_a_function_of_the_seed_alone() {
    let build = |device, seed| {
        Sequential::new(20)
            .dense(30)
            .relu()
            .dense(4)
            .build(device, seed)
            .unwrap()
    };
    for name in ["layers.0.weight", "layers.1.weight"] {
        let first = build(cpu(), 5).parameter(name).unwrap();
        assert_same_bits(name, &first, &build(gpu(), 5).parameter(name).unwrap());
        assert_ne!(first, build(cpu(), 6).parameter(name).unwrap());
    }
    assert_eq!(
        build(gpu(), 5).parameter("layers.0.bias").unwrap(),
        [0.0; 30]
    );
}

#[test]
fn init_is_of_the_last_dense_layer_whatever_stands_between() {
    let layers = Sequential::new(3).dense(4).relu().init(wgrad::Init::Zeros);
    let network = layers.dense(2).build(cpu(), 1).unwrap();
    assert_eq!(network.parameter("layers.0.weight").unwrap(), [0.0; 12]);
    assert_ne!(network.parameter("layers.1.weight").unwrap(), [0.0; 8]);
}

#[test]
fn the_weights_default_to_what_suits_the_activation() {
    use wgrad::Activation::{Relu, Selu, Sigmoid};
    // U(−√(6/100), √(6/100)); N(0, 1/100), which leaves that interval; U(−√(6/500), √(6/500)).
    for (f, most, least) in [
        (Relu, 0.245, 0.24),
        (Selu, 0.6, 0.26),
        (Sigmoid, 0.1096, 0.107),
    ] {
        let layers = Sequential::new(100).dense(400).activation(f).dense(2);
        let weights = layers
            .build(cpu(), 1)
            .unwrap()
            .parameter("layers.0.weight")
            .unwrap();
        let max_abs = weights
            .iter()
            .fold(0.0f32, |max_abs, w| max_abs.max(w.abs()));
        assert!((least..most).contains(&max_abs), "{f}: {max_abs}");
    }
}

#[test]
fn short_methods_stand_for_their_activations() {
    let base = || Sequential::new(2).dense(2);
    for (short, f) in [
        (base().relu(), Activation::Relu),
        (base().leaky_relu(), Activation::LeakyRelu { slope: 0.01 }),
        (base().relu6(), Activation::Relu6),
        (base().elu(), Activation::Elu { alpha: 1.0 }),
        (base().selu(), Activation::Selu),
        (base().sigmoid(), Activation::Sigmoid),
        (base().tanh(), Activation::Tanh),
        (base().softsign(), Activation::Softsign),
        (base().silu(), Activation::Silu),
        (base().hard_swish(), Activation::HardSwish),
        (base().mish(), Activation::Mish),
        (base().gelu(), Activation::Gelu),
        (base().gelu_tanh(), Activation::GeluTanh),
    ] {
        assert_eq!(short, base().activation(f));
    }
}

#[test]
fn a_network_describes_itself() {
    let network = Sequential::new(784)
        .dense(512)
        .relu()
        .dense(10)
        .build(cpu(), 0)
        .unwrap();
    assert_eq!(
        (network.input_features(), network.output_features()),
        (784, 10)
    );
    assert_eq!(network.parameter_count(), 784 * 512 + 512 + 512 * 10 + 10);
    let summary = network.summary();
    for part in ["layers.0.weight", "[512, 784]", "401408", "[10]", "407050"] {
        assert!(summary.contains(part), "{summary}");
    }
}
