//! Gradient accumulation: updates equal those of one large batch, for all micro-batches.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::networks::parameters;
use super::common::oracle::widen;
use super::{CLASSES, FEATURES, data, network, samples};
use wgrad::{
    Activation, Adam, Criterion, Dataset, Device, Error, Fit, Graph, Init, Loss, LossTarget,
    Network, Reduction, Sequential, Sgd, StopRule, Trainer, TrainerBuilder,
};

/// Sums of ten gradients of about 1 in another order.
const ROUNDING: Tolerance = Tolerance {
    relative: 0.0,
    absolute: 2e-6,
};

/// Ten samples of three classes, of uneven numbers.
fn ten() -> Dataset {
    let all = data(10);
    let labels = vec![1, 1, 0, 1, 2, 2, 1, 0, 2, 1];
    Dataset::from_floats(FEATURES, samples(&all), labels, CLASSES).unwrap()
}

/// Losses that are divided by different things.
fn losses() -> Vec<Loss> {
    let plain = Loss::softmax_cross_entropy;
    vec![
        plain(),
        plain().ignore_index(1),
        plain().class_weights([0.1, 3.0, 0.7]),
        plain().class_weights([0.1, 3.0, 0.7]).ignore_index(2),
        plain().reduction(Reduction::Sum).scaled(0.1),
        Loss::mean_squared_error(),
        Loss::from(Criterion::MultiMargin { margin: 1.0 }).class_weights([0.1, 3.0, 0.7]),
    ]
}

/// Three terms: divided by labels' weights, by the elements, and by nothing.
fn of_many_terms(device: &Device) -> Network {
    let mut graph = Graph::new();
    let x = graph.input(FEATURES).unwrap();
    let h = graph.dense(x, 5, Init::default()).unwrap();
    let h = graph.activation(h, Activation::Tanh).unwrap();
    let y = graph.dense(h, CLASSES, Init::default()).unwrap();
    let weighted = Loss::softmax_cross_entropy().class_weights([0.1, 3.0, 0.7]);
    graph
        .loss("labels", &[y], LossTarget::Batch, weighted)
        .unwrap();
    let small = Loss::mean_squared_error();
    graph
        .loss("small", &[h], LossTarget::Constant(0.0), small)
        .unwrap();
    let sum = Loss::from(Criterion::AbsoluteError)
        .reduction(Reduction::Sum)
        .scaled(0.01);
    graph
        .loss("sum", &[y], LossTarget::Constant(0.0), sum)
        .unwrap();
    graph.build(y, device, 3).unwrap()
}

fn bytes(trainer: &mut Trainer) -> Vec<u8> {
    pollster::block_on(trainer.to_bytes_async()).unwrap()
}

fn descent(network: Network, batch: usize, accumulate: usize) -> TrainerBuilder {
    Trainer::builder(network)
        .optimizer(Sgd::new(0.5))
        .batch_size(batch)
        .accumulate(accumulate)
        .shuffle(false)
}

/// The parameters after a step each on these rows of the data set.
fn whole(builder: TrainerBuilder, data: &Dataset, parts: &[std::ops::Range<usize>]) -> Vec<f64> {
    let mut trainer = builder.build().unwrap();
    for rows in parts {
        let x = &samples(data)[rows.start * FEATURES..rows.end * FEATURES];
        trainer.step(x, &data.labels()[rows.clone()]).unwrap();
    }
    widen(&parameters(trainer.network_mut()))
}

