//! Data sets with several inputs per sample, lengths, and a label for each step: a trainer takes the same batches from
//! them as from the user, with the same bits, wherever they lie and however the epoch is cut.

use super::common::compare::assert_same_bits;
use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::networks::parameters;
use wgrad::{
    Adam, Augmentation, Bytes, Dataset, Device, Graph, Indices, Init, Inputs, Loss, LossTarget,
    Network, Recurrent, Trainer, TrainerBuilder,
};

const STEPS: usize = 5;
const INPUTS: usize = 3;
const CLASSES: usize = 4;
const IMAGE: [usize; 3] = [3, 2, 3];
const PIXELS: usize = 18;
const NONE: u32 = Dataset::NO_LABEL;

/// Classes for the steps of a sequence with lengths, and two numbers for an image.
fn network(device: &Device) -> Network {
    let mut graph = Graph::new();
    let image = graph.named_input("image", IMAGE).unwrap();
    let x = graph.named_input("x", [STEPS, INPUTS]).unwrap();
    let lengths = graph.lengths("lengths", x).unwrap();
    let states = graph.recurrent_with(x, &Recurrent::gru(6), &[], Some(lengths));
    let y = graph.dense(states.unwrap().all, CLASSES, Init::default());
    let y = y.unwrap();
    let image = graph.flatten(image).unwrap();
    let numbers = graph.dense(image, 2, Init::default()).unwrap();
    let loss = Loss::softmax_cross_entropy().ignore_index(NONE);
    graph.loss("steps", &[y], LossTarget::Batch, loss).unwrap();
    let loss = Loss::mean_squared_error();
    graph
        .loss("image", &[numbers], LossTarget::Batch, loss)
        .unwrap();
    graph.build(y, device, 3).unwrap()
}

/// The arrays in another order than the inputs of the network. Lengths from 0 to all steps. Samples 4 to 7, the second
/// batch, have no label at all.
fn data(samples: usize) -> Dataset {
    let mut random = Random::new(17);
    let lengths: Vec<u32> = (0..samples as u32).map(|i| i * 2 % 6).collect();
    let mut labels = random.words(samples * STEPS, CLASSES);
    for (i, label) in labels.iter_mut().enumerate() {
        let (sample, step) = (i / STEPS, (i % STEPS) as u32);
        if step >= lengths[sample] || (4..8).contains(&sample) {
            *label = NONE;
        }
    }
    let pixels = random.words(samples * PIXELS, 256);
    let pixels: Vec<u8> = pixels.iter().map(|&word| word as u8).collect();
    Dataset::named(
        "x",
        [STEPS, INPUTS],
        random.normals(samples * STEPS * INPUTS),
    )
    .unwrap()
    .with_lengths("lengths", lengths)
    .unwrap()
    .with_input("image", IMAGE, pixels)
    .unwrap()
    .with_labels(labels, CLASSES)
    .unwrap()
    .with_targets(2, random.normals(samples * 2))
    .unwrap()
}

fn builder(device: &Device) -> TrainerBuilder {
    Trainer::builder(network(device))
        .optimizer(Adam::new(0.01))
        .batch_size(4)
        .steps_per_submit(3)
}

/// Some samples as batches of the user's: x, lengths, image.
fn arrays(data: &Dataset, samples: std::ops::Range<usize>) -> [Vec<f32>; 3] {
    let mut arrays = [const { Vec::new() }; 3];
    for i in samples {
        let sample = data.sample(i).unwrap();
        let (x, rest) = sample.split_at(STEPS * INPUTS);
        arrays[0].extend(x);
        arrays[1].push(rest[0]);
        arrays[2].extend(&rest[1..]);
    }
    arrays
}

fn inputs(arrays: &[Vec<f32>; 3]) -> Inputs<'_> {
    let [x, lengths, image] = arrays;
    [
        ("x", &x[..]),
        ("lengths", &lengths[..]),
        ("image", &image[..]),
    ]
    .into()
}

/// The losses of an epoch's steps, and the parameters after it.
fn steps_of_the_users(device: &Device, data: &Dataset) -> (Vec<f64>, Vec<f32>) {
    let mut trainer = builder(device).build().unwrap();
    let mut losses = Vec::new();
    for first in (0..data.len()).step_by(4) {
        let samples = first..data.len().min(first + 4);
        let labels = &data.labels()[samples.start * STEPS..samples.end * STEPS];
        let targets = &data.targets()[samples.start * 2..samples.end * 2];
        let arrays = arrays(data, samples);
        let report = trainer.step(inputs(&arrays), (labels, targets)).unwrap();
        assert!(report.loss.is_finite() && report.loss > 0.0);
        losses.push(report.loss);
    }
    (losses, parameters(trainer.network_mut()))
}

