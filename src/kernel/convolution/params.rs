//! The uniform block of the convolution shaders.

use super::geometry::{Geometry, Pixels};
use crate::kernel::base::MatrixShape;
use crate::kernel::base::program::uniform_block;

uniform_block! {
    copied
    /// The uniform block of the convolution shaders.
    pub(crate) struct Params {
        /// Rows and columns of the result.
        m: u32,
        n: u32,
        /// `vec4` elements from one row of the result to the next.
        ldc: u32,
        /// Floats from one output's weights to the next.
        ldw: u32,
        image_h: u32,
        image_w: u32,
        grid_h: u32,
        grid_w: u32,
        kernel_h: u32,
        kernel_w: u32,
        stride_h: u32,
        stride_w: u32,
        dilation_h: u32,
        dilation_w: u32,
        before_h: u32,
        before_w: u32,
        /// Channels of a group of the image, and of the grid.
        group_channels: u32,
        group_outputs: u32,
        /// Places of the image's pixels and of the grid's, in floats.
        image_sample: u32,
        image_pixel: u32,
        grid_sample: u32,
        grid_pixel: u32,
        /// Windows of a part of the weight gradient, and windows in all.
        slice: u32,
        windows: u32,
        /// The activation's parameters.
        alpha: f32,
        beta: f32,
        _pad: [u32; 2],
    }
}

impl Params {
    /// The parameters for a result of this shape.
    pub(super) fn new(
        geometry: &Geometry,
        image: Pixels,
        grid: Pixels,
        result: MatrixShape,
    ) -> Self {
        let [height, width] = geometry.place.axes();
        let number = |number: usize| number as u32;
        Params {
            m: number(result.rows),
            n: number(result.cols),
            ldc: number(result.ld4()),
            ldw: number(geometry.weight().ld()),
            image_h: number(height.input),
            image_w: number(width.input),
            grid_h: number(height.output),
            grid_w: number(width.output),
            kernel_h: number(height.kernel),
            kernel_w: number(width.kernel),
            stride_h: number(height.stride),
            stride_w: number(width.stride),
            dilation_h: number(height.dilation),
            dilation_w: number(width.dilation),
            before_h: number(height.before),
            before_w: number(width.before),
            group_channels: number(geometry.group_channels()),
            group_outputs: number(geometry.group_outputs()),
            image_sample: number(image.sample),
            image_pixel: number(image.pixel),
            grid_sample: number(grid.sample),
            grid_pixel: number(grid.pixel),
            slice: 0,
            windows: 0,
            alpha: 0.0,
            beta: 0.0,
            _pad: [0; 2],
        }
    }

    /// With the parameters of an activation.
    pub(super) fn with_activation(self, [alpha, beta]: [f32; 2]) -> Self {
        Params {
            alpha,
            beta,
            ..self
        }
    }

    /// With the windows of a part, and of all samples.
    pub(super) fn with_windows(self, slice: usize, windows: usize) -> Self {
        Params {
            slice: slice as u32,
            windows: windows as u32,
            ..self
        }
    }
}

/// Kernel size and channels, for labels.
pub(super) fn size(geometry: &Geometry) -> String {
    let [height, width] = geometry.place.axes();
    let mut text = format!(
        "{}x{}, {} to {} channels",
        height.kernel, width.kernel, geometry.channels, geometry.outputs
    );
    if geometry.groups > 1 {
        text.push_str(&format!(" in {} groups", geometry.groups));
    }
    text
}
