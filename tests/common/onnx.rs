//! ONNX's operators of layers, from the files of its node tests: convolution, pooling, normalisations, Swish. The order
//! of images, [N, C, …], becomes channels last here.

use super::compare::{Tolerance, assert_close};
use super::onnx_recurrent::recurrent;
use super::precision::ULP;
use super::vectors::Vectors;
use wgrad::{Activation, Attention, Convolution, Device, Padding, Pool, Tensor};

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

fn pool(file: &Vectors) -> Pool {
    let axes = file.shape("input_0").len() - 2;
    let kernel = per_axis(file, "kernel_shape", 1, axes);
    Pool::new(kernel)
        .stride(per_axis(file, "strides", 1, axes))
        .dilation(per_axis(file, "dilations", 1, axes))
        .padding(padding(file, kernel, "input_0"))
        .ceil_mode(flag(file, "ceil_mode"))
        .count_include_pad(flag(file, "count_include_pad"))
}

/// The kernel size of a weight [.., .., k] or [.., .., kh, kw], and a bias, if there is one.
fn kernel_and_bias(file: &Vectors, device: &Device) -> ([usize; 2], Option<Tensor>) {
    let kernel = match file.shape("input_1")[2..] {
        [width] => [1, width],
        [height, width] => [height, width],
        ref lengths => panic!("{}: kernel {lengths:?}", file.name),
    };
    let bias = file.has("input_2").then(|| {
        let bias = file.narrow("input_2");
        Tensor::new(device, [1, bias.len()], &bias).unwrap()
    });
    (kernel, bias)
}

fn settings(file: &Vectors, outputs: usize, kernel: [usize; 2]) -> Convolution {
    let axes = file.shape("input_0").len() - 2;
    Convolution::new(outputs, kernel)
        .stride(per_axis(file, "strides", 1, axes))
        .dilation(per_axis(file, "dilations", 1, axes))
        .groups(file.optional("group").unwrap_or(1.0) as usize)
}

fn conv(file: &Vectors, device: &Device) {
    let (kernel, bias) = kernel_and_bias(file, device);
    let settings = settings(file, file.shape("input_1")[0], kernel);
    let settings = settings.padding(padding(file, kernel, "input_0"));
    let (x, weight) = (
        image(file, device, "input_0"),
        image(file, device, "input_1"),
    );
    let y = x.convolve(&weight, bias.as_ref(), settings);
    compare_image(file, device, 0, &y.unwrap());
}

fn conv_transpose(file: &Vectors, device: &Device) {
    let (kernel, bias) = kernel_and_bias(file, device);
    let groups = file.optional("group").unwrap_or(1.0) as usize;
    let axes = file.shape("input_0").len() - 2;
    let mut more = per_axis(file, "output_padding", 0, axes);
    let settings = settings(file, file.shape("input_1")[1] * groups, kernel);
    let (stride, dilation) = (
        per_axis(file, "strides", 1, axes),
        per_axis(file, "dilations", 1, axes),
    );
    let auto_pad = file.attributes["auto_pad"].as_str().unwrap_or("NOTSET");
    let lengths: Vec<usize> = file.shape("input_0")[2..].to_vec();
    let wanted = list(file, "output_shape").or_else(|| {
        let scaled = || lengths.iter().zip(&stride[2 - axes..]).map(|(n, s)| n * s);
        auto_pad.starts_with("SAME").then(|| scaled().collect())
    });
    // A length of the result is reached by padding, of which the odd one comes first unless SAME_UPPER is asked for, or by
    // output padding.
    let padding = match wanted {
        Some(wanted) => {
            let mut sides = [[0; 2]; 2];
            for axis in 2 - axes..2 {
                let i = axis + axes - 2;
                let extent = dilation[axis] * (kernel[axis] - 1) + 1;
                let whole = stride[axis] * (lengths[i] - 1) + more[axis] + extent;
                more[axis] += wanted[i].saturating_sub(whole);
                let total = whole.saturating_sub(wanted[i]);
                sides[axis] = match auto_pad {
                    "SAME_UPPER" => [total / 2, total - total / 2],
                    _ => [total - total / 2, total / 2],
                };
            }
            Padding::Sides(sides)
        }
        None => padding(file, kernel, "input_0"),
    };
    let (x, weight) = (
        image(file, device, "input_0"),
        image(file, device, "input_1"),
    );
    let settings = settings.padding(padding).output_padding(more);
    let y = x.convolve_transposed(&weight, bias.as_ref(), settings);
    compare_image(file, device, 0, &y.unwrap());
}

fn average_pool(file: &Vectors, device: &Device) {
    let y = image(file, device, "input_0").average_pool(pool(file));
    compare_image(file, device, 0, &y.unwrap());
}