#[test]
fn batches_of_a_data_set_are_those_of_the_users() {
    // A last batch of one sample.
    let data = data(13);
    assert_eq!(
        (data.labels_per_sample(), data.features()),
        (STEPS, 15 + 1 + 18)
    );
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let (losses, expected) = steps_of_the_users(device, &data);
        for (name, budget) in [("resident", 1 << 30), ("streamed", 0)] {
            let trainer = builder(device)
                .shuffle(false)
                .data_budget(budget)
                .progress_every(1);
            let mut trainer = trainer.build().unwrap();
            let mut found = Vec::new();
            let report = trainer.epoch_with(&data, |progress| found.push(progress.last.loss));
            assert_eq!(report.unwrap().samples, 13, "{name}");
            assert_eq!(found, losses, "{name}");
            assert_same_bits(name, &parameters(trainer.network_mut()), &expected);
        }
    }
}

#[test]
fn shuffled_streamed_and_resumed_epochs_have_the_same_bits() {
    let data = data(13);
    for device in [cpu(), gpu()] {
        let build = |budget, per_submit| {
            let builder = builder(device).seed(9).data_budget(budget);
            builder.steps_per_submit(per_submit).build().unwrap()
        };
        let mut whole = build(1 << 30, 3);
        let score = [
            whole.steps(&data, 7).unwrap().loss,
            whole.evaluate(&data).unwrap().loss,
        ];
        let expected = parameters(whole.network_mut());
        for (budget, per_submit) in [(1 << 30, 1), (0, 2)] {
            let mut first = build(budget, per_submit);
            first.steps(&data, 6).unwrap();
            let checkpoint = pollster::block_on(first.to_bytes_async()).unwrap();
            let mut second = build(budget, 4);
            pollster::block_on(second.load_bytes_async("checkpoint", &checkpoint)).unwrap();
            second.steps(&data, 1).unwrap();
            assert_same_bits("resumed", &parameters(second.network_mut()), &expected);
            assert_eq!(second.evaluate(&data).unwrap().loss, score[1]);
        }
    }
}

/// PyTorch's `cross_entropy(ignore_index, reduction="mean")`: the mean over the rows with labels.
#[test]
fn a_mean_is_over_the_rows_with_labels() {
    let data = data(13);
    for device in [cpu(), gpu()] {
        let mut trainer = builder(device).build().unwrap();
        let logits = trainer.predict(&data).unwrap();
        let arrays = arrays(&data, 0..data.len());
        assert_same_bits(
            "by name",
            &trainer.predict(inputs(&arrays)).unwrap(),
            &logits,
        );
        let (mut sum, mut kept, mut correct) = (0.0, 0, 0);
        for (row, &label) in logits.chunks_exact(CLASSES).zip(data.labels()) {
            if label == NONE {
                continue;
            }
            let row: Vec<f64> = row.iter().map(|&x| x.into()).collect();
            let log_sum = row.iter().map(|x| x.exp()).sum::<f64>().ln();
            sum += log_sum - row[label as usize];
            kept += 1;
            let first_maximum = (0..CLASSES).fold(0, |a, b| if row[b] > row[a] { b } else { a });
            correct += usize::from(first_maximum == label as usize);
        }
        assert!(kept > 10 && kept < 13 * STEPS);
        let score = trainer.evaluate(&data).unwrap();
        let found = score.terms[0].loss.unwrap();
        let expected = sum / kept as f64;
        assert!(
            (found - expected).abs() <= 1e-6 * expected,
            "{found} {expected}"
        );
        assert_eq!(score.accuracy, Some(correct as f64 / kept as f64));
    }
}

