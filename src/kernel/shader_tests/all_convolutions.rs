//! One convolution of every variant.

use crate::kernel::base::window::Window;
use crate::kernel::convolution::WeightSum;
use crate::kernel::*;

pub(super) fn convolutions() -> Vec<Kernel> {
    let mut kernels = Vec::new();
    let geometry = |channels, outputs, groups, window: Window| Geometry {
        place: window.place("a test", &[9, 9]).expect("a window that fits"),
        channels,
        outputs,
        groups,
    };
    let plain = Window::new([3, 3]);
    let strided = Window {
        stride: [2, 2],
        padding: 1.into(),
        ..plain
    };
    // One, two and four quads of outputs; ragged, paired and whole fours of channels; groups of each kind; long sums.
    let geometries = [
        (1, 3, 1, plain),
        (1, 3, 1, strided),
        (6, 8, 1, strided),
        (11, 17, 1, plain),
        (8, 8, 2, strided),
        (32, 16, 4, plain),
        (6, 9, 3, strided),
        (7, 7, 7, plain),
        (600, 600, 1, strided),
        (600, 602, 2, plain),
    ];
    let relu = Activation::Relu;
    for (channels, outputs, groups, window) in geometries {
        let geometry = geometry(channels, outputs, groups, window);
        for transposed in [false, true] {
            let call = Convolve {
                geometry,
                batch: 3,
                transposed,
                flat: transposed,
                bias: true,
                epilogue: Epilogue::Activation(relu),
            };
            kernels.push(call.into());
        }
        for (batch, bias) in [(3, false), (99, true)] {
            let call = ConvolutionWeight {
                geometry,
                batch,
                flat: [bias, false],
                bias,
            };
            kernels.push(call.into());
        }
    }
    for (epilogue, bias) in [
        (Epilogue::Plain, false),
        (Epilogue::Keep(relu), true),
        (Epilogue::Derivative(relu), false),
    ] {
        let call = Convolve {
            geometry: geometry(5, 9, 1, plain),
            batch: 3,
            transposed: false,
            flat: false,
            bias,
            epilogue,
        };
        kernels.push(call.into());
    }
    for bias in [false, true] {
        for gradient in [None, Some(1)] {
            let shape = MatrixShape::new(5, 9);
            let call = WeightSum {
                shape,
                parts: 3,
                bias,
                gradient,
            };
            kernels.push(call.into());
        }
    }
    kernels
}
