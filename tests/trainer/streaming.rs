//! Streaming of data sets that are too large for the device: the same batches, the same bits.

use super::common::compare::assert_same_bits;
use super::common::data::Random;
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::{FEATURES, data, network, samples};
use wgrad::{Dataset, Device, Loss, Sequential, Trainer, TrainerBuilder};

/// Trains and evaluates; the parameters, and the losses of both.
fn run(builder: TrainerBuilder, data: &Dataset) -> (Vec<f32>, [f64; 2]) {
    let mut trainer = builder
        .batch_size(16)
        .steps_per_submit(3)
        .seed(2)
        .build()
        .unwrap();
    trainer.steps(data, 5).unwrap();
    let report = trainer.fit(data, 2).unwrap().pop().unwrap();
    let score = trainer.evaluate(data).unwrap();
    (parameters(trainer.network_mut()), [report.loss, score.loss])
}

#[test]
fn a_streamed_data_set_gives_the_same_bits() {
    let floats = data(150);
    let mut random = Random::new(3);
    let bytes: Vec<u8> = random
        .words(150 * FEATURES, 256)
        .iter()
        .map(|&w| w as u8)
        .collect();
    let bytes = Dataset::from_bytes(FEATURES, bytes, floats.labels().to_vec(), 3).unwrap();
    let regression =
        Dataset::regression(FEATURES, samples(&floats), 2, random.normals(300)).unwrap();
    let linear = |device: &Device| {
        let network = Sequential::new(FEATURES).dense(2).build(device, 1).unwrap();
        Trainer::builder(network).loss(Loss::mean_squared_error())
    };
    for device in [cpu(), gpu()] {
        for (name, data) in [
            ("floats", &floats),
            ("bytes", &bytes),
            ("targets", &regression),
        ] {
            let builder = || match data.classes() {
                0 => linear(device),
                _ => Trainer::builder(network(device)),
            };
            let resident = run(builder(), data);
            let streamed = run(builder().data_budget(0), data);
            assert_same_bits(name, &streamed.0, &resident.0);
            assert_eq!(streamed.1, resident.1, "{name}");
        }
    }
}

#[test]
fn a_part_of_an_evaluation_streams_too() {
    // More than the sixteen batches of one submit.
    let data = data(5000);
    for device in [cpu(), gpu()] {
        let score = |budget| {
            let builder = Trainer::builder(network(device)).data_budget(budget);
            builder.build().unwrap().evaluate(&data).unwrap()
        };
        assert_eq!(score(0), score(1 << 30));
    }
}
