//! Parts of the weight gradient: sums over slices of the windows.

use super::call::ConvolutionWeight;
use super::cpu::{self, Gradient};
use super::launch;
use super::params::{Params, size};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, Program, Real, Shader, matrix,
};
use crate::kernel::software::pack;

impl Compute for ConvolutionWeight {
    fn label(&self) -> String {
        let bias = if self.bias { ", bias gradient" } else { "" };
        let parts = self.parts();
        format!(
            "convolution weight gradient {} in {parts} parts{bias}",
            size(&self.geometry)
        )
    }

    fn bindings(&self) -> Vec<Binding> {
        let floats = if self.reads_fours() {
            Element::Packed
        } else {
            Element::Float
        };
        vec![
            Binding::input(1, "image", floats),
            Binding::input(2, "grid", Element::Float),
            Binding::output(3, "parts", Element::Vec4),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let launch = launch::weight(self, capabilities);
        let [image, grid] = self.pixels();
        let params = Params::new(&self.geometry, image, grid, self.part())
            .with_windows(self.slice(), self.windows());
        let mut pieces = vec![matrix::SOURCE];
        pieces.extend(launch.sources);
        Program::assemble(
            Shader {
                constants: &launch.constants,
                bindings: &pack::for_adapter(self.bindings(), capabilities),
                pieces: &pieces,
            },
            &params,
            launch.workgroups,
        )
        .with_iterations(launch.iterations)
    }

    fn flops(&self) -> u64 {
        2 * self.batch as u64 * self.geometry.multiply_adds()
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (image, grid) = (args.read(), args.read());
        let [image_pixels, grid_pixels] = self.pixels();
        let call = Gradient {
            geometry: self.geometry,
            image,
            image_pixels,
            grid,
            grid_pixels,
            windows: self.windows(),
            slice: self.slice(),
            bias: self.bias,
        };
        let parts = &mut args.write()[..self.floats()];
        cpu::weight_parts(&call, self.part(), parts);
    }
}
