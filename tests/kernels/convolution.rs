//! Convolutions and their gradients against the oracle: strides, padding, dilation, groups, awkward channel counts.

use crate::check;
use crate::common::compare::Tolerance;
use crate::common::data::Random;
use crate::common::oracle::convolution::Geometry;
use crate::common::oracle::widen;
use crate::common::precision::ULP;
use wgrad::{Convolution, Device, Result, Tensor};

/// Values are normal, and sums have up to a few hundred terms: partial sums of up to 60 with as many roundings, which
/// add up like their root.
fn tolerance(_: usize) -> Tolerance {
    Tolerance {
        relative: 32.0 * ULP,
        absolute: 400.0 * ULP,
    }
}

fn settings(g: &Geometry) -> Convolution {
    Convolution::new(g.outputs, g.kernel)
        .stride(g.stride)
        .padding(g.padding)
        .dilation(g.dilation)
        .groups(g.groups)
}

const PLAIN: Geometry = Geometry {
    batch: 2,
    image: [6, 7],
    channels: 3,
    outputs: 5,
    kernel: [3, 3],
    stride: [1, 1],
    padding: [[0, 0], [0, 0]],
    dilation: [1, 1],
    groups: 1,
};

/// Geometries that differ from each other in one setting and from the plain one in several.
fn geometries() -> Vec<Geometry> {
    let mut all = vec![PLAIN];
    for stride in [[1, 1], [2, 1], [2, 3]] {
        for padding in [[[0, 0], [0, 0]], [[1, 2], [0, 3]]] {
            for dilation in [[1, 1], [2, 1], [1, 3]] {
                for (channels, outputs, groups) in [(1, 6, 1), (6, 4, 2), (5, 5, 5), (8, 16, 1)] {
                    all.push(Geometry {
                        channels,
                        outputs,
                        groups,
                        stride,
                        padding,
                        dilation,
                        kernel: [2, 3],
                        ..PLAIN
                    });
                }
            }
        }
    }
    let image = |image, kernel| Geometry {
        image,
        kernel,
        ..PLAIN
    };
    all.extend([
        // One pixel, one tap, a kernel as large as the image, one that is larger, a sequence.
        image([1, 1], [1, 1]),
        image([4, 5], [1, 1]),
        image([4, 5], [4, 5]),
        Geometry {
            padding: [[2, 2], [3, 3]],
            ..image([2, 1], [5, 6])
        },
        image([1, 40], [1, 5]),
        // Many channels in ragged fours, more than a tile of outputs; grouped fours; a multiplier per channel.
        Geometry {
            channels: 11,
            outputs: 19,
            ..PLAIN
        },
        Geometry {
            channels: 16,
            outputs: 24,
            groups: 2,
            ..PLAIN
        },
        Geometry {
            channels: 17,
            outputs: 17,
            groups: 17,
            ..PLAIN
        },
        Geometry {
            channels: 4,
            outputs: 8,
            groups: 4,
            ..PLAIN
        },
        // A sum of more than 1,024 terms, and weights over more windows than a slice.
        Geometry {
            batch: 1,
            image: [3, 3],
            channels: 130,
            outputs: 6,
            ..PLAIN
        },
        Geometry {
            batch: 3,
            image: [20, 19],
            channels: 2,
            outputs: 3,
            padding: [[1, 1], [1, 1]],
            ..PLAIN
        },
        // Strides with phases that no tap reaches; padding far wider than the image.
        Geometry {
            kernel: [2, 2],
            stride: [3, 4],
            ..PLAIN
        },
        Geometry {
            image: [2, 2],
            padding: [[900, 900], [900, 900]],
            stride: [450, 450],
            kernel: [2, 2],
            dilation: [450, 450],
            ..PLAIN
        },
    ]);
    all
}

