//! Tiles of every CPU give the same bits, and tasks suffice for all threads. Without vector instructions, so that every CPU
//! can run all of them.

use super::gather;
use super::sizes::{MR, WIDE_MR, WIDE_OUTPUTS};
use super::source::Source;
use super::weight::{Gradient, parts_by, rows_of_task};
use crate::kernel::base::MatrixShape;
use crate::kernel::base::window::{Padding, Window};
use crate::kernel::convolution::geometry::{Geometry, Pixels};

fn values(count: usize, seed: usize) -> Vec<f32> {
    let value = |i: usize| ((i * 2_654_435_761) % 1009) as f32 / 504.5 - 1.0;
    (0..count).map(|i| value(i + seed)).collect()
}

/// Kernel, stride, channels, outputs and groups, on images of 7×9 pixels.
fn geometries() -> Vec<Geometry> {
    let sizes = [
        (3, 1, 1, 6, 1),
        (3, 1, 5, 16, 1),
        (3, 2, 4, 33, 1),
        (2, 3, 3, 50, 1),
        (3, 1, 8, 72, 2),
        (1, 2, 20, 40, 1),
        (3, 1, 6, 6, 6),
        // More than 1,024 terms.
        (3, 1, 116, 18, 1),
    ];
    let geometry = |(kernel, stride, channels, outputs, groups)| {
        let mut window = Window::new([kernel, kernel]);
        window.stride = [stride, stride];
        window.padding = Padding::Sides([[1, 0], [0, 1]]);
        Geometry {
            place: window.place("a test", &[7, 9]).unwrap(),
            channels,
            outputs,
            groups,
        }
    };
    sizes.into_iter().map(geometry).collect()
}

const SAMPLES: usize = 2;

fn check(name: &str, narrow: &[f32], wide: &[f32]) {
    assert!(narrow.iter().all(|value| value.is_finite()), "{name}");
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(narrow), bits(wide), "{name}");
}

#[test]
fn tiles_of_either_height_give_the_same_bits() {
    for geometry in geometries() {
        for transposed in [false, true] {
            let [image, grid] = [geometry.image(SAMPLES), geometry.grid(SAMPLES)];
            let (from, shape) = if transposed {
                (grid, image)
            } else {
                (image, grid)
            };
            let source = values(from.floats(), 1);
            let weight = values(geometry.weight().floats(), 2);
            let bias = values(shape.cols, 3);
            let call = Source {
                geometry,
                transposed,
                source: &source,
                pixels: Pixels::new(from.rows / SAMPLES, from.cols, false),
                weight: &weight,
                bias: Some(&bias),
            };
            let (mut narrow, mut wide) = (
                vec![f32::NAN; shape.floats()],
                vec![f32::NAN; shape.floats()],
            );
            gather::in_bands(
                &call,
                shape,
                &mut narrow,
                |_, _| {},
                |band| {
                    band.tiles::<true, MR, 1>();
                },
            );
            gather::in_bands(
                &call,
                shape,
                &mut wide,
                |_, _| {},
                |band| {
                    band.tiles::<true, WIDE_MR, 2>();
                },
            );
            check(
                &format!("{geometry:?}, transposed: {transposed}"),
                &narrow,
                &wide,
            );
        }
    }
}

#[test]
fn weight_gradients_in_tiles_of_either_height_have_the_same_bits() {
    for geometry in geometries() {
        let [image, grid] = [geometry.image(SAMPLES), geometry.grid(SAMPLES)];
        let (images, grids) = (values(image.floats(), 1), values(grid.floats(), 2));
        let call = Gradient {
            geometry,
            image: &images,
            image_pixels: Pixels::new(image.rows / SAMPLES, image.cols, false),
            grid: &grids,
            grid_pixels: Pixels::new(grid.rows / SAMPLES, grid.cols, false),
            windows: grid.rows,
            slice: grid.rows.div_ceil(2),
            bias: true,
        };
        let part = MatrixShape::new(geometry.outputs, geometry.weight().cols + 1);
        let (mut narrow, mut wide) = (
            vec![f32::NAN; 2 * part.floats()],
            vec![f32::NAN; 2 * part.floats()],
        );
        parts_by(&call, part, &mut narrow, |packed| {
            packed.parts::<true, MR>()
        });
        parts_by(&call, part, &mut wide, |packed| {
            packed.parts::<true, WIDE_OUTPUTS>()
        });
        check(&format!("{geometry:?}"), &narrow, &wide);
    }
}

#[test]
fn few_parts_are_cut_into_bands_for_all_threads() {
    // Whole tiles where they suffice.
    assert_eq!(rows_of_task(64, 6, 2), 16);
    assert_eq!(rows_of_task(1, 64, 2), 16);
    assert_eq!(rows_of_task(1, 64, 1), 64);
    // Else smaller ones.
    assert_eq!(rows_of_task(1, 16, 2), 8);
    assert_eq!(rows_of_task(1, 6, 2), 4);
    assert_eq!(rows_of_task(2, 16, 8), 4);
    assert_eq!(rows_of_task(1, 1, 8), 4);
}
