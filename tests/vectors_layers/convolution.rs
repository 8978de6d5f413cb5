//! Convolutions in one and two dimensions, and transposed ones.

use super::common::compare::Tolerance;
use super::common::precision::ULP;
use super::{Case, each};
use wgrad::Convolution;

impl Case<'_> {
    fn settings(&self) -> Convolution {
        let weight = self.file.shape("weight");
        let groups = self.file.optional("groups").unwrap_or(1.0) as usize;
        let kernel = match weight[2..] {
            [width] => [1, width],
            [height, width] => [height, width],
            _ => panic!("{}: weight {weight:?}", self.name),
        };
        // A transposed convolution's weight has the input's channels in front.
        let outputs = if self.is_transposed() {
            weight[1] * groups
        } else {
            weight[0]
        };
        Convolution::new(outputs, kernel)
            .stride(self.per_axis("stride", 1, 1))
            .padding(self.per_axis("padding", 0, 0))
            .dilation(self.per_axis("dilation", 1, 1))
            .output_padding(self.per_axis("output_padding", 0, 0))
            .groups(groups)
    }

    /// Only a transposed convolution has an output padding; without one, the weight tells: its first dimension is that
    /// of x's channels, and the result is as long as that of a transposed convolution.
    fn is_transposed(&self) -> bool {
        let [x, y, weight] = ["x", "y", "weight"].map(|name| self.file.shape(name));
        let groups = self.file.optional("groups").unwrap_or(1.0) as usize;
        let [stride, padding, dilation, more] = [
            self.per_axis("stride", 1, 1),
            self.per_axis("padding", 0, 0),
            self.per_axis("dilation", 1, 1),
            self.per_axis("output_padding", 0, 0),
        ];
        let axes = x.len() - 2;
        let is_length = |axis: usize| {
            let i = axis + 2 - axes;
            let extent = dilation[i] * (weight[2 + axis] - 1) + 1;
            (x[2 + axis] - 1) * stride[i] + extent + more[i] == y[2 + axis] + 2 * padding[i]
        };
        let fits = weight[0] == x[1] && weight[1] * groups == y[1];
        let forward = weight[0] == y[1] && weight[1] * groups == x[1];
        let lengths = (0..axes).all(is_length);
        if forward && fits && lengths {
            return self.file.name.starts_with("transposed");
        }
        fits && lengths
    }
}

/// PyTorch ran in f64, from the same values in f32. An element is a sum of K products of values of up to 4; a chain of
/// blocks of 128 rounds each partial sum by half a ULP of up to √K·4, and differences of that size add up like √K.
fn tolerance(terms: usize) -> Tolerance {
    Tolerance {
        relative: 8.0 * ULP,
        absolute: 4.0 * ULP * terms.max(16) as f64,
    }
}

#[test]
fn convolutions_are_pytorchs() {
    each("convolution", |case| {
        let settings = case.settings();
        let (x, dy) = (case.image("x"), case.image("dy"));
        let (weight, bias) = (case.image("weight"), case.tensor("bias"));
        let (y, gradients) = if case.is_transposed() {
            (
                x.convolve_transposed(&weight, Some(&bias), settings),
                dy.convolve_transposed_backward(&x, &weight, settings),
            )
        } else {
            (
                x.convolve(&weight, Some(&bias), settings),
                dy.convolve_backward(&x, &weight, settings),
            )
        };
        let gradients = gradients.unwrap();
        let shape = case.file.shape("weight");
        let taps: usize = shape[2..].iter().product();
        let windows: usize = case.file.shape("dy").iter().product::<usize>();
        case.check_image("y", &y.unwrap(), tolerance(taps * shape[0].max(shape[1])));
        let per_pixel = tolerance(taps * shape[0].max(shape[1]));
        case.check_image("dx", &gradients.dx, per_pixel);
        case.check_image("dweight", &gradients.dweight, tolerance(windows));
        case.check("dbias", &gradients.dbias, tolerance(windows));
    });
}
