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
    let mut geometries = Vec::new();
    for (channels, outputs, groups) in [
        (1, 3, 1),
        (6, 8, 1),
        (11, 17, 1),
        (8, 8, 2),
        (16, 32, 2),
        (32, 16, 4),
        (6, 9, 3),
        (7, 7, 7),
        (600, 600, 1),
        (1200, 1200, 3),
        (600, 602, 2),
    ] {
        geometries.push(geometry(channels, outputs, groups, plain));
        geometries.push(geometry(channels, outputs, groups, strided));
    }
    let relu = Activation::Relu;
    for geometry in geometries {
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
