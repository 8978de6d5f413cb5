//! Convolutions in one and two dimensions, and transposed ones.

use super::common::compare::Tolerance;
use super::common::precision::ULP;
use super::{Case, each};
use wgrad::{Convolution, Padding};

impl Case<'_> {
    fn settings(&self) -> Convolution {
        let weight = self.file.shape("weight");
        let groups = self.groups();
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
        let padding = match self.file.attributes["padding"].as_str() {
            Some("same") => Padding::Same,
            Some("valid") => Padding::Valid,
            Some(other) => panic!("{}: padding {other}", self.name),
            None => self.per_axis("padding", 0, 0).into(),
        };
        Convolution::new(outputs, kernel)
            .stride(self.per_axis("stride", 1, 1))
            .padding(padding)
            .dilation(self.per_axis("dilation", 1, 1))
            .output_padding(self.per_axis("output_padding", 0, 0))
            .groups(groups)
    }

    fn groups(&self) -> usize {
        self.file.optional("groups").unwrap_or(1.0) as usize
    }

    /// Which of the two convolutions leads from the shape of x to that of y. If both do, the file's name tells.
    fn is_transposed(&self) -> bool {
        let attributes = &self.file.attributes;
        if attributes["padding"].is_string() {
            // Only a convolution takes a word.
            return false;
        }
        if !attributes["output_padding"].is_null() {
            return true;
        }
        let [x, y, weight] = ["x", "y", "weight"].map(|name| self.file.shape(name));
        let groups = self.groups();
        let [stride, padding, dilation] = [
            self.per_axis("stride", 1, 1),
            self.per_axis("padding", 0, 0),
            self.per_axis("dilation", 1, 1),
        ];
        let axes = x.len() - 2;
        let lengths = |from: &[usize], to: &[usize], exact: bool| {
            (0..axes).all(|axis| {
                let i = axis + 2 - axes;
                let extent = dilation[i] * (weight[2 + axis] - 1) + 1;
                let rest = (from[2 + axis] + 2 * padding[i]).checked_sub(extent);
                rest.is_some_and(|rest| {
                    rest / stride[i] + 1 == to[2 + axis] && (!exact || rest % stride[i] == 0)
                })
            })
        };
        let forward = weight[0] == y[1] && weight[1] * groups == x[1] && lengths(x, y, false);
        let transposed = weight[0] == x[1] && weight[1] * groups == y[1] && lengths(y, x, true);
        match (forward, transposed) {
            (true, true) => self.file.name.contains("transpose"),
            (false, false) => panic!("{}: no convolution of these shapes", self.name),
            _ => transposed,
        }
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
        let weight = case.image("weight");
        let bias = case.file.has("bias").then(|| case.tensor("bias"));
        let bias = bias.as_ref();
        let (y, gradients) = if case.is_transposed() {
            (
                x.convolve_transposed(&weight, bias, settings),
                dy.convolve_transposed_backward(&x, &weight, settings),
            )
        } else {
            (
                x.convolve(&weight, bias, settings),
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
        if bias.is_some() {
            case.check("dbias", &gradients.dbias, tolerance(windows));
        }
    });
}