struct Operands {
    image: Vec<f32>,
    grid: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Operands {
    fn new(g: &Geometry) -> Self {
        let mut random = Random::new(g.channels as u64 * 31 + g.stride[1] as u64);
        let mut of = |shape: [usize; 4]| random.normals(shape.iter().product());
        Operands {
            image: of(g.image_shape()),
            grid: of(g.grid_shape()),
            weight: of(g.weight_shape()),
            bias: of([1, 1, 1, g.outputs]),
        }
    }

    fn tensors(&self, g: &Geometry, d: &Device) -> Result<[Tensor; 3]> {
        Ok([
            Tensor::new(d, g.image_shape(), &self.image)?,
            Tensor::new(d, g.grid_shape(), &self.grid)?,
            Tensor::new(d, g.weight_shape(), &self.weight)?,
        ])
    }
}

#[test]
fn convolutions_and_their_gradients_are_sums_over_taps() {
    for g in geometries() {
        let values = Operands::new(&g);
        let name = |what: &str| format!("{what} of {g:?}");
        let mut forward = g.forward(&values.image, &values.weight);
        for (i, value) in forward.iter_mut().enumerate() {
            *value += f64::from(values.bias[i % g.outputs]);
        }
        check(&name("convolve"), &forward, tolerance, |d| {
            let [image, _, weight] = values.tensors(&g, d)?;
            let bias = Tensor::new(d, [1, g.outputs], &values.bias)?;
            image.convolve(&weight, Some(&bias), settings(&g))
        });
        let dx = g.transposed(&values.grid, &values.weight);
        check(&name("dx"), &dx, tolerance, |d| {
            let [image, grid, weight] = values.tensors(&g, d)?;
            let gradients = grid.convolve_backward(&image, &weight, settings(&g))?;
            Ok(gradients.dx)
        });
        let dweight = g.weight_gradient(&values.image, &values.grid);
        check(&name("dweight"), &dweight, tolerance, |d| {
            let [image, grid, weight] = values.tensors(&g, d)?;
            let gradients = grid.convolve_backward(&image, &weight, settings(&g))?;
            Ok(gradients.dweight)
        });
        let mut dbias = vec![0.0; g.outputs];
        for (i, value) in widen(&values.grid).into_iter().enumerate() {
            dbias[i % g.outputs] += value;
        }
        check(&name("dbias"), &dbias, tolerance, |d| {
            let [image, grid, weight] = values.tensors(&g, d)?;
            let gradients = grid.convolve_backward(&image, &weight, settings(&g))?;
            Ok(gradients.dbias)
        });
    }
}

/// A transposed convolution and its gradients are those of the convolution with the same weight.
#[test]
fn transposed_convolutions_are_the_transposed_map() {
    for g in geometries() {
        // The pixels that no window reaches are the output padding, which the settings must allow.
        let [height, width] = [0, 1].map(|axis| {
            let span =
                (g.grid()[axis] - 1) * g.stride[axis] + g.dilation[axis] * (g.kernel[axis] - 1) + 1;
            g.image[axis] + g.padding[axis].iter().sum::<usize>() - span
        });
        let values = Operands::new(&g);
        let settings = Convolution::new(g.channels, g.kernel)
            .stride(g.stride)
            .padding(g.padding)
            .dilation(g.dilation)
            .groups(g.groups)
            .output_padding([height, width]);
        let name = |what: &str| format!("{what} of transposed {g:?}");
        let y = g.transposed(&values.grid, &values.weight);
        check(&name("y"), &y, tolerance, |d| {
            let [_, grid, weight] = values.tensors(&g, d)?;
            grid.convolve_transposed(&weight, None, settings)
        });
        let dx = g.forward(&values.image, &values.weight);
        check(&name("dx"), &dx, tolerance, |d| {
            let [image, grid, weight] = values.tensors(&g, d)?;
            let gradients = image.convolve_transposed_backward(&grid, &weight, settings)?;
            Ok(gradients.dx)
        });
        let dweight = g.weight_gradient(&values.image, &values.grid);
        check(&name("dweight"), &dweight, tolerance, |d| {
            let [image, grid, weight] = values.tensors(&g, d)?;
            let gradients = image.convolve_transposed_backward(&grid, &weight, settings)?;
            Ok(gradients.dweight)
        });
    }
}

/// Sequences with more pixels than the loop iterations of an invocation on lavapipe, and than the workgroups of one
/// dispatch dimension.
#[test]
fn long_sequences_reach_the_end() {
    for length in [65_541, 131_073] {
        let g = Geometry {
            batch: 1,
            image: [1, length],
            channels: 1,
            outputs: 2,
            kernel: [1, 3],
            padding: [[0, 0], [1, 1]],
            ..PLAIN
        };
        let mut values = Operands::new(&g);
        // Sums over all pixels, of odd multiples of 1/8 that repeat after a prime number of places, are exact.
        for list in [&mut values.image, &mut values.grid] {
            for (i, value) in list.iter_mut().enumerate() {
                *value = (i * 7 % 251) as f32 / 4.0 - 251.0 / 8.0;
            }
        }
        let large = |_: usize| Tolerance {
            relative: 64.0 * ULP,
            absolute: 1e-3,
        };
        let forward = g.forward(&values.image, &values.weight);
        check("a long convolve", &forward, large, |d| {
            let [image, _, weight] = values.tensors(&g, d)?;
            image.convolve(&weight, None, settings(&g))
        });
        let dx = g.transposed(&values.grid, &values.weight);
        check("a long dx", &dx, large, |d| {
            let [image, grid, weight] = values.tensors(&g, d)?;
            let gradients = grid.convolve_backward(&image, &weight, settings(&g))?;
            Ok(gradients.dx)
        });
        let dweight = g.weight_gradient(&values.image, &values.grid);
        check("a long dweight", &dweight, large, |d| {
            let [image, grid, weight] = values.tensors(&g, d)?;
            let gradients = grid.convolve_backward(&image, &weight, settings(&g))?;
            Ok(gradients.dweight)
        });
    }
}

/// NaN and infinities beside a window, or under padding, stay out of it.
#[test]
fn values_that_no_tap_reads_change_nothing() {
    let g = Geometry {
        kernel: [2, 2],
        stride: [3, 3],
        padding: [[1, 0], [1, 0]],
        ..PLAIN
    };
    let mut values = Operands::new(&g);
    let clean = g.forward(&values.image, &values.weight);
    // With a stride of 3 and two taps, a third of the rows and columns is read by no window.
    let mut marked = 0;
    for (i, value) in values.image.iter_mut().enumerate() {
        let pixel = i / g.channels;
        let [row, col] = [pixel / g.image[1] % g.image[0], pixel % g.image[1]];
        if row % 3 == 1 || col % 3 == 1 {
            *value = f32::NAN;
            marked += 1;
        }
    }
    assert!(marked > 100);
    check("beside NaN", &clean, tolerance, |d| {
        let [image, _, weight] = values.tensors(&g, d)?;
        image.convolve(&weight, None, settings(&g))
    });
}
