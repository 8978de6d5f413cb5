//! Networks with several named inputs.

use super::CLASSES;
use super::common::compare::{Tolerance, assert_close};
use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::oracle::widen;
use wgrad::{Activation, Dataset, Device, Error, Graph, Init, Network, Trainer};

fn two_inputs(device: &Device) -> Network {
    let mut graph = Graph::new();
    let image = graph.named_input("image", [2, 3, 1]).unwrap();
    let features = graph.named_input("features", 4).unwrap();
    let pixels = graph.dense(image, 3, Init::XavierNormal).unwrap();
    let pixels = graph.activation(pixels, Activation::Tanh).unwrap();
    let flat = graph.flatten(pixels).unwrap();
    let both = graph.concat(&[flat, features], 1).unwrap();
    let y = graph.dense(both, CLASSES, Init::XavierNormal).unwrap();
    graph.build(y, device, 3).unwrap()
}

#[test]
fn several_named_inputs_predict_train_and_have_gradients() {
    let mut random = Random::new(12);
    let rows = 300;
    let (image, features) = (random.normals(rows * 6), random.normals(rows * 4));
    let labels = random.words(rows, CLASSES);
    let mut outputs = Vec::new();
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let mut network = two_inputs(device);
        assert_eq!(network.input_names(), ["image", "features"]);
        let named = [("features", &features[..]), ("image", &image[..])];
        let all = network.predict(named).unwrap();
        assert_eq!(all.len(), rows * CLASSES);
        // In parts of the batch, one of which is filled up.
        network.set_prediction_rows(7).unwrap();
        let parts = network.predict(named).unwrap();
        let near = Tolerance::absolute(1e-5);
        assert_close("parts", &parts, &widen(&all), near);
        let check = network
            .gradient_check(
                [("image", &image[..60]), ("features", &features[..40])],
                &labels[..10],
                1,
            )
            .unwrap();
        assert!(check.passes(1e-6), "{check}");
        let mut trainer = Trainer::builder(network).batch_size(rows).build().unwrap();
        let first = trainer.step(named, &labels).unwrap().loss;
        for _ in 0..20 {
            trainer.step(named, &labels).unwrap();
        }
        assert!(trainer.step(named, &labels).unwrap().loss < first);
        outputs.push(all);
    }
    for other in &outputs[1..] {
        let near = Tolerance::absolute(1e-5);
        assert_close("devices", other, &widen(&outputs[0]), near);
    }
}

#[test]
fn arrays_that_are_not_those_of_the_inputs_are_refused() {
    let network = two_inputs(cpu());
    let (image, features) = ([0.5; 12], [0.5; 8]);
    let good = [("image", &image[..]), ("features", &features[..])];
    network.predict(good).unwrap();
    let wrong: [Vec<(&str, &[f32])>; 6] = [
        vec![],
        vec![good[0]],
        vec![good[0], good[0]],
        vec![good[0], ("feature", &features[..])],
        vec![good[0], ("features", &features[..7])],
        vec![good[0], ("features", &features[..4])],
    ];
    for wrong in wrong {
        let error = network.predict(wrong).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    let error = network.predict(&image).unwrap_err();
    assert!(error.to_string().contains("image, features"), "{error}");
    let bad = [("image", &image[..]), ("features", &[f32::NAN; 8][..])];
    let error = network.predict(bad).unwrap_err();
    assert!(matches!(error, Error::NonFiniteData { .. }), "{error}");
    let mut trainer = Trainer::builder(network).build().unwrap();
    let data = Dataset::from_floats(10, vec![0.5; 20], vec![0, 1], 2).unwrap();
    for error in [
        trainer.fit(&data, 1).err().unwrap(),
        trainer.evaluate(&data).err().unwrap(),
    ] {
        assert!(matches!(error, Error::Shape { .. }), "{error}");
        assert!(error.to_string().contains("image, features"), "{error}");
    }
}