/// Tokens with lengths, past which they are no tokens of the vocabulary: as bytes, and as larger numbers.
#[test]
fn token_sequences_have_lengths() {
    let lengths = vec![2, 0, 3, 1, 3];
    for (device, padding) in [(cpu(), 99), (gpu(), 70_000)] {
        let build = || {
            let mut graph = Graph::new();
            let tokens = graph.named_input("tokens", 3).unwrap();
            let lengths = graph.lengths("lengths", tokens).unwrap();
            let x = graph.embedding(tokens, 7, 4, None).unwrap();
            let gru = graph
                .recurrent_with(x, &Recurrent::gru(5), &[], Some(lengths))
                .unwrap();
            let y = graph.dense(gru.last, 2, Init::default()).unwrap();
            let network = graph.build(y, device, 2).unwrap();
            Trainer::builder(network).batch_size(2).shuffle(false)
        };
        let tokens: Vec<u32> = vec![
            6, 0, padding, padding, padding, padding, 1, 2, 3, 4, padding, 0, 5, 5, 6,
        ];
        let labels = [0, 1, 1, 0, 1];
        let data = Dataset::named("tokens", 3, tokens.clone()).unwrap();
        let data = data.with_lengths("lengths", lengths.clone()).unwrap();
        let data = data.with_labels(labels.to_vec(), 2).unwrap();
        let mut by_hand = build().build().unwrap();
        for first in [0, 2, 4] {
            let rows = first..5.min(first + 2);
            let lengths: Vec<f32> = lengths[rows.clone()].iter().map(|&n| n as f32).collect();
            let x = Inputs::named().with("lengths", &lengths);
            let x = x.with_tokens("tokens", &tokens[3 * rows.start..3 * rows.end]);
            by_hand.step(x, &labels[rows]).unwrap();
        }
        let expected = parameters(by_hand.network_mut());
        assert!(expected.iter().all(|value| value.is_finite()));
        for budget in [1 << 30, 0] {
            let mut trainer = build().data_budget(budget).build().unwrap();
            trainer.epoch(&data).unwrap();
            assert_same_bits("tokens", &parameters(trainer.network_mut()), &expected);
        }
        let all = data.clone().with_lengths("other", vec![3; 5]).unwrap();
        assert!(build().build().unwrap().epoch(&all).is_err());
        let long = Dataset::named("tokens", 3, tokens).unwrap();
        let long = long.with_lengths("lengths", vec![3; 5]).unwrap();
        let long = long.with_labels(labels.to_vec(), 2).unwrap();
        let refused = build().build().unwrap().epoch(&long).unwrap_err();
        let wanted = format!("{padding} in sample 0, at 2");
        assert!(refused.to_string().contains(&wanted), "{refused}");
    }
}

/// A batch without any label: its loss is 0, nothing moves, and the next batch trains.
#[test]
fn a_batch_without_labels_changes_nothing() {
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        let x = graph.named_input("x", [2, 3]).unwrap();
        let y = graph.dense(x, 3, Init::default()).unwrap();
        let loss = Loss::softmax_cross_entropy().ignore_index(NONE);
        let network = graph.build(y, device, 1).unwrap();
        let before = parameters(&mut graph_copy(&network));
        let builder = Trainer::builder(network)
            .loss(loss)
            .optimizer(wgrad::Sgd::new(0.5));
        let mut trainer = builder.batch_size(2).shuffle(false).build().unwrap();
        let data = |labels| {
            let data = Dataset::named("x", [2, 3], Random::new(2).normals(12)).unwrap();
            data.with_labels(labels, 3).unwrap()
        };
        let none = data(vec![NONE; 4]);
        let report = trainer.epoch(&none).unwrap();
        assert_eq!((report.loss, report.accuracy), (0.0, None));
        assert_same_bits("no label", &parameters(trainer.network_mut()), &before);
        assert_eq!(trainer.evaluate(&none).unwrap().loss, 0.0);
        let one = data(vec![NONE, NONE, 2, NONE]);
        assert!(trainer.epoch(&one).unwrap().loss > 0.0);
        assert_ne!(parameters(trainer.network_mut()), before);
    }
}

fn graph_copy(network: &Network) -> Network {
    let mut graph = Graph::new();
    let x = graph.named_input("x", [2, 3]).unwrap();
    let y = graph.dense(x, 3, Init::default()).unwrap();
    graph.build(y, network.device(), 1).unwrap()
}

/// Images of three channels with another input: the images move, as the tensor call moves them, and the other input does
/// not.
#[test]
fn augmentation_moves_the_first_input_only() {
    let motion = Augmentation::new([3, 2])
        .channels(3)
        .shift(1.0)
        .rotate(30.0);
    let data = data(4);
    for device in [cpu(), gpu()] {
        let mut trainer = builder(device).shuffle(false).seed(5).augment(motion);
        trainer = trainer.progress_every(1);
        let mut trainer = trainer.build().unwrap();
        let report = trainer.epoch(&data).unwrap();

        let [x, lengths, image] = arrays(&data, 0..4);
        let bytes: Vec<u8> = image.iter().map(|v| (v * 255.0).round() as u8).collect();
        let table = Bytes::new(device, [4, PIXELS], &bytes).unwrap();
        let rows = Indices::new(device, &[0, 1, 2, 3]).unwrap();
        let moved = table
            .gather_augmented(&rows, &motion, 5, 0, 1.0 / 255.0, 0.0)
            .unwrap();
        let moved = moved.download().unwrap();
        assert_ne!(moved, image);
        let mut by_hand = builder(device).build().unwrap();
        let step = by_hand.step(
            inputs(&[x, lengths, moved]),
            (data.labels(), data.targets()),
        );
        assert_eq!(step.unwrap().loss, report.loss);
        let expected = parameters(by_hand.network_mut());
        assert_same_bits("augmented", &parameters(trainer.network_mut()), &expected);
    }
}
