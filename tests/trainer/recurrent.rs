//! Recurrent networks in training: the same bits for every cut into submits, and after a resume in the middle of an
//! epoch; the devices agree.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::networks::parameters;
use super::common::oracle::widen;
use wgrad::{Adam, Cell, Dataset, Device, Recurrent, Sequential, Trainer};

const STEPS: usize = 4;
const INPUTS: usize = 3;

fn data() -> Dataset {
    let mut random = Random::new(5);
    let values = random.normals(40 * STEPS * INPUTS);
    Dataset::from_floats(STEPS * INPUTS, values, random.words(40, 3), 3).unwrap()
}

fn trainer(device: &Device, cell: Cell, units: usize, per_submit: usize) -> Trainer {
    let layers = Recurrent::new(cell, units)
        .layers(2)
        .bidirectional()
        .dropout(0.2);
    let network = Sequential::new([STEPS, INPUTS])
        .recurrent_last(layers)
        .dense(3);
    Trainer::builder(network.build(device, 3).unwrap())
        .optimizer(Adam::new(0.01))
        .batch_size(9)
        .seed(11)
        .steps_per_submit(per_submit)
        .build()
        .unwrap()
}

#[test]
fn cuts_into_submits_and_resumes_change_no_bit() {
    let data = data();
    for (cell, units) in [(Cell::Lstm, 6), (Cell::Gru, 66)] {
        for device in [cpu(), gpu()] {
            let run = |per_submit| {
                let mut trainer = trainer(device, cell, units, per_submit);
                trainer.steps(&data, 7).unwrap();
                parameters(trainer.network_mut())
            };
            let whole = run(7);
            assert_same_bits("one step a submit", &run(1), &whole);
            assert_same_bits("three steps a submit", &run(3), &whole);
            let mut first = trainer(device, cell, units, 2);
            first.steps(&data, 3).unwrap();
            let checkpoint = pollster::block_on(first.to_bytes_async()).unwrap();
            let mut second = trainer(device, cell, units, 5);
            pollster::block_on(second.load_bytes_async("checkpoint", &checkpoint)).unwrap();
            second.steps(&data, 4).unwrap();
            assert_same_bits("resumed", &parameters(second.network_mut()), &whole);
        }
    }
}

#[test]
fn devices_train_alike_and_the_loss_falls() {
    let data = data();
    for cell in [Cell::Lstm, Cell::Gru] {
        let run = |device| {
            let mut trainer = trainer(device, cell, 8, 4);
            let first = trainer.steps(&data, 1).unwrap().loss;
            let last = trainer.steps(&data, 20).unwrap().loss;
            assert!(last < first, "{cell:?}: {first} {last}");
            parameters(trainer.network_mut())
        };
        let near = Tolerance {
            relative: 1e-3,
            absolute: 3e-4,
        };
        let expected = widen(&run(cpu()));
        for device in [gpu(), gpu_hardware_kernels()] {
            assert_close(&format!("{cell:?}"), &run(device), &expected, near);
        }
    }
}
