//! Convolutions, tap by tap.

/// A convolution of images [batch, h, w, channels] with padding on four sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    pub(crate) image: [usize; 2],
    pub(crate) channels: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// [[top, bottom], [left, right]]
    pub(crate) padding: [[usize; 2]; 2],
    pub(crate) dilation: [usize; 2],
    pub(crate) groups: usize,
}

impl Geometry {
    /// Windows along both axes, by counting those that fit.
    pub(crate) fn grid(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let padded = self.image[axis] + self.padding[axis].iter().sum::<usize>();
            let extent = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            (0..padded)
                .filter(|start| start % self.stride[axis] == 0 && start + extent <= padded)
                .count()
        })
    }

    pub(crate) fn image_shape(&self) -> [usize; 4] {
        [self.batch, self.image[0], self.image[1], self.channels]
    }

    pub(crate) fn grid_shape(&self) -> [usize; 4] {
        let [height, width] = self.grid();
        [self.batch, height, width, self.outputs]
    }

    pub(crate) fn weight_shape(&self) -> [usize; 4] {
        let [height, width] = self.kernel;
        [self.outputs, height, width, self.channels / self.groups]
    }

    /// Calls `visit(index in the image, in the grid, in the weight)` for every product of the sum.
    fn each(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [height, width] = self.grid();
        let (inputs, outputs) = (self.channels / self.groups, self.outputs / self.groups);
        for b in 0..self.batch {
            for y in 0..height {
                for x in 0..width {
                    for i in 0..self.kernel[0] {
                        for j in 0..self.kernel[1] {
                            let row = (y * self.stride[0] + i * self.dilation[0]) as isize
                                - self.padding[0][0] as isize;
                            let col = (x * self.stride[1] + j * self.dilation[1]) as isize
                                - self.padding[1][0] as isize;
                            let [h, w] = self.image;
                            if row < 0 || col < 0 || row >= h as isize || col >= w as isize {
                                continue;
                            }
                            let pixel = (b * h + row as usize) * w + col as usize;
                            for o in 0..self.outputs {
                                for c in 0..inputs {
                                    visit(
                                        pixel * self.channels + o / outputs * inputs + c,
                                        ((b * height + y) * width + x) * self.outputs + o,
                                        ((o * self.kernel[0] + i) * self.kernel[1] + j) * inputs
                                            + c,
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The grid from the image.
    pub(crate) fn forward(&self, image: &[f32], weight: &[f32]) -> Vec<f64> {
        let mut grid = vec![0.0; self.grid_shape().iter().product()];
        self.each(|i, g, w| grid[g] += f64::from(image[i]) * f64::from(weight[w]));
        grid
    }

    /// The image from the grid, by the transposed map.
    pub(crate) fn transposed(&self, grid: &[f32], weight: &[f32]) -> Vec<f64> {
        let mut image = vec![0.0; self.image_shape().iter().product()];
        self.each(|i, g, w| image[i] += f64::from(grid[g]) * f64::from(weight[w]));
        image
    }

    /// The gradient of the weight.
    pub(crate) fn weight_gradient(&self, image: &[f32], grid: &[f32]) -> Vec<f64> {
        let mut weight = vec![0.0; self.weight_shape().iter().product()];
        self.each(|i, g, w| weight[w] += f64::from(image[i]) * f64::from(grid[g]));
        weight
    }
}
