//! Evaluation: batches, memory, graphs whose rows depend on each other, and error texts.

use super::common::devices::{cpu, gpu};
use super::{CLASSES, FEATURES, data, network};
use approx::{assert_relative_eq, relative_eq};
use wgrad::{
    Dataset, Device, Error, GpuOptions, Graph, Init, Layout, Loss, LossTarget, Network, Sequential,
    Sgd, Trainer,
};

#[test]
fn the_evaluation_batch_size_changes_the_loss_by_rounding_alone() {
    let data = data(500);
    for device in [cpu(), gpu()] {
        let evaluate = |size: Option<usize>, budget| {
            let mut builder = Trainer::builder(network(device))
                .batch_size(16)
                .data_budget(budget);
            if let Some(size) = size {
                builder = builder.evaluation_batch_size(size);
            }
            builder.build().unwrap().evaluate(&data).unwrap()
        };
        let usual = evaluate(None, 1 << 30);
        for size in [1, 7, 64, 499, 500, 5000] {
            for budget in [0, 1 << 30] {
                let score = evaluate(Some(size), budget);
                // Sums of rows' losses in f32, of other rows.
                assert!(
                    relative_eq!(score.loss, usual.loss, max_relative = 1e-6, epsilon = 0.0),
                    "{size}: {score:?}"
                );
                assert_eq!((score.accuracy, score.samples), (usual.accuracy, 500));
            }
        }
        for size in [0, usize::MAX] {
            let refused = Trainer::builder(network(device))
                .evaluation_batch_size(size)
                .build();
            assert!(matches!(refused, Err(Error::Argument { .. })));
        }
    }
}

/// A device with a limit of its own.
fn limited(bytes: u64) -> Device {
    let options = GpuOptions::default().allow_software(true);
    Device::gpu(options.memory_limit(bytes)).unwrap()
}

#[test]
fn evaluation_fits_where_training_does() {
    // Wide layers and small batches: 256 rows would take many times the memory of training's two.
    let build = |device: &Device| {
        let layers = Sequential::new(FEATURES).dense(64).relu();
        let network = layers
            .dense(500)
            .relu()
            .dense(CLASSES)
            .build(device, 7)
            .unwrap();
        let builder = Trainer::builder(network).optimizer(Sgd::new(0.1));
        builder.batch_size(2).build().unwrap()
    };
    let data = data(8);
    let free = limited(1 << 40);
    let mut trainer = build(&free);
    trainer.epoch(&data).unwrap();
    let needed = free.bytes_allocated();
    let expected = trainer.evaluate(&data).unwrap();

    let device = limited(needed);
    let mut trainer = build(&device);
    trainer.epoch(&data).unwrap();
    let after_one = pollster::block_on(trainer.to_bytes_async()).unwrap();
    for _ in 0..2 {
        let score = trainer.evaluate(&data).unwrap();
        assert_eq!(score.accuracy, expected.accuracy);
        assert_relative_eq!(
            score.loss,
            expected.loss,
            max_relative = 1e-6,
            epsilon = 0.0
        );
        // And training after it.
        assert_eq!(trainer.epoch(&data).unwrap().steps, 4);
        let bytes = pollster::block_on(trainer.to_bytes_async()).unwrap();
        assert!(!bytes.is_empty());
        // Back to where one epoch was done.
        pollster::block_on(trainer.load_bytes_async("a checkpoint", &after_one)).unwrap();
    }
}

/// Loss ½·(y − t)² with y = x·(XᵀX) over all samples X.
fn mixing(device: &Device) -> Network {
    let mut graph = Graph::new();
    let x = graph.input(1).unwrap();
    let w = graph.parameter("w", [1, 1], Init::Constant(1.0)).unwrap();
    let h = graph.matmul(x, w, Layout::NN).unwrap();
    let square = graph.matmul(h, h, Layout::TN).unwrap();
    let y = graph.matmul(h, square, Layout::NN).unwrap();
    let target = LossTarget::Batch;
    graph
        .loss("loss", &[y], target, Loss::mean_squared_error())
        .unwrap();
    graph.build(y, device, 0).unwrap()
}

#[test]
fn a_loss_of_rows_that_depend_on_each_other_is_that_of_all_samples() {
    let rows = 300;
    let x: Vec<f32> = (0..rows).map(|i| (i % 3) as f32 - 1.0).collect();
    let square: f32 = x.iter().map(|x| x * x).sum();
    // The outputs are x·200, the targets 0: the loss is 200²·200/300.
    let expected = f64::from(square).powi(3) / rows as f64;
    let data = Dataset::regression(1, x, 1, vec![0.0; rows]).unwrap();
    for device in [cpu(), gpu()] {
        let mut trainer = Trainer::builder(mixing(device))
            .batch_size(8)
            .build()
            .unwrap();
        let score = trainer.evaluate(&data).unwrap();
        assert_relative_eq!(score.loss, expected, max_relative = 1e-6, epsilon = 0.0);
        let builder = Trainer::builder(mixing(device)).evaluation_batch_size(100);
        let refused = builder.build().unwrap().evaluate(&data).unwrap_err();
        let text = refused.to_string();
        assert!(
            matches!(refused, Error::Argument { .. }) && text.contains("300"),
            "{text}"
        );
    }
}

#[test]
fn after_a_divergence_no_training_step_is_blamed() {
    let data = data(20);
    for device in [cpu(), gpu()] {
        let mut trainer = Trainer::builder(network(device)).build().unwrap();
        trainer.steps(&data, 3).unwrap();
        let weights = vec![3e38; 8 * CLASSES];
        trainer
            .network_mut()
            .set_parameter("layers.1.weight", &weights)
            .unwrap();
        let x = super::samples(&data);
        let errors = [
            trainer.evaluate(&data).unwrap_err(),
            trainer
                .network_mut()
                .gradients(&x, data.labels())
                .unwrap_err(),
        ];
        for error in errors {
            let outside = matches!(
                error,
                Error::NonFinite {
                    step: Error::OUTSIDE_TRAINING,
                    ..
                }
            );
            let text = error.to_string();
            assert!(
                outside && !text.contains("step") && !text.contains("rate"),
                "{text}"
            );
        }
        // A step still names itself.
        let text = trainer.steps(&data, 1).unwrap_err().to_string();
        assert!(text.contains("(step 3)"), "{text}");
    }
}