#[test]
fn short_and_partly_ignored_micro_batches_make_the_update_of_the_large_batch() {
    let data = ten();
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        for loss in losses() {
            let builder =
                |batch, accumulate| descent(network(device), batch, accumulate).loss(loss.clone());
            for (accumulate, parts) in [
                (3, vec![0..10]),
                (2, vec![0..8, 8..10]), // the last micro-batch of the epoch updates alone
                (7, vec![0..10]),
            ] {
                let name = format!("{loss:?} by {accumulate} on {}", device.report());
                let wanted = whole(builder(10, 1), &data, &parts);
                let mut trainer = builder(4, accumulate).build().unwrap();
                let report = trainer.epoch(&data).unwrap();
                assert_eq!((report.steps, trainer.pending_batches()), (3, 0));
                assert_close(&name, &parameters(trainer.network_mut()), &wanted, ROUNDING);
            }
            // The same batches one by one: the third makes the update, and nobody knew its size before.
            let wanted = whole(builder(10, 1), &data, &[0..10]);
            let found = whole(builder(4, 3), &data, &[0..4, 4..8, 8..10]);
            let found: Vec<f32> = found.iter().map(|&w| w as f32).collect();
            assert_close(&format!("{loss:?} by steps"), &found, &wanted, ROUNDING);
        }
    }
}

#[test]
fn terms_that_are_divided_by_different_numbers_accumulate_on_a_data_set() {
    let data = ten();
    for device in [cpu(), gpu()] {
        for batch in [1, 3, 4] {
            let wanted = whole(descent(of_many_terms(device), 10, 1), &data, &[0..10]);
            let mut trainer = descent(of_many_terms(device), batch, 10).build().unwrap();
            trainer.epoch(&data).unwrap();
            let found = parameters(trainer.network_mut());
            assert_close(&format!("{batch}"), &found, &wanted, ROUNDING);
        }
        // One by one they must weigh the same, or the next ones must be known.
        let mut trainer = descent(of_many_terms(device), 4, 3).build().unwrap();
        let x = samples(&data);
        trainer
            .step(&x[..4 * FEATURES], &data.labels()[..4])
            .unwrap();
        let before = bytes(&mut trainer);
        let refused = trainer.step(&x[..2 * FEATURES], &data.labels()[2..4]);
        assert!(
            matches!(refused, Err(Error::Argument { .. })),
            "{refused:?}"
        );
        assert_eq!(trainer.pending_batches(), 1);
        assert!(bytes(&mut trainer) == before);
    }
}

#[test]
fn batches_of_a_users_own_wait_for_a_data_sets() {
    let data = ten();
    for device in [cpu(), gpu()] {
        let loss = Loss::softmax_cross_entropy().class_weights([0.1, 3.0, 0.7]);
        let builder =
            |batch, accumulate| descent(network(device), batch, accumulate).loss(loss.clone());
        // Two of the user's, then the first of the epoch: one update of ten rows. The rest of the epoch is another.
        let mut trainer = builder(4, 3).build().unwrap();
        let x = samples(&data);
        trainer
            .step(&x[4 * FEATURES..8 * FEATURES], &data.labels()[4..8])
            .unwrap();
        trainer
            .step(&x[8 * FEATURES..], &data.labels()[8..])
            .unwrap();
        assert_eq!(trainer.pending_batches(), 2);
        let untouched = parameters(&mut network(device));
        assert_same_bits("waiting", &parameters(trainer.network_mut()), &untouched);
        trainer.steps(&data, 1).unwrap();
        assert_eq!(trainer.pending_batches(), 0);
        let wanted = whole(builder(10, 1), &data, &[0..10]);
        assert_close(
            "mixed",
            &parameters(trainer.network_mut()),
            &wanted,
            ROUNDING,
        );
        trainer.epoch(&data).unwrap();
        let wanted = whole(builder(10, 1), &data, &[0..10, 4..10]);
        assert_close(
            "rest",
            &parameters(trainer.network_mut()),
            &wanted,
            ROUNDING,
        );

        // An epoch that is ended early leaves its gradients for the next one's.
        let mut trainer = builder(2, 3).build().unwrap();
        trainer.steps(&data, 2).unwrap();
        trainer.end_epoch();
        assert_eq!(trainer.pending_batches(), 2);
        trainer.steps(&data, 1).unwrap();
        let six: Vec<f32> = [&x[..4 * FEATURES], &x[..2 * FEATURES]].concat();
        let labels = [&data.labels()[..4], &data.labels()[..2]].concat();
        let six = Dataset::from_floats(FEATURES, six, labels, CLASSES).unwrap();
        let wanted = whole(builder(6, 1), &six, &[0..6]);
        assert_close(
            "ended",
            &parameters(trainer.network_mut()),
            &wanted,
            ROUNDING,
        );
    }
}

