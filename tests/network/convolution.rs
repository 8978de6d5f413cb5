//! Convolutions in networks: gradients, errors, the layouts of their operands.

use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::graphs::Case;
use super::{CLASSES, INPUTS};
use wgrad::{
    Activation, Convolution, Device, Error, Graph, Init, Layout, Padding, Sequential, Shape,
};

/// Graphs with convolutions, for the checks of every network.
pub(crate) const CONVOLVED: &[Case] = &[
    ("convolutions of an image", |g, x| {
        let h = g.dense(x, 40, Init::XavierNormal)?;
        let h = g.reshape(h, [4, 5, 2])?;
        let h = g.convolution(h, Convolution::new(6, 3).padding(1), Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let h = g.convolution(
            h,
            Convolution::new(5, [2, 3]).stride([1, 2]).without_bias(),
            Init::XavierNormal,
        )?;
        let h = g.activation(h, Activation::Gelu)?;
        let h = g.convolution(h, (4, 1), Init::XavierNormal)?;
        let h = g.flatten(h)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    ("convolutions of a sequence", |g, x| {
        // The first one reads the input where it lies.
        let h = g.reshape(x, [INPUTS, 1])?;
        let h = g.convolution(
            h,
            Convolution::new(6, 3).padding(Padding::Same),
            Init::XavierNormal,
        )?;
        let h = g.activation(h, Activation::Tanh)?;
        let h = g.convolution(h, Convolution::depthwise(3).dilation(2), Init::XavierNormal)?;
        let h = g.activation(h, Activation::Sigmoid)?;
        let h =
            g.transposed_convolution(h, Convolution::new(3, 2).stride(2), Init::XavierNormal)?;
        let h = g.activation(h, Activation::Tanh)?;
        let h = g.flatten(h)?;
        g.dense(h, CLASSES, Init::XavierNormal)
    }),
    (
        "a transposed convolution of rows, and shared weights",
        |g, x| {
            let h = g.dense(x, 27, Init::XavierNormal)?;
            let h = g.reshape(h, [3, 3, 3])?;
            let shape = Shape::from([3, 2, 2, 3]).with_row_dims(1)?;
            let w = g.parameter_with_fans("w", shape, Init::XavierNormal, [12, 12])?;
            let larger =
                g.convolve_transposed(h, w, Convolution::new(3, 2).stride(2).output_padding(1))?;
            let back = g.convolve(larger, w, Convolution::new(3, 2).stride(2))?;
            let sum = g.add(h, back)?;
            let sum = g.activation(sum, Activation::Tanh)?;
            let flat = g.flatten(sum)?;
            g.dense(flat, CLASSES, Init::XavierNormal)
        },
    ),
];

fn devices() -> [&'static Device; 3] {
    [cpu(), gpu(), gpu_hardware_kernels()]
}

/// Every combination of stride, padding, dilation and groups, forward and transposed, with channel counts that are no
/// multiples of 4, one channel, and kernels larger than the image.
#[test]
fn gradients_agree_with_central_differences() {
    let mut checked = 0;
    for stride in [1, 2, 3] {
        for padding in [Padding::Valid, Padding::Same, [[2, 0], [1, 3]].into()] {
            for dilation in [1, 2] {
                for (channels, outputs, groups) in [(1, 3, 1), (6, 9, 3), (5, 5, 5), (7, 6, 1)] {
                    for transposed in [false, true] {
                        // 4 × 3 pixels under 3 × 3 taps, which are 5 × 5 pixels with dilation: larger than the image.
                        let settings = Convolution::new(outputs, 3)
                            .stride(stride)
                            .padding(padding)
                            .dilation(dilation)
                            .groups(groups);
                        let layers = Sequential::new([4, 3, 2]).convolution((channels, 1)).tanh();
                        let layers = match transposed {
                            true => layers.transposed_convolution(settings),
                            false => layers.convolution(settings),
                        };
                        let layers = layers.tanh().flatten().dense(2);
                        let case =
                            format!("{settings:?}, {channels} channels, transposed: {transposed}");
                        let mut network = match layers.build(cpu(), 3) {
                            Ok(network) => network,
                            // Without enough padding the dilated kernel does not fit.
                            Err(Error::Shape { .. }) => continue,
                            Err(error) => panic!("{case}: {error}"),
                        };
                        let x = Random::new(7).normals(2 * 24);
                        let check = network.gradient_check(&x, &[0, 1], 1).unwrap();
                        let worst = check.worst().unwrap();
                        assert!(worst.relative_error() < 1e-6, "{case}: {worst:?}");
                        assert!(check.parameters.iter().all(|p| p.reached), "{case}");
                        checked += 1;
                    }
                }
            }
        }
    }
    assert!(checked > 120, "{checked}");
}

#[test]
fn bad_convolutions_are_refused() {
    let of = |sample: &[usize], settings: Convolution| {
        Sequential::new(sample)
            .convolution(settings)
            .build(cpu(), 0)
    };
    let transposed = |settings: Convolution| {
        let layers = Sequential::new([5, 5, 4]).transposed_convolution(settings);
        layers.build(cpu(), 0)
    };
    let c = Convolution::new(6, 3);
    for (error, part) in [
        (of(&[2, 5, 1], c), "at least 3 pixels"),
        (of(&[5, 5, 1], c.dilation(3)), "at least 7 pixels"),
        (of(&[5, 5, 4], c.groups(4)), "divides the channels"),
        (of(&[5, 5, 4], c.groups(3)), "divides the channels"),
        (of(&[5, 5, 4], c.groups(0)), "at least 1"),
        (of(&[5, 5, 4], Convolution::new(0, 3)), "at least 1"),
        (of(&[5, 5, 4], Convolution::new(2, 0)), "the kernel"),
        (of(&[5, 5, 4], c.stride(0)), "the stride"),
        (of(&[5, 5, 4], c.dilation([1, 0])), "the dilation"),
        (of(&[5, 5, 4], c.output_padding(1)), "transposed"),
        (of(&[25], c), "reshape([28, 28, 1])"),
        (of(&[5, 5, 5, 4], c), "reshape([28, 28, 1])"),
        (of(&[9, 4], Convolution::new(6, [2, 3])), "sequence"),
        (transposed(c.output_padding(1)), "below the stride"),
        (transposed(c.padding(4)), "padding below"),
        (transposed(c.groups(3)), "divides the channels"),
    ] {
        let error = error.map(drop).unwrap_err();
        assert!(
            matches!(error, Error::Shape { .. } | Error::Argument { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(part), "{error}");
    }
    // A weight whose elements nothing could count.
    let huge = Convolution::new(9, 2_000_000_001).padding(Padding::Same);
    let error = of(&[5, 5, 400], huge).map(drop).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
    let mut graph = Graph::new();
    let x = graph.input([5, 5, 4]).unwrap();
    for shape in [[6, 3, 3, 3], [5, 3, 3, 4], [6, 3, 2, 4]] {
        let shape = Shape::from(shape).with_row_dims(1).unwrap();
        let name = format!("{shape}");
        let w = graph.parameter(&name, shape, Init::Zeros).unwrap();
        let error = graph.convolve(x, w, c).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
        assert!(error.to_string().contains("[6, 3, 3, 4]"), "{error}");
    }
    let rows = graph.parameter("rows", [6, 3, 3, 4], Init::Zeros).unwrap();
    let error = graph.convolve(x, rows, c).unwrap_err();
    assert!(error.to_string().contains("one row dimension"), "{error}");
}

/// A 1×1 convolution is a dense layer on every pixel; one whose kernel is the image, a dense layer on the sample.
#[test]
fn convolutions_of_one_tap_or_one_window_are_dense_layers() {
    let values = Random::new(11).normals(2 * 3 * 4 * 5);
    for device in devices() {
        let build = |window: bool, convolve: bool| {
            let mut g = Graph::new();
            let x = g.input([3, 4, 5]).unwrap();
            let (dims, x) = match (window, convolve) {
                (false, _) => ([6, 1, 1, 5], x),
                (true, true) => ([6, 3, 4, 5], x),
                (true, false) => ([6, 3, 4, 5], g.flatten(x).unwrap()),
            };
            let shape = Shape::from(dims).with_row_dims(1).unwrap();
            let w = g.parameter("w", shape, Init::XavierNormal).unwrap();
            let y = match convolve {
                true => g.convolve(x, w, Convolution::new(6, [dims[1], dims[2]])),
                false => g.matmul(x, w, Layout::NT),
            };
            let network = g.build(y.unwrap(), device, 5).unwrap();
            network.predict(&values).unwrap()
        };
        for window in [false, true] {
            let (found, expected) = (build(window, true), build(window, false));
            assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - b).abs() <= 1e-5, "{a}, {b} on {}", device.report());
            }
        }
    }
}
