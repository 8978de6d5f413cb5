//! Convolution and pooling.

use super::{Vectors, compare_image, flag, image, list, padding, per_axis};
use wgrad::{Convolution, Device, Padding, Pool, Tensor};

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

pub(super) fn conv(file: &Vectors, device: &Device) {
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

pub(super) fn conv_transpose(file: &Vectors, device: &Device) {
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

pub(super) fn average_pool(file: &Vectors, device: &Device) {
    let y = image(file, device, "input_0").average_pool(pool(file));
    compare_image(file, device, 0, &y.unwrap());
}

pub(super) fn max_pool(file: &Vectors, device: &Device) {
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

pub(super) fn global_average_pool(file: &Vectors, device: &Device) {
    let y = image(file, device, "input_0").global_average_pool();
    compare_image(file, device, 0, &y.unwrap());
}

pub(super) fn global_max_pool(file: &Vectors, device: &Device) {
    let y = image(file, device, "input_0").global_max_pool();
    compare_image(file, device, 0, &y.unwrap().values);
}
