//! Normalisations of channels, of groups and of rows.

use super::{Vectors, compare, compare_image, image};
use wgrad::{Device, Tensor};

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

pub(super) fn group_normalization(file: &Vectors, device: &Device) {
    of_groups(file, device, file.size("num_groups"));
}

pub(super) fn instance_normalization(file: &Vectors, device: &Device) {
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

pub(super) fn layer_normalization(file: &Vectors, device: &Device) {
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

pub(super) fn rms_normalization(file: &Vectors, device: &Device) {
    let (x, scale) = rows(file, device);
    let y = x.rms_norm(&scale[0], epsilon(file)).unwrap();
    compare(file, device, 0, &y.download().unwrap());
}

/// A parameter or a statistic as a row.
fn row(file: &Vectors, device: &Device, name: &str) -> Tensor {
    let values = file.narrow(name);
    Tensor::new(device, [1, values.len()], &values).unwrap()
}

pub(super) fn batch_normalization(file: &Vectors, device: &Device) {
    let x = image(file, device, "input_0");
    let channels = *x.shape().last().unwrap();
    let rows = x.shape().iter().product::<usize>() / channels;
    let (scale, shift) = (row(file, device, "input_1"), row(file, device, "input_2"));
    let statistics = [file.narrow("input_3"), file.narrow("input_4")].concat();
    let running = Tensor::new(device, [2, channels], &statistics).unwrap();
    let epsilon = epsilon(file);
    // ONNX's momentum is the share that stays, PyTorch's and wgrad's the share that comes.
    let stays = file.optional("momentum").unwrap_or(0.9);
    let y = if file.optional("training_mode").unwrap_or(0.0) == 0.0 {
        x.normalize(&scale, &shift, &running, epsilon).unwrap()
    } else {
        let momentum = (1.0 - stays) as f32;
        let output = x
            .batch_norm(&scale, &shift, &running, epsilon, momentum)
            .unwrap();
        let next = output.running.download().unwrap();
        compare(file, device, 1, &next[..channels]);
        // ONNX keeps the variance with 1/n, PyTorch and wgrad that with 1/(n − 1): what came in is converted.
        let biased = (rows as f64 - 1.0) / rows as f64;
        let variances: Vec<f32> = (0..channels)
            .map(|j| {
                let stayed = stays * f64::from(statistics[channels + j]);
                (stayed + (f64::from(next[channels + j]) - stayed) * biased) as f32
            })
            .collect();
        compare(file, device, 2, &variances);
        output.y
    };
    compare_image(file, device, 0, &y);
}
