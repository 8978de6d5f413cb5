//! The forward and the transposed convolution, with the epilogues of products.

use super::call::Convolve;
use super::cpu::{self, Source};
use super::launch;
use super::params::{Params, size};
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, Program, Real, Shader, matrix,
};
use crate::kernel::matmul::epilogue::{self, Epilogue};
use crate::kernel::software::pack;

impl Compute for Convolve {
    fn label(&self) -> String {
        let name = if self.transposed {
            "transposed convolution"
        } else {
            "convolution"
        };
        let mut label = format!("{name} {}", size(&self.geometry));
        if self.bias {
            label.push_str(" + bias");
        }
        label.push_str(&self.epilogue.label());
        label
    }

    fn bindings(&self) -> Vec<Binding> {
        let floats = if self.reads_fours() {
            Element::Packed
        } else {
            Element::Float
        };
        let mut bindings = vec![
            Binding::input(1, "source", floats),
            Binding::input(2, "weight", Element::Float),
        ];
        if self.bias {
            bindings.push(Binding::input(4, "bias", Element::Packed));
        }
        if matches!(self.epilogue, Epilogue::Derivative(_)) {
            bindings.push(Binding::input(5, "saved", Element::Packed));
        }
        bindings.push(Binding::output(3, "out", Element::Packed));
        if matches!(self.epilogue, Epilogue::Keep(_)) {
            bindings.push(Binding::output(6, "kept", Element::Packed));
        }
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let launch = launch::gather(self, capabilities);
        let params = Params::new(&self.geometry, self.pixels(), self.pixels(), self.out())
            .with_activation(self.epilogue.parameters());
        let mut pieces = vec![matrix::SOURCE];
        pieces.push(if self.bias {
            epilogue::BIAS
        } else {
            epilogue::NO_BIAS
        });
        pieces.extend(self.epilogue.sources());
        pieces.push(epilogue::STORE);
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
        let (source, weight) = (args.read(), args.read());
        let bias = self.bias.then(|| args.read());
        let saved = matches!(self.epilogue, Epilogue::Derivative(_)).then(|| args.read());
        let shape = self.out();
        let out = &mut args.write()[..shape.floats()];
        let call = Source {
            geometry: self.geometry,
            transposed: self.transposed,
            source,
            pixels: self.pixels(),
            weight,
            bias,
        };
        let clear = |rows: &mut [T]| {
            if shape.cols < shape.ld() {
                let rows = rows.chunks_exact_mut(shape.ld());
                rows.for_each(|row| row[shape.cols..].fill(T::ZERO));
            }
        };
        match self.epilogue {
            Epilogue::Plain | Epilogue::Gradient { .. } => {
                cpu::gather(&call, shape, out, |_, _| {})
            }
            Epilogue::Activation(f) => cpu::gather(&call, shape, out, |_, rows| {
                f.apply_in_place(rows);
                clear(rows);
            }),
            Epilogue::Keep(f) => {
                let kept = args.write();
                cpu::gather(&call, shape, kept, |_, _| {});
                let kept = &*kept;
                for_rows(out, shape, |i, row| f.apply(row_of(kept, shape, i), row));
            }
            Epilogue::Derivative(f) => {
                let saved = saved.expect("a derivative epilogue has a saved operand");
                cpu::gather(&call, shape, out, |first, rows| {
                    f.backpropagate(&saved[first * shape.ld()..][..rows.len()], rows);
                    clear(rows);
                });
            }
        }
    }
}
