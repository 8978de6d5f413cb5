//! ONNX's operators of layers, from the files of its node tests. The order of images, [N, C, …], becomes channels last
//! here.

mod attention;
mod masks;
mod normalizations;
mod sequences;
mod windows;

use super::compare::{Tolerance, assert_close};
use super::onnx_recurrent::recurrent;
use super::precision::ULP;
use super::vectors::Vectors;
use attention::attention;
use normalizations::{
    batch_normalization, group_normalization, instance_normalization, layer_normalization,
    rms_normalization,
};
use sequences::{gather, swish};
use wgrad::{Device, Padding, Tensor};
use windows::{average_pool, conv, conv_transpose, global_average_pool, global_max_pool, max_pool};

/// ONNX's results are NumPy's, in `f32`: they err as ours do, by some ULP of terms that are up to 4 in these files.
const TOLERANCE: Tolerance = Tolerance {
    relative: 32.0 * ULP,
    absolute: 32.0 * ULP,
};

/// The test of an operator, if it is one of a layer.
pub(crate) fn layer_operator(op: &str) -> Option<fn(&Vectors, &Device)> {
    Some(match op {
        "Attention" => attention,
        "AveragePool" => average_pool,
        "BatchNormalization" => batch_normalization,
        "Conv" => conv,
        "ConvTranspose" => conv_transpose,
        "Gather" => gather,
        "GlobalAveragePool" => global_average_pool,
        "GlobalMaxPool" => global_max_pool,
        "GroupNormalization" => group_normalization,
        "InstanceNormalization" => instance_normalization,
        "LayerNormalization" => layer_normalization,
        "MaxPool" => max_pool,
        "RMSNormalization" => rms_normalization,
        "GRU" | "LSTM" | "RNN" => recurrent,
        "Swish" => swish,
        _ => return None,
    })
}

/// Compares an output that the file may not have.
pub(crate) fn compare(file: &Vectors, device: &Device, output: usize, found: &[f32]) {
    let output = format!("output_{output}");
    if file.has(&output) {
        let name = format!("{} {output} on {}", file.name, device.report());
        let expected = file.tensor(&output);
        assert_close(&name, found, expected, tolerance(expected));
    }
}

/// Some files hold results that were written to four digits, of inputs that were too: each is off by half a unit of the
/// last digit, and so is an average of such inputs.
fn tolerance(expected: &[f64]) -> Tolerance {
    let is_whole = |value: f64| (value - value.round()).abs() < 1e-3;
    let is_written = expected.iter().all(|&value| is_whole(1e4 * value));
    if is_written && !expected.iter().all(|&value| is_whole(value)) {
        return Tolerance::absolute(1e-4);
    }
    TOLERANCE
}

/// An input [N, C, …] with channels last.
pub(crate) fn image(file: &Vectors, device: &Device, input: &str) -> Tensor {
    let shape = file.shape(input);
    let (channels, pixels) = (shape[1], shape[2..].iter().product());
    let values = swapped(&file.narrow(input), channels, pixels);
    let mut shape = shape.to_vec();
    shape[1..].rotate_left(1);
    Tensor::new(device, shape, &values).unwrap()
}

/// Compares an image with an output [N, C, …].
pub(crate) fn compare_image(file: &Vectors, device: &Device, output: usize, found: &Tensor) {
    let shape = found.shape();
    let (&channels, pixels) = (
        shape.last().unwrap(),
        shape[1..shape.len() - 1].iter().product(),
    );
    let mut first = shape.to_vec();
    first[1..].rotate_right(1);
    assert_eq!(
        first,
        file.shape(&format!("output_{output}")),
        "{}",
        file.name
    );
    let values = swapped(&found.download().unwrap(), pixels, channels);
    compare(file, device, output, &values);
}

/// The transposes of matrices [rows, cols] that follow each other.
fn swapped(values: &[f32], rows: usize, cols: usize) -> Vec<f32> {
    let matrices = values.chunks_exact((rows * cols).max(1));
    matrices
        .flat_map(|matrix| (0..rows * cols).map(move |i| matrix[i % rows * cols + i / rows]))
        .collect()
}

/// A list of whole numbers among the attributes.
pub(crate) fn list(file: &Vectors, key: &str) -> Option<Vec<usize>> {
    let list = file.attributes[key].as_array()?;
    Some(list.iter().map(|n| n.as_u64().unwrap() as usize).collect())
}

/// A setting per axis, height first; that of a sequence has a height of `neutral`.
pub(crate) fn per_axis(file: &Vectors, key: &str, default: usize, axes: usize) -> [usize; 2] {
    match list(file, key).unwrap_or(vec![default; axes])[..] {
        [width] => [default, width],
        [height, width] => [height, width],
        ref list => panic!("{}: {key} {list:?}", file.name),
    }
}

/// The padding of windows with this kernel on these axes: numbers, or what `auto_pad` says.
pub(crate) fn padding(file: &Vectors, kernel: [usize; 2], input: &str) -> Padding {
    let axes = file.shape(input).len() - 2;
    let stride = per_axis(file, "strides", 1, axes);
    let dilation = per_axis(file, "dilations", 1, axes);
    let same = |lower: bool| {
        let lengths = file.shape(input)[2..].to_vec();
        let mut sides = [[0; 2]; 2];
        for axis in 2 - axes..2 {
            let length = lengths[axis + axes - 2];
            let span = (length.div_ceil(stride[axis]) - 1) * stride[axis];
            let extent = dilation[axis] * (kernel[axis] - 1) + 1;
            let total = (span + extent).saturating_sub(length);
            let less = total / 2;
            sides[axis] = if lower {
                [total - less, less]
            } else {
                [less, total - less]
            };
        }
        Padding::Sides(sides)
    };
    match file.attributes["auto_pad"].as_str().unwrap_or("NOTSET") {
        "SAME_UPPER" => same(false),
        "SAME_LOWER" => same(true),
        "VALID" => Padding::Valid,
        _ => match list(file, "pads").unwrap_or(vec![0; 2 * axes])[..] {
            [left, right] => Padding::Sides([[0, 0], [left, right]]),
            [top, left, bottom, right] => Padding::Sides([[top, bottom], [left, right]]),
            ref list => panic!("{}: pads {list:?}", file.name),
        },
    }
}

fn flag(file: &Vectors, key: &str) -> bool {
    file.optional(key).unwrap_or(0.0) != 0.0
}
