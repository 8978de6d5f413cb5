//! Layers of images in networks: gradients over strides, paddings, dilations and channels; refusals.

use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::graphs::Case;
use super::{CLASSES, INPUTS};
use wgrad::{Activation, Error, Graph, Init, Padding, Pool, Sequential, Value};

/// Graphs with images, for the gradient check and on every device.
pub(crate) const IMAGES: &[Case] = &[
    ("pooling", |g, x| {
        let h = g.dense(x, 90, Init::XavierNormal)?;
        let h = g.reshape(h, [5, 6, 3])?;
        let h = g.activation(h, Activation::Tanh)?;
        let max = g.max_pool(h, Pool::new([3, 2]).stride([1, 2]).padding([1, 0]))?;
        let average = g.average_pool(h, Pool::new(2).padding(Padding::Same).stride([1, 2]))?;
        let sum = g.add(max, average)?;
        let small = g.max_pool(sum, 2)?;
        let mean = g.global_average_pool(sum)?;
        let greatest = g.global_max_pool(small)?;
        let both = g.concat(&[mean, greatest], 3)?;
        let flat = g.flatten(both)?;
        g.dense(flat, CLASSES, Init::XavierNormal)
    }),
    ("pooling of sequences", |g, x| {
        let h = g.dense(x, 36, Init::XavierNormal)?;
        let h = g.reshape(h, [9, 4])?;
        let h = g.max_pool(h, Pool::new(3).stride(2).dilation(2).padding(2))?;
        let h = g.average_pool(
            h,
            Pool::new(2).stride(1).padding(1).count_include_pad(false),
        )?;
        let h = g.activation(h, Activation::Tanh)?;
        let h = g.flatten(h)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("normalisations of images", |g, x| {
        let h = g.dense(x, 36, Init::XavierNormal)?;
        let h = g.reshape(h, [2, 3, 6])?;
        let h = g.group_norm(h, 3)?;
        let h = g.activation(h, Activation::Tanh)?;
        let h = g.batch_norm(h)?;
        let h = g.rms_norm(h)?;
        let h = g.group_norm_with(h, 1, 1e-3)?;
        let h = g.flatten(h)?;
        let h = g.group_norm(h, 4)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("paddings, permutations and upsampling", |g, x| {
        let h = g.dense(x, 18, Init::XavierNormal)?;
        let h = g.reshape(h, [2, 3, 3])?;
        let h = g.zero_pad(h, [[1, 0], [0, 2]])?;
        let h = g.activation(h, Activation::Tanh)?;
        let h = g.permute(h, &[0, 3, 1, 2])?;
        let h = g.upsample(h, [2, 1])?;
        let h = g.average_pool(h, Pool::new([1, 2]).stride(1))?;
        let h = g.pad(h, 3, 1, 1)?;
        let h = g.permute(h, &[0, 2, 3, 1])?;
        let h = g.upsample(h, 2)?;
        let h = g.average_pool(h, 3)?;
        let h = g.flatten(h)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
];

/// Checks the gradient of a network that ends in a dense layer behind this one, for images of [height, width, channels]
/// that parameters change.
fn check(name: &str, image: [usize; 3], layer: impl Fn(&mut Graph, Value) -> wgrad::Result<Value>) {
    let mut graph = Graph::new();
    let x = graph.input(INPUTS).unwrap();
    let h = graph
        .dense(x, image.iter().product(), Init::XavierNormal)
        .unwrap();
    let h = graph.reshape(h, image).unwrap();
    let h = layer(&mut graph, h).unwrap_or_else(|e| panic!("{name}: {e}"));
    let h = graph.activation(h, Activation::Tanh).unwrap();
    let h = graph.flatten(h).unwrap();
    let logits = graph.dense(h, CLASSES, Init::XavierNormal).unwrap();
    let mut network = graph.build(logits, cpu(), 7).unwrap();
    let mut random = Random::new(5);
    let (x, labels) = (random.normals(2 * INPUTS), random.words(2, CLASSES));
    let check = network.gradient_check(&x, &labels, 1).unwrap();
    assert!(check.passes(1e-6), "{name}: {check}");
    let moved =
        |p: &wgrad::ParameterCheck| p.name.starts_with("layers.0") && p.analytic.abs() > 1e-6;
    assert!(
        check.parameters.iter().any(moved),
        "{name}: no gradient reaches the image"
    );
}

#[test]
fn gradients_of_pooling_agree_with_central_differences() {
    for (i, (kernel, stride, padding, dilation)) in [
        ([2, 2], [2, 2], [[0, 0], [0, 0]], [1, 1]),
        ([3, 2], [1, 2], [[1, 1], [0, 1]], [1, 1]),
        ([2, 2], [1, 1], [[1, 0], [0, 1]], [2, 3]),
        ([5, 7], [1, 2], [[2, 2], [3, 3]], [1, 1]),
        ([1, 2], [3, 3], [[0, 0], [0, 0]], [1, 1]),
    ]
    .into_iter()
    .enumerate()
    {
        for ceil in [false, true] {
            let image = [4, 5, [1, 3, 5, 4][(i + usize::from(ceil)) % 4]];
            let pool = Pool::new(kernel)
                .stride(stride)
                .padding(padding)
                .dilation(dilation)
                .ceil_mode(ceil);
            check(&format!("max {pool:?}"), image, |g, x| g.max_pool(x, pool));
            for include_pad in [false, true] {
                let pool = pool.count_include_pad(include_pad);
                check(&format!("{pool:?}"), image, |g, x| g.average_pool(x, pool));
            }
        }
    }
}

#[test]
fn gradients_of_movement_agree_with_central_differences() {
    for (image, padding) in [
        ([2, 3, 1], [[1, 2], [0, 0]]),
        ([3, 2, 5], [[0, 1], [2, 1]]),
        ([2, 2, 4], [[3, 0], [1, 1]]),
    ] {
        check(&format!("pad {image:?}"), image, |g, x| {
            g.zero_pad(x, padding)
        });
        for factor in [[1, 2], [3, 1], [2, 3]] {
            let name = format!("upsample {image:?} {factor:?}");
            check(&name, image, |g, x| g.upsample(x, factor));
        }
        for order in [[0, 1, 3, 2], [0, 3, 1, 2], [0, 2, 1, 3], [0, 3, 2, 1]] {
            let name = format!("permute {image:?} {order:?}");
            check(&name, image, |g, x| g.permute(x, &order));
        }
    }
}

#[test]
fn movement_that_does_not_fit_is_a_typed_error() {
    let mut graph = Graph::new();
    let x = graph.input([4, 4, 6]).unwrap();
    let flat = graph.named_input("flat", 3).unwrap();
    let line = graph.named_input("line", [4, 2]).unwrap();
    for error in [
        graph.permute(x, &[1, 0, 2, 3]).err(),
        graph.permute(x, &[0, 1, 2]).err(),
        graph.permute(x, &[0, 1, 2, 2]).err(),
        graph.permute(x, &[0, 1, 2, 4]).err(),
        graph.upsample(x, 0).err(),
        graph.upsample(line, [3, 2]).err(),
        graph.pad(x, 0, 1, 1).err(),
        graph.pad(x, 4, 1, 1).err(),
        graph.pad(x, 1, usize::MAX, 1).err(),
        graph.zero_pad(x, Padding::Same).err(),
        graph.zero_pad(line, [1, 2]).err(),
    ] {
        let error = error.expect("an argument out of range");
        assert!(matches!(error, Error::Argument { .. }), "{error}");
    }
    for error in [graph.upsample(flat, 2).err(), graph.zero_pad(flat, 1).err()] {
        let error = error.expect("a flat value");
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    let error = graph.upsample(x, 1 << 40).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
    let layers = Sequential::new([3, 8, 8]).permute([1, 2]).build(cpu(), 0);
    let error = layers.unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error}");
}

#[test]
fn gradients_of_normalisations_agree_with_central_differences() {
    for (image, groups) in [
        ([3, 2, 1], 1),
        ([3, 2, 5], 1),
        ([2, 3, 5], 5),
        ([2, 2, 6], 2),
        ([3, 3, 8], 4),
    ] {
        check(&format!("group norm {image:?} {groups}"), image, |g, x| {
            g.group_norm(x, groups)
        });
        check(&format!("rms norm {image:?}"), image, |g, x| g.rms_norm(x));
        check(&format!("batch norm {image:?}"), image, |g, x| {
            g.batch_norm(x)
        });
    }
}

/// Batch statistics of images are those of all pixels of all samples, of which there may be very many.
#[test]
fn batch_statistics_of_images_are_those_of_their_pixels() {
    let x: Vec<f32> = Random::new(8)
        .normals(4 * 128 * 130 * 2)
        .iter()
        .enumerate()
        .map(|(i, x)| x * 0.5 + 1e3 * (i % 2) as f32)
        .collect();
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let row = |value| wgrad::Tensor::filled(device, [1, 2], value).unwrap();
        let running = wgrad::Tensor::filled(device, [2, 2], 1.0).unwrap();
        let images = wgrad::Tensor::new(device, [4, 128, 130, 2], &x).unwrap();
        let rows = wgrad::Tensor::new(device, [4 * 128 * 130, 2], &x).unwrap();
        let norm = |x: &wgrad::Tensor| x.batch_norm(&row(1.0), &row(0.0), &running, 1e-5, 1.0);
        let (of_images, of_rows) = (norm(&images).unwrap(), norm(&rows).unwrap());
        assert_eq!(of_images.y.shape(), [4, 128, 130, 2]);
        assert_eq!(
            of_images.y.download().unwrap(),
            of_rows.y.download().unwrap()
        );
        let found = of_images.running.download().unwrap();
        for channel in 0..2 {
            let values = || x.iter().skip(channel).step_by(2).map(|&x| f64::from(x));
            let count = (x.len() / 2) as f64;
            let mean = values().sum::<f64>() / count;
            let variance = values().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
            let (mean, variance) = (
                (f64::from(found[channel]) - mean).abs() / mean.abs().max(1.0),
                (f64::from(found[2 + channel]) - variance).abs() / variance,
            );
            assert!(
                mean < 1e-6 && variance < 1e-5,
                "{} {channel}: {mean} {variance}",
                device.report()
            );
        }
    }
}

#[test]
fn groups_that_do_not_divide_the_channels_are_typed_errors() {
    for groups in [0, 4, 7] {
        let error = Sequential::new([4, 4, 6])
            .group_norm(groups)
            .build(cpu(), 0);
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    let mut graph = Graph::new();
    let x = graph.input([4, 4, 6]).unwrap();
    for epsilon in [0.0, f32::NAN] {
        for error in [
            graph.group_norm_with(x, 2, epsilon),
            graph.rms_norm_with(x, epsilon),
        ] {
            let error = error.unwrap_err();
            assert!(matches!(error, Error::Argument { .. }), "{error}");
        }
    }
}

/// A graph's pooling is that of the tensor call, with and without the taps that only training writes.
#[test]
fn a_network_pools_as_a_tensor_does() {
    let x = Random::new(8).normals(3 * 7 * 6 * 5);
    let pool = Pool::new(3).stride(2).padding(1);
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let images = wgrad::Tensor::new(device, [3, 7, 6, 5], &x).unwrap();
        let max = Sequential::new([7, 6, 5]).max_pool(pool);
        let found = max.build(device, 0).unwrap().predict(&x).unwrap();
        let expected = images.max_pool(pool).unwrap().values;
        assert_eq!(found, expected.download().unwrap());
        let average = Sequential::new([7, 6, 5]).average_pool(pool);
        let found = average.build(device, 0).unwrap().predict(&x).unwrap();
        let expected = images.average_pool(pool).unwrap();
        assert_eq!(found, expected.download().unwrap());
    }
}

#[test]
fn a_layer_of_images_after_flat_values_says_how_to_reshape() {
    let layers: [fn(Sequential) -> Sequential; 4] = [
        |s| s.max_pool(2),
        |s| s.average_pool(2),
        |s| s.global_max_pool(),
        |s| s.global_average_pool(),
    ];
    for layer in layers {
        for flat in [Sequential::new(784), Sequential::new([28, 28, 1]).flatten()] {
            let error = layer(flat).build(cpu(), 0).unwrap_err();
            assert!(matches!(error, Error::Shape { .. }), "{error}");
            assert!(
                error.to_string().contains(".reshape([28, 28, 1])"),
                "{error}"
            );
        }
        let fits = Sequential::new(784).reshape([28, 28, 1]);
        assert!(layer(fits).build(cpu(), 0).is_ok());
    }
    let large = Sequential::new([4, 4, 1]).max_pool(5).build(cpu(), 0);
    let error = large.unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
}
