//! Progress reports, and the samples that an epoch leaves out.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::{CLASSES, FEATURES, data, network, samples};
use wgrad::{Dataset, Device, Error, Trainer, TrainerBuilder};

fn builder(device: &Device) -> TrainerBuilder {
    Trainer::builder(network(device)).batch_size(4)
}

/// The steps that were reported, with the samples by then.
fn reported(trainer: &mut Trainer, data: &Dataset) -> Vec<(u64, usize)> {
    let mut steps = Vec::new();
    trainer
        .epoch_with(data, |progress| {
            steps.push((progress.last.step, progress.samples));
        })
        .unwrap();
    steps
}

#[test]
fn progress_comes_at_the_interval_asked_for() {
    // Ten batches, the last of two samples.
    let data = data(38);
    for device in [cpu(), gpu()] {
        for steps_per_submit in [1, 2, 4, 16] {
            let trainer = |every| {
                let builder = builder(device).steps_per_submit(steps_per_submit);
                builder.progress_every(every).build().unwrap()
            };
            let threes = [(2, 12), (5, 24), (8, 36), (9, 38)];
            assert_eq!(reported(&mut trainer(3), &data), threes);
            assert_eq!(reported(&mut trainer(5), &data), [(4, 20), (9, 38)]);
            assert_eq!(reported(&mut trainer(100), &data), [(9, 38)]);
            let all = reported(&mut trainer(1), &data);
            let steps: Vec<u64> = all.iter().map(|(step, _)| *step).collect();
            assert_eq!(steps, (0..10).collect::<Vec<u64>>());
            // The rest of an epoch is a call of its own.
            let mut begun = trainer(3);
            begun.steps(&data, 4).unwrap();
            assert_eq!(reported(&mut begun, &data), [(6, 12), (9, 22)]);
        }
        assert!(matches!(
            builder(device).progress_every(0).build(),
            Err(Error::Argument { .. })
        ));
    }
}

#[test]
fn each_report_is_of_its_own_step() {
    let data = data(38);
    for device in [cpu(), gpu()] {
        let losses = |steps_per_submit, every: u64| {
            let builder = builder(device).steps_per_submit(steps_per_submit);
            let mut trainer = builder
                .gradient_norm(true)
                .progress_every(every)
                .build()
                .unwrap();
            let mut losses = Vec::new();
            let report = trainer.epoch_with(&data, |progress| losses.push(progress));
            (losses, report.unwrap().loss)
        };
        let (single, loss) = losses(1, 1);
        let (cut, same) = losses(16, 1);
        assert_eq!((single.len(), loss.to_bits()), (10, same.to_bits()));
        assert_eq!(single, cut);
        assert_eq!(losses(16, 5).0, [single[4], single[9]]);
        assert_eq!(single[9].loss, loss);
    }
}

#[test]
fn an_epoch_without_its_last_batch_takes_whole_batches_alone() {
    let data = data(38);
    let (x, labels) = (samples(&data), data.labels());
    let whole = Dataset::from_floats(
        FEATURES,
        x[..36 * FEATURES].to_vec(),
        labels[..36].to_vec(),
        CLASSES,
    )
    .unwrap();
    for device in [cpu(), gpu()] {
        for budget in [0, 1 << 30] {
            let builder = |drop_last| builder(device).data_budget(budget).drop_last(drop_last);
            let mut trainer = builder(true).shuffle(false).build().unwrap();
            assert_eq!(trainer.steps_per_epoch(&data), 9);
            let mut totals = Vec::new();
            let report = trainer.epoch_with(&data, |progress| totals.push(progress.total));
            let report = report.unwrap();
            assert_eq!((report.steps, report.samples), (9, 36));
            assert!(totals.iter().all(|&total| total == 36));
            // Those that are first, without shuffling: as if there were no others.
            let mut expected = builder(false).shuffle(false).build().unwrap();
            assert_eq!(expected.steps_per_epoch(&data), 10);
            assert_eq!(expected.epoch(&whole).unwrap().loss, report.loss);
            assert_same_bits(
                "weights",
                &parameters(trainer.network_mut()),
                &parameters(expected.network_mut()),
            );
            // A step count that crosses epochs, and a resume within one.
            let mut trainer = builder(true).build().unwrap();
            let report = trainer.steps(&data, 15).unwrap();
            assert_eq!((report.samples, trainer.epoch_number()), (60, 1));
            let bytes = pollster::block_on(trainer.to_bytes_async()).unwrap();
            let mut resumed = builder(true).build().unwrap();
            pollster::block_on(resumed.load_bytes_async("bytes", &bytes)).unwrap();
            assert_eq!(resumed.epoch(&data).unwrap().steps, 3);
            trainer.epoch(&data).unwrap();
            assert_same_bits(
                "resumed",
                &parameters(resumed.network_mut()),
                &parameters(trainer.network_mut()),
            );
            // Evaluation leaves nothing out.
            assert_eq!(trainer.evaluate(&data).unwrap().samples, 38);
        }
        let mut trainer = builder(device).drop_last(true).build().unwrap();
        let few = super::data(3);
        let refused = trainer.epoch(&few).unwrap_err();
        assert!(matches!(refused, Error::Shape { .. }), "{refused}");
        let refused = trainer.steps(&few, 3).unwrap_err();
        assert!(matches!(refused, Error::Shape { .. }), "{refused}");
        assert_eq!(trainer.steps_per_epoch(&few), 0);
    }
}

#[test]
fn a_checkpoint_of_whole_batches_is_refused_where_all_count() {
    let mut saved = builder(cpu()).drop_last(true).build().unwrap();
    let bytes = pollster::block_on(saved.to_bytes_async()).unwrap();
    let mut other = builder(cpu()).build().unwrap();
    let refused = pollster::block_on(other.load_bytes_async("bytes", &bytes));
    assert!(matches!(refused, Err(Error::Format { .. })), "{refused:?}");
}
