//! A state carried from window to window of long sequences (truncated backpropagation through time): against one
//! network over the whole sequence, against steps whose states are passed by hand, and the same bits for every cut.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::networks::parameters;
use super::common::oracle::widen;
use wgrad::{
    Adam, Cell, Dataset, Device, Error, Graph, Init, Inputs, Network, Recurrent, Sgd, Trainer,
    TrainerBuilder,
};

const WINDOW: usize = 4;
const INPUTS: usize = 3;
const CLASSES: usize = 3;
/// An LSTM's state of one row would not lie in memory as its flat form does.
const UNITS: usize = 5;

#[derive(Clone, Copy, PartialEq)]
enum Read {
    /// The classes of each step.
    Classes,
    /// The state after the last step, of the first layer.
    State,
}

/// Two layers over windows of this many steps. The state is carried, or an input, or always 0.
fn network(device: &Device, cell: Cell, steps: usize, state: &str, read: Read) -> Network {
    let mut graph = Graph::new();
    let x = graph.named_input("x", [steps, INPUTS]).unwrap();
    let layers = Recurrent::new(cell, UNITS).layers(2);
    let values = match state {
        "carried" => graph.recurrent_carried(x, &layers, None),
        "input" => {
            let shape = [if cell == Cell::Lstm { 2 } else { 1 }, UNITS];
            let states = ["a", "b"].map(|name| graph.named_input(name, shape).unwrap());
            graph.recurrent_with(x, &layers, &states, None)
        }
        _ => graph.recurrent(x, &layers),
    };
    let values = values.unwrap();
    let y = graph.dense(values.all, CLASSES, Init::default()).unwrap();
    let output = match read {
        Read::Classes => y,
        Read::State => graph.concat(&values.state, 1).unwrap(),
    };
    graph.build(output, device, 3).unwrap()
}

fn carried(device: &Device, cell: Cell) -> Network {
    network(device, cell, WINDOW, "carried", Read::Classes)
}

const STATES: [&str; 2] = ["layers.0.state_l0", "layers.0.state_l1"];

fn data(windows: usize) -> Dataset {
    let mut random = Random::new(8);
    let values = random.normals(windows * WINDOW * INPUTS);
    let labels = random.words(windows * WINDOW, CLASSES);
    let data = Dataset::named("x", [WINDOW, INPUTS], values).unwrap();
    data.with_labels(labels, CLASSES).unwrap()
}

fn samples(data: &Dataset, rows: &[usize]) -> (Vec<f32>, Vec<u32>) {
    let values = rows.iter().flat_map(|&row| data.sample(row).unwrap());
    let labels = rows
        .iter()
        .flat_map(|&row| &data.labels()[row * WINDOW..][..WINDOW]);
    (values.collect(), labels.copied().collect())
}

/// A rate so small that no weight changes by more than rounding.
fn still(network: Network) -> TrainerBuilder {
    Trainer::builder(network)
        .optimizer(Sgd::new(1e-30))
        .batch_size(1)
}

#[test]
fn windows_of_a_sequence_are_one_long_run() {
    let windows = 6;
    let data = data(windows);
    let (x, labels) = samples(&data, &[0, 1, 2, 3, 4, 5]);
    let steps = windows * WINDOW;
    let whole = Dataset::named("x", [steps, INPUTS], x.clone()).unwrap();
    let whole = whole.with_labels(labels, CLASSES).unwrap();
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        for cell in [Cell::Lstm, Cell::Gru, Cell::Relu] {
            let name = format!("{cell:?}");
            let near = Tolerance::absolute(1e-5);
            let mut trainer = still(carried(device, cell)).build().unwrap();
            let long = network(device, cell, steps, "", Read::Classes);
            let long_state = network(device, cell, steps, "", Read::State);
            let before = parameters(trainer.network_mut());
            let expected = Trainer::builder(long)
                .build()
                .unwrap()
                .evaluate(&whole)
                .unwrap();
            let found = trainer.evaluate(&data).unwrap();
            assert!(
                (found.loss - expected.loss).abs() <= 1e-6,
                "{name}: {found:?} {expected:?}"
            );
            assert_eq!(found.accuracy, expected.accuracy, "{name}");
            // Shuffling does not tear a sequence apart.
            let report = trainer.epoch(&data).unwrap();
            assert!(
                (report.loss - expected.loss).abs() <= 1e-6,
                "{name}: {report:?}"
            );
            let before = widen(&before);
            let all = Tolerance::absolute(1e-25);
            assert_close(&name, &parameters(trainer.network_mut()), &before, all);
            let states = STATES.map(|state| trainer.state(state).unwrap()).concat();
            let expected = widen(&long_state.predict(&x).unwrap());
            assert_close(&name, &states, &expected, near);
            // Another epoch starts with a state of 0 again.
            let again = trainer.epoch(&data).unwrap();
            assert_eq!(again.loss, report.loss, "{name}");
        }
    }
}

