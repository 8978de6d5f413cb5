//! Values of more than two dimensions: each operation on time steps and pixels equals the operation on the rows of a
//! matrix; values and gradients of reshapes, slices and similar operations.

use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::graphs::Case;
use super::{CLASSES, INPUTS};
use approx::assert_relative_eq;
use wgrad::{
    Activation, Dataset, Device, Error, Graph, Init, Layout, Loss, LossTarget, Network, Sequential,
    Shape, Trainer, Value,
};

fn devices() -> [&'static Device; 3] {
    [cpu(), gpu(), gpu_hardware_kernels()]
}

/// Graphs with operations along dimensions, for the gradient check on every device.
pub(crate) const SHAPED: &[Case] = &[
    ("reshapes that are free and that copy", |g, x| {
        let h = g.dense(x, 24, Init::XavierNormal)?;
        // Copies to rows of 3, is free to rows of 8.
        let steps = g.reshape(h, [8, 3])?;
        let steps = g.activation(steps, Activation::Tanh)?;
        let wide = g.reshape(h, [3, 8])?;
        let wide = g.dense(wide, 8, Init::XavierNormal)?;
        let steps = g.flatten(steps)?;
        let wide = g.flatten(wide)?;
        let sum = g.add(steps, wide)?;
        g.dense(sum, CLASSES, Init::XavierNormal)
    }),
    ("slices and concats along every dimension", |g, x| {
        let h = g.dense(x, 30, Init::XavierNormal)?;
        let h = g.reshape(h, [2, 5, 3])?;
        let a = g.slice(h, 2, 1..4)?;
        let b = g.slice(h, 3, 1..3)?;
        let c = g.slice(h, 1, 1..2)?;
        let twice = g.concat(&[a, h, a], 2)?;
        let twice = g.activation(twice, Activation::Tanh)?;
        let beside = g.concat(&[b, h], 3)?;
        let below = g.concat(&[h, c], 1)?;
        let parts = [twice, beside, below].map(|part| g.flatten(part));
        let [twice, beside, below] = parts;
        let all = g.concat(&[twice?, beside?, below?], 1)?;
        g.dense(all, CLASSES, Init::XavierNormal)
    }),
    (
        "sums, means, maxima and broadcasts along dimensions",
        |g, x| {
            let h = g.dense(x, 30, Init::XavierNormal)?;
            let h = g.reshape(h, [2, 5, 3])?;
            let sum = g.sum(h, 2)?;
            let mean = g.mean(h, 1)?;
            let max = g.max(h, 2)?;
            let last = g.max(h, 3)?;
            let first = g.max(h, 1)?;
            let centred = g.sub(h, sum)?;
            let scaled = g.mul(centred, mean)?;
            let scaled = g.add(scaled, max)?;
            let scaled = g.add(last, scaled)?;
            let scaled = g.sub(scaled, first)?;
            let scaled = g.activation(scaled, Activation::Tanh)?;
            let flat = g.flatten(scaled)?;
            g.dense(flat, CLASSES, Init::XavierNormal)
        },
    ),
    ("parameters of several dimensions", |g, x| {
        let h = g.dense(x, 12, Init::XavierNormal)?;
        let h = g.reshape(h, [4, 3])?;
        // A place for every step, the same for all samples; and a transposed weight.
        let place = g.parameter("place", [1, 4, 3], Init::XavierNormal)?;
        let h = g.add(h, place)?;
        let of_step = g.parameter("of_step", [4, 1], Init::XavierNormal)?;
        let h = g.mul(h, of_step)?;
        let kernel = Shape::from([5, 1, 3]).with_row_dims(1)?;
        let w = g.parameter_with_fans("kernel", kernel, Init::KaimingNormal, [3, 5])?;
        let h = g.matmul(h, w, Layout::NT)?;
        let w = g.parameter("w", [CLASSES, 5], Init::XavierNormal)?;
        let w = g.transpose(w)?;
        let h = g.matmul(h, w, Layout::NN)?;
        let h = g.sum(h, 1)?;
        g.flatten(h)
    }),
    ("layers on time steps", |g, x| {
        let h = g.dense(x, 12, Init::XavierNormal)?;
        let h = g.reshape(h, [3, 4])?;
        let h = g.dense(h, 6, Init::XavierNormal)?;
        let h = g.layer_norm(h)?;
        let h = g.prelu(h, false)?;
        let h = g.batch_norm(h)?;
        let h = g.glu(h)?;
        let h = g.dropout(h, 0.3)?;
        let h = g.softmax(h)?;
        let h = g.max(h, 1)?;
        let h = g.flatten(h)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
];

/// The network's loss and gradients for sequences of three steps.
fn of_sequences(network: &mut Network, rows: usize) -> (f32, Vec<(String, Vec<f32>)>) {
    let mut random = Random::new(5);
    let x = random.normals(rows * 7);
    let labels = random.words(rows, CLASSES);
    let found = network.gradients(&x, &labels).unwrap();
    (found.loss, found.gradients)
}

/// The weights after training, as the bytes of a file.
fn weights(trainer: Trainer) -> Vec<u8> {
    pollster::block_on(trainer.into_network().to_bytes_async()).unwrap()
}

fn layers(sample: impl Into<Shape>) -> Sequential {
    Sequential::new(sample)
        .dense(9)
        .layer_norm()
        .tanh()
        .dense(8)
        .batch_norm()
        .dense(CLASSES)
}

/// A dense layer, normalisations and softmax cross-entropy on [B, T, D] are the same numbers as on [B·T, D].
#[test]
fn layers_and_losses_on_time_steps_are_those_on_rows() {
    for device in devices() {
        let mut steps = layers([3, 7]).build(device, 4).unwrap();
        let mut rows = layers(7).build(device, 4).unwrap();
        assert_eq!(steps.output_features(), 3 * CLASSES);
        assert_eq!(steps.output_shape(), Shape::from([3, CLASSES]));
        let (a, b) = (of_sequences(&mut steps, 12), of_sequences(&mut rows, 12));
        assert_eq!(a, b);
        let x = Random::new(6).normals(12 * 7);
        assert_eq!(steps.predict(&x).unwrap(), rows.predict(&x).unwrap());
        assert_eq!(steps.classify(&x).unwrap(), rows.classify(&x).unwrap());
        // And so are training steps, accumulated ones too.
        for accumulate in [1, 2] {
            let train = |layers: Sequential, batch: usize| {
                let network = layers.build(device, 4).unwrap();
                let builder = Trainer::builder(network).batch_size(batch);
                let mut trainer = builder.accumulate(accumulate).build().unwrap();
                let mut random = Random::new(7);
                for _ in 0..4 {
                    let (x, labels) = (random.normals(6 * 7), random.words(6, CLASSES));
                    trainer.step(&x, &labels).unwrap();
                }
                weights(trainer)
            };
            assert_eq!(train(layers([3, 7]), 2), train(layers(7), 6));
        }
    }
}

/// Target values for every step, from a data set: the loss's rows are cut out of one row a sample.
#[test]
fn target_values_of_sequences_come_from_a_data_set() {
    for device in devices() {
        let mut random = Random::new(8);
        // Five columns are padded, so the targets must be rearranged; four are not.
        for cols in [5, 4] {
            let (x, t) = (random.normals(10 * 3 * 7), random.normals(10 * 3 * cols));
            let train = |sample: Shape, steps: usize| {
                let network = Sequential::new(&sample).dense(6).tanh().dense(cols);
                let network = network.build(device, 2).unwrap();
                let (x, t) = (x.clone(), t.clone());
                let data = Dataset::regression(&sample, x, steps * cols, t).unwrap();
                let mut trainer = Trainer::builder(network)
                    .loss(Loss::mean_squared_error())
                    .batch_size(12 / steps)
                    .shuffle(false)
                    .build()
                    .unwrap();
                trainer.fit(&data, 2).unwrap();
                let loss = trainer.evaluate(&data).unwrap().loss;
                (loss, weights(trainer))
            };
            let (a, b) = (train([3, 7].into(), 3), train([7].into(), 1));
            assert_relative_eq!(a.0, b.0, epsilon = 0.0, max_relative = 1e-6);
            assert_eq!(a.1, b.1);
        }
    }
}

/// An image that is flattened first is read as it lies: the same calls as for a row of features.
#[test]
fn a_flattened_image_costs_nothing() {
    let image = Sequential::new([6, 5, 1])
        .flatten()
        .dense(4)
        .relu()
        .dense(3);
    let row = Sequential::new(30).dense(4).relu().dense(3);
    for device in devices() {
        let [image, row] = [&image, &row].map(|layers| {
            let network = layers.build(device, 1).unwrap();
            assert_eq!(network.input_features(), 30);
            let data = Dataset::from_floats([6, 5, 1], vec![0.5; 60], vec![0, 2], 3).unwrap();
            assert_eq!(data.sample_shape(), &Shape::from([6, 5, 1]));
            let mut trainer = Trainer::builder(network).batch_size(2).build().unwrap();
            trainer.fit(&data, 2).unwrap();
            let dispatches = trainer.plan().dispatches();
            (dispatches, weights(trainer))
        });
        assert_eq!(image, row);
    }
}

fn predict(
    device: &Device,
    x: &[f32],
    build: impl Fn(&mut Graph) -> wgrad::Result<Value>,
) -> Vec<f32> {
    let mut graph = Graph::new();
    let y = build(&mut graph).unwrap();
    graph.build(y, device, 0).unwrap().predict(x).unwrap()
}

#[test]
fn values_move_to_the_right_places_whatever_the_padding() {
    // Two samples [2, 3, 5].
    let x: Vec<f32> = (0..60).map(|i| i as f32).collect();
    let at = |b: usize, h: usize, w: usize, c: usize| (((b * 2 + h) * 3 + w) * 5 + c) as f32;
    for device in devices() {
        let found = predict(device, &x, |g| {
            let x = g.input([2, 3, 5])?;
            let x = g.slice(x, 2, 1..3)?;
            g.slice(x, 3, 2..4)
        });
        let mut expected = Vec::new();
        for (b, h) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            for w in 1..3 {
                expected.extend([at(b, h, w, 2), at(b, h, w, 3)]);
            }
        }
        assert_eq!(found, expected);
        // A slice of a reshape to other rows, and of flat columns that are several dimensions.
        let found = predict(device, &x, |g| {
            let x = g.input([2, 3, 5])?;
            let x = g.reshape(x, Shape::from([5, 2, 3]).with_row_dims(0)?)?;
            g.slice(x, 2, 1..2)
        });
        let expected: Vec<f32> = (0..2)
            .flat_map(|b| {
                (0..5).flat_map(move |i| (0..3).map(move |k| (b * 30 + i * 6 + 3 + k) as f32))
            })
            .collect();
        assert_eq!(found, expected);
        let found = predict(device, &x, |g| {
            let x = g.input([2, 3, 5])?;
            let max = g.max(x, 1)?;
            g.sum(max, 2)
        });
        let expected: Vec<f32> = (0..10)
            .map(|i| (0..3).map(|w| at(i / 5, 1, w, i % 5)).sum())
            .collect();
        assert_eq!(found, expected);
    }
}

/// The gradient of a maximum goes to the first of equals, and to no other.
#[test]
fn the_gradient_of_a_maximum_goes_to_the_first_of_equals() {
    for device in devices() {
        let mut graph = Graph::new();
        let x = graph.input(1).unwrap();
        let w = graph.parameter("w", [1, 3, 2], Init::Zeros).unwrap();
        let max = graph.max(w, 1).unwrap();
        let max = graph.reshape(max, [1, 2]).unwrap();
        let y = graph.mul(x, max).unwrap();
        let loss = Loss::from(wgrad::Criterion::Value).reduction(wgrad::Reduction::Sum);
        graph.loss("sum", &[y], LossTarget::Batch, loss).unwrap();
        let mut network = graph.build(y, device, 0).unwrap();
        let w = [1.0, 2.0, 3.0, 2.0, 3.0, 2.0];
        network.set_parameter("w", &w).unwrap();
        let found = network.gradients(&[2.0, 5.0], ()).unwrap();
        assert_eq!(found.gradients[0].1, [0.0, 7.0, 7.0, 0.0, 0.0, 0.0]);
    }
}

#[test]
fn what_does_not_fit_a_shape_is_a_typed_error() {
    let mut graph = Graph::new();
    let x = graph.input([4, 3]).unwrap();
    let w = graph.parameter("w", [2, 3], Init::Zeros).unwrap();
    let flat = graph.flatten(x).unwrap();
    for error in [
        graph.reshape(x, [5, 3]).unwrap_err(),
        graph.reshape(w, [4, 3]).unwrap_err(),
        graph.transpose(x).unwrap_err(),
        graph.slice(x, 1, 3..5).unwrap_err(),
        graph.slice(x, 1, 2..2).unwrap_err(),
        graph.concat(&[x, flat], 1).unwrap_err(),
        graph.concat(&[x, w], 1).unwrap_err(),
        graph.add(x, flat).unwrap_err(),
        graph.bias_add(x, w).unwrap_err(),
        graph.batch_norm(w).unwrap_err(),
        graph
            .loss("w", &[w], LossTarget::Batch, Loss::mean_squared_error())
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    for error in [
        graph.slice(x, 0, 0..1).unwrap_err(),
        graph.slice(x, 3, 0..1).unwrap_err(),
        graph.concat(&[x, x], 0).unwrap_err(),
        graph.concat(&[], 1).unwrap_err(),
        graph.max(x, 0).unwrap_err(),
        graph.mean(x, 0).unwrap_err(),
        graph.sum(x, 3).unwrap_err(),
        graph.named_input("", 3).unwrap_err(),
        graph.named_input("empty", [3, 0]).unwrap_err(),
        graph
            .parameter_with_fans("p", 3, Init::default(), [0, 1])
            .unwrap_err(),
        Shape::from([2, 3]).with_row_dims(3).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Argument { .. }), "{error}");
    }
    // Products of lengths beyond what can be counted, on any machine.
    let nodes = graph.clone();
    for error in [
        graph.named_input("large", [1 << 30, 1 << 30]).unwrap_err(),
        graph.reshape(x, [usize::MAX, usize::MAX]).unwrap_err(),
        graph
            .parameter("large", [1 << 30, 1 << 30], Init::Zeros)
            .unwrap_err(),
        graph
            .random_normal([1 << 30, 1 << 30], 0.0, 1.0)
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::Limit { .. }), "{error}");
    }
    assert_eq!(format!("{graph:?}"), format!("{nodes:?}"));
    // Labels: one for each time step.
    let mut network = layers([3, INPUTS]).build(cpu(), 1).unwrap();
    let x = [0.5; 2 * 3 * INPUTS];
    network.gradients(&x, &[0u32; 6]).unwrap();
    for labels in [&[0u32; 2][..], &[0; 5], &[0; 12]] {
        let error = network.gradients(&x, labels).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    let mut trainer = Trainer::builder(network).build().unwrap();
    let data = Dataset::from_floats([3, INPUTS], x.to_vec(), vec![0, 1], 2).unwrap();
    let error = trainer.fit(&data, 1).err().unwrap();
    assert!(error.to_string().contains("3 labels per sample"), "{error}");
    // Images of another size with as many pixels; a flat sample fits.
    let network = Sequential::new([2, 6]).flatten().dense(2).build(cpu(), 1);
    let mut trainer = Trainer::builder(network.unwrap()).build().unwrap();
    let data = |sample: Shape| Dataset::from_floats(sample, vec![0.5; 24], vec![0, 1], 2).unwrap();
    for (sample, fits) in [
        ([2, 6, 1].into(), true),
        (12.into(), true),
        ([3, 4].into(), false),
    ] {
        let found = trainer.fit(&data(sample), 1).err();
        assert_eq!(found.is_none(), fits, "{found:?}");
        assert!(matches!(found, None | Some(Error::Shape { .. })));
    }
}