fn max_pool(file: &Vectors, device: &Device) {
    let x = image(file, device, "input_0");
    let max = x.max_pool(pool(file)).unwrap();
    compare_image(file, device, 0, &max.values);
    if !file.has("output_1") {
        return;
    }
    // ONNX's indices are places in the whole input: from the tap of the maximum in its window.
    let shape = file.shape("output_1").to_vec();
    let axes = shape.len() - 2;
    let kernel = per_axis(file, "kernel_shape", 1, axes);
    let (stride, dilation) = (
        per_axis(file, "strides", 1, axes),
        per_axis(file, "dilations", 1, axes),
    );
    let [top, left] = match padding(file, kernel, "input_0") {
        Padding::Sides([height, width]) => [height[0], width[0]],
        _ => [0, 0],
    };
    let input = file.shape("input_0");
    let two_axes = |shape: &[usize]| match *shape {
        [n, c, width] => [n, c, 1, width],
        [n, c, height, width] => [n, c, height, width],
        _ => panic!("{}: {shape:?}", file.name),
    };
    let ([_, channels, height, width], [_, _, down, across]) = (two_axes(input), two_axes(&shape));
    let places = max.places.download().unwrap();
    let by_column = flag(file, "storage_order");
    let indices: Vec<f64> = (0..places.len())
        .map(|i| {
            // Element i of [N, C, H′, W′].
            let (plane, o, u) = (i / (down * across), i / across % down, i % across);
            let (n, c) = (plane / channels, plane % channels);
            let tap = places[((n * down + o) * across + u) * channels + c] as usize;
            let y = o * stride[0] + tap / kernel[1] * dilation[0] - top;
            let x = u * stride[1] + tap % kernel[1] * dilation[1] - left;
            let within = if by_column {
                x * height + y
            } else {
                y * width + x
            };
            (plane * height * width + within) as f64
        })
        .collect();
    assert_eq!(indices, file.tensor("output_1"), "{}: indices", file.name);
}

fn global_average_pool(file: &Vectors, device: &Device) {
    let y = image(file, device, "input_0").global_average_pool();
    compare_image(file, device, 0, &y.unwrap());
}

fn global_max_pool(file: &Vectors, device: &Device) {
    let y = image(file, device, "input_0").global_max_pool();
    compare_image(file, device, 0, &y.unwrap().values);
}

fn epsilon(file: &Vectors) -> f32 {
    file.optional("epsilon").unwrap_or(1e-5) as f32
}

fn of_groups(file: &Vectors, device: &Device, groups: usize) {
    let x = image(file, device, "input_0");
    let channels = *x.shape().last().unwrap();
    // Before version 21, scale and bias have a number for each group.
    let row = |name: &str| {
        let values = file.narrow(name);
        let of_group = channels / values.len();
        let values: Vec<f32> = (0..channels).map(|c| values[c / of_group]).collect();
        Tensor::new(device, [1, channels], &values).unwrap()
    };
    let (scale, bias) = (row("input_1"), row("input_2"));
    let y = x.group_norm(&scale, &bias, groups, epsilon(file));
    compare_image(file, device, 0, &y.unwrap());
}

fn group_normalization(file: &Vectors, device: &Device) {
    of_groups(file, device, file.size("num_groups"));
}

fn instance_normalization(file: &Vectors, device: &Device) {
    of_groups(file, device, file.shape("input_0")[1]);
}

/// x as rows of the elements from an axis on, and scale and bias as rows.
fn rows(file: &Vectors, device: &Device) -> (Tensor, Vec<Tensor>) {
    let shape = file.shape("input_0");
    let axis = file.optional("axis").unwrap_or(-1.0);
    let axis = if axis < 0.0 {
        axis + shape.len() as f64
    } else {
        axis
    } as usize;
    let size = |dims: &[usize]| dims.iter().product::<usize>();
    let (rows, cols) = (size(&shape[..axis]), size(&shape[axis..]));
    let x = Tensor::new(device, [rows, cols], &file.narrow("input_0")).unwrap();
    let others = ["input_1", "input_2"]
        .into_iter()
        .filter(|name| file.has(name));
    let others = others.map(|name| Tensor::new(device, [1, cols], &file.narrow(name)).unwrap());
    (x, others.collect())
}

fn layer_normalization(file: &Vectors, device: &Device) {
    let (x, scale_and_shift) = rows(file, device);
    let (rows, cols) = (x.shape()[0], x.shape()[1]);
    let (zero, epsilon) = (Tensor::zeros(device, [1, cols]).unwrap(), epsilon(file));
    let [scale, rest @ ..] = &scale_and_shift[..] else {
        panic!("{}: no scale", file.name);
    };
    let y = x.layer_norm(scale, rest.first().unwrap_or(&zero), epsilon);
    compare(file, device, 0, &y.unwrap().download().unwrap());
    // The other outputs are the statistics of each row: those of each column of the transpose.
    let filled = |rows, value| Tensor::filled(device, [rows, x.shape()[0]], value).unwrap();
    let columns = x.transpose().unwrap();
    let of_columns = columns.batch_norm(
        &filled(1, 1.0),
        &filled(1, 0.0),
        &filled(2, 1.0),
        epsilon,
        0.5,
    );
    let saved = of_columns.unwrap().saved.download().unwrap();
    compare(file, device, 1, &saved[..rows]);
    compare(file, device, 2, &saved[rows..2 * rows]);
}