#[test]
fn accumulation_has_the_same_bits_however_it_is_cut_up() {
    let data = data(90); // batches of 8: 12 micro-batches, updates of 5, 5 and 2
    let builder = |device: &Device| {
        Trainer::builder(network(device))
            .loss(Loss::softmax_cross_entropy().class_weights([0.1, 3.0, 0.7]))
            .optimizer(Adam::new(0.01))
            .batch_size(8)
            .accumulate(5)
            .gradient_norm(true)
            .average(0.5)
    };
    for device in [cpu(), gpu()] {
        let mut trainer = builder(device).build().unwrap();
        trainer.steps(&data, 31).unwrap();
        let wanted = parameters(trainer.network_mut());
        let average = parameters(&mut trainer.averaged().unwrap());
        for submit in [1, 3, 64] {
            let mut trainer = builder(device).steps_per_submit(submit).build().unwrap();
            trainer.steps(&data, 31).unwrap();
            assert_same_bits("submits", &parameters(trainer.network_mut()), &wanted);
        }
        let mut trainer = builder(device).build().unwrap();
        for step in 0..31 {
            if step % 4 == 1 {
                let bytes = bytes(&mut trainer);
                trainer = builder(device).build().unwrap();
                pollster::block_on(trainer.load_bytes_async("a checkpoint", &bytes)).unwrap();
            }
            trainer.steps(&data, 1).unwrap();
        }
        assert_same_bits("resumed", &parameters(trainer.network_mut()), &wanted);
        let found = parameters(&mut trainer.averaged().unwrap());
        assert_same_bits("averaged", &found, &average);
    }
}

#[test]
fn a_step_that_is_not_finite_leaves_the_sum_of_gradients() {
    let data = ten();
    for device in [cpu(), gpu()] {
        let run = |fails: bool| {
            let linear = Sequential::new(FEATURES).dense(CLASSES);
            let network = linear.build(device, 7).unwrap();
            let mut trainer = descent(network, 4, 3).build().unwrap();
            let x = samples(&data);
            for rows in [0..4, 4..8, 8..10] {
                if fails {
                    let bad = [f32::MAX; 2 * FEATURES];
                    let result = trainer.step(&bad, &[0u32, 1]);
                    assert!(matches!(result, Err(Error::NonFinite { .. })), "{result:?}");
                }
                let x = &x[rows.start * FEATURES..rows.end * FEATURES];
                trainer.step(x, &data.labels()[rows]).unwrap();
            }
            assert_eq!((trainer.step_count(), trainer.pending_batches()), (3, 0));
            parameters(trainer.network_mut())
        };
        assert_same_bits("failed between", &run(true), &run(false));
    }
}

#[test]
fn schedules_and_stop_rules_count_updates() {
    let data = ten(); // batches of 4: updates of 2 and 1
    let schedule = wgrad::Schedule::Step {
        every: 2,
        factor: 0.5,
    };
    let builder = || descent(network(cpu()), 4, 2).schedule(schedule.clone());
    let mut trainer = builder().build().unwrap();
    let mut rates = Vec::new();
    for _ in 0..9 {
        rates.push(trainer.learning_rate(trainer.step_count()));
        trainer.steps(&data, 1).unwrap();
    }
    assert_eq!(
        rates,
        [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125]
    );
    // Every third update is checked, the first of them in the second epoch; none is that small twice.
    let rule = StopRule::new(1e9).every(3).checks(2);
    let history = builder()
        .build()
        .unwrap()
        .fit_until(&data, Fit::epochs(9).stop_rule(rule));
    let steps: Vec<u64> = history
        .unwrap()
        .epochs
        .iter()
        .map(|epoch| epoch.steps)
        .collect();
    assert_eq!(steps, [3, 3, 3]);
}