/// What a loop in PyTorch does: the state of each window is computed with the weights of its step, detached, and passed
/// to the next step; it is 0 where a sequence or a stream starts.
#[test]
fn training_is_that_with_states_passed_by_hand() {
    let data = data(9).with_sequences(vec![3, 2, 4]).unwrap();
    // Streams of five and four windows: the second starts within no sequence, at window 5.
    let streams = [[0, 1, 2, 3, 4].as_slice(), &[5, 6, 7, 8]];
    let starts = [0, 3, 5];
    for device in [cpu(), gpu()] {
        for (cell, optimizer) in [(Cell::Lstm, 0.5), (Cell::Gru, 0.3)] {
            let name = format!("{cell:?}");
            let builder = |network| {
                Trainer::builder(network)
                    .optimizer(Sgd::new(optimizer))
                    .batch_size(2)
            };
            let found = builder(carried(device, cell))
                .shuffle(false)
                .steps_per_submit(2);
            let mut found = found.build().unwrap();
            let losses = found.epoch(&data).unwrap();

            let by_hand = network(device, cell, WINDOW, "input", Read::Classes);
            let mut by_hand = builder(by_hand).build().unwrap();
            let mut reader = network(device, cell, WINDOW, "input", Read::State);
            let size = if cell == Cell::Lstm { 2 * UNITS } else { UNITS };
            // [layer][row]
            let mut states = vec![vec![vec![0.0; size]; 2]; 2];
            let mut sum = 0.0;
            for turn in 0..5 {
                let rows: Vec<usize> = streams
                    .iter()
                    .filter_map(|s| s.get(turn).copied())
                    .collect();
                for (row, window) in rows.iter().enumerate() {
                    if starts.contains(window) {
                        states.iter_mut().for_each(|layer| layer[row].fill(0.0));
                    }
                }
                let (x, labels) = samples(&data, &rows);
                let [a, b] = [0, 1].map(|layer: usize| states[layer][..rows.len()].concat());
                let inputs = || Inputs::from([("x", &x[..]), ("a", &a[..]), ("b", &b[..])]);
                for parameter in by_hand.network().parameter_names() {
                    let values = by_hand.network().parameter(parameter).unwrap();
                    reader.set_parameter(parameter, &values).unwrap();
                }
                let next = reader.predict(inputs()).unwrap();
                sum += by_hand.step(inputs(), &labels).unwrap().loss * rows.len() as f64;
                for (row, next) in next.chunks_exact(2 * size).enumerate() {
                    states[0][row].copy_from_slice(&next[..size]);
                    states[1][row].copy_from_slice(&next[size..]);
                }
            }
            assert!(
                (losses.loss - sum / 9.0).abs() <= 1e-5,
                "{name}: {losses:?} {}",
                sum / 9.0
            );
            let expected = widen(&parameters(by_hand.network_mut()));
            let near = Tolerance::absolute(1e-5);
            assert_close(&name, &parameters(found.network_mut()), &expected, near);
            for (layer, state) in STATES.iter().enumerate() {
                let expected = widen(&states[layer].concat());
                assert_close(&name, &found.state(state).unwrap(), &expected, near);
            }
        }
    }
}