fn rms_normalization(file: &Vectors, device: &Device) {
    let (x, scale) = rows(file, device);
    let y = x.rms_norm(&scale[0], epsilon(file)).unwrap();
    compare(file, device, 0, &y.download().unwrap());
}

/// x·σ(α·x), which is SiLU(α·x)/α.
fn swish(file: &Vectors, device: &Device) {
    let values = file.narrow("input_0");
    let x = Tensor::new(device, [1, values.len()], &values).unwrap();
    let alpha = file.optional("alpha").unwrap_or(1.0) as f32;
    let y = if alpha == 0.0 {
        x.scale(0.5).unwrap()
    } else {
        let y = x.scale(alpha).unwrap().activate(Activation::Silu).unwrap();
        y.scale(1.0 / alpha).unwrap()
    };
    compare(file, device, 0, &y.download().unwrap());
}

/// [samples, heads, length, width] as [samples, length, heads, width].
fn heads_last([samples, heads, length, width]: [usize; 4], values: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for sample in 0..samples {
        for step in 0..length {
            for head in 0..heads {
                out.extend_from_slice(
                    &values[((sample * heads + head) * length + step) * width..][..width],
                );
            }
        }
    }
    out
}

/// Attention of Q, K and V [batch, heads, length, width], or [batch, length, heads·width]. Fewer heads of keys than of
/// queries are repeated.
fn attention(file: &Vectors, device: &Device) {
    for unknown in ["softcap", "qk_matmul_output_mode", "softmax_precision"] {
        let value = file.optional(unknown).unwrap_or(0.0);
        assert!(value == 0.0, "{}: no {unknown}", file.name);
    }
    assert!(!file.has("input_3"), "{}: no masks of scores", file.name);
    let heads_of = |input: &str, key: &str| match file.shape(input).len() {
        4 => file.shape(input)[1],
        _ => file.size(key),
    };
    let heads = heads_of("input_0", "q_num_heads");
    let tensor = |input: &str, own: usize| {
        let (sizes, values) = match (file.shape(input), file.narrow(input)) {
            (&[samples, _, length, width], values) => {
                let values = heads_last([samples, own, length, width], &values);
                ([samples, length, width], values)
            }
            (&[samples, length, cols], values) => ([samples, length, cols / own], values),
            (shape, _) => panic!("{}: {input} {shape:?}", file.name),
        };
        let [samples, length, width] = sizes;
        let repeated: Vec<f32> = values
            .chunks(width)
            .flat_map(|head| std::iter::repeat_n(head, heads / own).flatten())
            .copied()
            .collect();
        Tensor::new(device, [samples, length, heads * width], &repeated).unwrap()
    };
    let own = heads_of("input_1", "kv_num_heads");
    let (q, k, v) = (
        tensor("input_0", heads),
        tensor("input_1", own),
        tensor("input_2", own),
    );
    let mut attention = Attention::new(heads).causal(flag(file, "is_causal"));
    if let Some(scale) = file.optional("scale") {
        attention = attention.scale(scale as f32);
    }
    let y = q.attention(&k, &v, None, attention).unwrap().y;
    let values = y.download().unwrap();
    let values = match *file.shape("output_0") {
        [samples, heads, length, width] => heads_last([samples, length, heads, width], &values),
        _ => values,
    };
    compare(file, device, 0, &values);
}

/// Rows of data along an axis: an embedding of its indices, with the axis in front.
fn gather(file: &Vectors, device: &Device) {
    let shape = file.shape("input_0");
    let axis = file.optional("axis").unwrap_or(0.0);
    let axis = if axis < 0.0 {
        axis + shape.len() as f64
    } else {
        axis
    } as usize;
    let (outer, length) = (shape[..axis].iter().product::<usize>(), shape[axis]);
    let inner: usize = shape[axis + 1..].iter().product();
    let data = file.narrow("input_0");
    let mut w = Vec::with_capacity(data.len());
    for row in 0..length {
        for block in 0..outer {
            w.extend_from_slice(&data[(block * length + row) * inner..][..inner]);
        }
    }
    let indices: Vec<f32> = file
        .tensor("input_1")
        .iter()
        .map(|&index| if index < 0.0 { index + length as f64 } else { index } as f32)
        .collect();
    let count = indices.len();
    let w = Tensor::new(device, [length, outer * inner], &w).unwrap();
    let indices = Tensor::new(device, [1, count], &indices).unwrap();
    let rows = w.embedding(&indices).unwrap().download().unwrap();
    let mut found = Vec::with_capacity(rows.len());
    for block in 0..outer {
        for row in 0..count {
            found.extend_from_slice(&rows[(row * outer + block) * inner..][..inner]);
        }
    }
    compare(file, device, 0, &found);
}