#[test]
fn cuts_streaming_and_resumes_change_no_bit() {
    let data = data(11).with_sequences(vec![1, 4, 2, 3, 1]).unwrap();
    for device in [cpu(), gpu()] {
        for accumulate in [1, 2] {
            let build = |budget, per_submit| {
                let builder =
                    Trainer::builder(carried(device, Cell::Lstm)).optimizer(Adam::new(0.02));
                let builder = builder.batch_size(3).seed(4).accumulate(accumulate);
                builder
                    .data_budget(budget)
                    .steps_per_submit(per_submit)
                    .build()
                    .unwrap()
            };
            let end = |trainer: &mut Trainer| {
                let states = STATES.map(|state| trainer.state(state).unwrap()).concat();
                (parameters(trainer.network_mut()), states)
            };
            let mut whole = build(1 << 30, 7);
            whole.steps(&data, 7).unwrap();
            let score = whole.evaluate(&data).unwrap();
            let expected = end(&mut whole);
            for (budget, per_submit) in [(1 << 30, 1), (0, 3)] {
                let mut first = build(budget, per_submit);
                // In the middle of the second epoch, where a state is under way.
                first.steps(&data, 6).unwrap();
                assert!(
                    first
                        .state(STATES[0])
                        .unwrap()
                        .iter()
                        .any(|&value| value != 0.0)
                );
                let checkpoint = pollster::block_on(first.to_bytes_async()).unwrap();
                let mut second = build(budget, 5);
                // An evaluation and a step that are forgotten.
                second.steps(&data, 1).unwrap();
                pollster::block_on(second.load_bytes_async("checkpoint", &checkpoint)).unwrap();
                let copied = pollster::block_on(second.to_bytes_async()).unwrap();
                assert!(copied == checkpoint);
                second.evaluate(&data).unwrap();
                second.steps(&data, 1).unwrap();
                let (found, states) = end(&mut second);
                assert_same_bits("parameters", &found, &expected.0);
                assert_same_bits("states", &states, &expected.1);
                assert_eq!(second.evaluate(&data).unwrap().loss, score.loss);
            }
        }
    }
}

#[test]
fn batches_of_the_users_continue_the_state_until_it_is_reset() {
    let data = data(2);
    let ([first, second], labels) = (
        [0, 1].map(|row| samples(&data, &[row]).0),
        samples(&data, &[1]).1,
    );
    for device in [cpu(), gpu()] {
        let mut trainer = still(carried(device, Cell::Gru)).build().unwrap();
        let name = STATES[0];
        assert_eq!(trainer.state(name).unwrap(), [0.0; UNITS]);
        let fresh = trainer.step(&second, &labels).unwrap().loss;
        trainer.reset_state().unwrap();
        trainer.step(&first, &labels).unwrap();
        let states = STATES.map(|state| trainer.state(state).unwrap());
        let continued = trainer.step(&second, &labels).unwrap().loss;
        assert_ne!(continued, fresh);
        let after = trainer.state(name).unwrap();
        trainer.reset_state().unwrap();
        assert_eq!(trainer.step(&second, &labels).unwrap().loss, fresh);
        // Arrays that are given replace the state; the other is carried.
        let given = [
            ("x", &second[..]),
            (STATES[0], &states[0][..]),
            (STATES[1], &states[1][..]),
        ];
        assert_eq!(trainer.step(given, &labels).unwrap().loss, continued);
        assert_same_bits("state", &trainer.state(name).unwrap(), &after);
        // Prediction carries nothing, and neither does evaluation change the state of training.
        let zeros = [0.0; UNITS];
        let from_zero = [
            ("x", &second[..]),
            (STATES[0], &zeros[..]),
            (STATES[1], &zeros[..]),
        ];
        let expected = trainer.predict(from_zero).unwrap();
        assert_same_bits("predicted", &trainer.predict(&second).unwrap(), &expected);
        trainer.evaluate(&data).unwrap();
        assert_same_bits("state", &trainer.state(name).unwrap(), &after);
        // A step that is refused leaves the state as it was.
        let wild = vec![3e38; WINDOW * INPUTS];
        let mut relu = still(carried(device, Cell::Relu)).build().unwrap();
        relu.step(&first, &labels).unwrap();
        let weight = "layers.1.weight";
        relu.network_mut()
            .set_parameter(weight, &[1e30; CLASSES * UNITS])
            .unwrap();
        let before = relu.state(name).unwrap();
        let refused = relu.step(&wild, &labels);
        assert!(
            matches!(refused, Err(Error::NonFinite { .. })),
            "{refused:?}"
        );
        assert_same_bits("refused", &relu.state(name).unwrap(), &before);
    }
}

/// One window a stream, fewer windows than rows, and a last batch of one row.
#[test]
fn short_sequences_and_partial_batches_train() {
    for device in [cpu(), gpu()] {
        for windows in [1, 2, 3, 7] {
            let builder = Trainer::builder(carried(device, Cell::Gru)).batch_size(3);
            let mut trainer = builder.build().unwrap();
            let data = data(windows);
            let report = trainer.epoch(&data).unwrap();
            assert_eq!(
                (report.steps as usize, report.samples),
                (windows.div_ceil(3), windows)
            );
            assert!(report.loss > 0.0 && report.loss.is_finite());
            assert!(trainer.evaluate(&data).unwrap().loss > 0.0);
            let each = data.clone().with_sequences(vec![1; windows]).unwrap();
            assert_eq!(trainer.epoch(&each).unwrap().samples, windows);
        }
    }
}
