//! The sum of the parts of a weight gradient, in a fixed order, and with it the gradient of the bias.

use crate::kernel::base::guard::{self, ORDINARY, out_of_bounds};
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::for_rows;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, gradient,
    matrix,
};

/// Adds the parts. Arguments: parts, the weight gradient, [the bias gradient], [state].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WeightSum {
    /// The shape of the weight gradient.
    pub(crate) shape: MatrixShape,
    /// Number of parts.
    pub(crate) parts: usize,
    /// Whether the last column of each part is that of the bias gradient.
    pub(crate) bias: bool,
    /// Guard id, if the sums are a parameter's gradient. The bias gradient has the next id.
    pub(crate) gradient: Option<u32>,
}

/// Parts that are added one after another; the sums of so many are added in turn.
const GROUP: usize = 32;

/// The sums of the grid, which are in the last column of each part.
const BIAS: &str = include_str!("../../../shaders/convolution/bias_sum.wgsl");
/// Replaces [`BIAS`] if there are none.
const NO_BIAS: &str = "\
const BIAS = false;
fn bias_of(i: u32, component: u32) -> f32 { return 0.0; }
fn store_bias(i: u32, value: vec4<f32>) {}
";
/// The test of a bias gradient.
const BIAS_GUARD: &str = include_str!("../../../shaders/convolution/bias_guard.wgsl");
/// Replaces [`BIAS_GUARD`] if there is nothing to test.
const NO_BIAS_GUARD: &str = "fn test_bias(value: vec4<f32>) {}\n";

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row of the gradient, and in a row of a part.
        ld4: u32,
        part_ld4: u32,
        parts: u32,
        /// Id for the non-finite guard.
        id: u32,
        _pad: [u32; 2],
    }
}

impl WeightSum {
    fn part(&self) -> MatrixShape {
        MatrixShape::new(self.shape.rows, self.shape.cols + usize::from(self.bias))
    }
}

impl Compute for WeightSum {
    fn label(&self) -> String {
        let bias = if self.bias { ", bias gradient" } else { "" };
        format!("sum of {} parts {}{bias}", self.parts, self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        let parts = Binding::input(1, "parts", Element::Vec4);
        let mut bindings = vec![
            if self.bias {
                parts.with_components()
            } else {
                parts
            },
            Binding::output(3, "out", Element::Vec4),
        ];
        if self.bias {
            bindings.push(Binding::output(7, "sums", Element::Vec4));
        }
        let state = Binding::updated(8, "state", Element::AtomicWord);
        bindings.extend(self.gradient.map(|_| state));
        bindings
    }

    fn program(&self, _: &Capabilities) -> Program {
        let params = Params {
            rows: self.shape.rows as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            part_ld4: self.part().ld4() as u32,
            parts: self.parts as u32,
            id: self.gradient.unwrap_or(0),
            _pad: [0; 2],
        };
        let [tests, finish] = match self.gradient {
            Some(_) => gradient::SOURCES,
            None => ["", gradient::PLAIN],
        };
        let guarded = self.bias && self.gradient.is_some();
        let pieces = [
            matrix::SOURCE,
            tests,
            finish,
            if self.bias { BIAS } else { NO_BIAS },
            if guarded { BIAS_GUARD } else { NO_BIAS_GUARD },
            include_str!("../../../shaders/convolution/weight_sum.wgsl"),
        ];
        // An invocation for each vec4 of the gradient, then one for each vec4 of the bias gradient.
        let sums = if self.bias {
            self.shape.rows.div_ceil(4)
        } else {
            0
        };
        let workgroups = (self.shape.vec4s() + sums).div_ceil(WORKGROUP);
        let constants = [("WORKGROUP", WORKGROUP as u32), ("GROUP", GROUP as u32)];
        Program::assemble(
            Shader {
                constants: &constants,
                bindings: &self.bindings(),
                pieces: &pieces,
            },
            &params,
            workgroups,
        )
        .with_iterations(self.parts)
    }

    fn flops(&self) -> u64 {
        self.parts as u64 * self.part().elements()
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (parts, out) = (args.read(), args.write());
        let (shape, part) = (self.shape, self.part());
        let add = |to: &mut [T], row: usize, first: usize| {
            to.fill(T::ZERO);
            let mut group = vec![T::ZERO; to.len()];
            for (number, part) in parts
                .chunks_exact(part.floats())
                .take(self.parts)
                .enumerate()
            {
                if number > 0 && number.is_multiple_of(GROUP) {
                    to.iter_mut().zip(&group).for_each(|(to, &sum)| *to += sum);
                    group.fill(T::ZERO);
                }
                let from = &part[row * self.part().ld() + first..];
                group.iter_mut().zip(from).for_each(|(to, &sum)| *to += sum);
            }
            to.iter_mut().zip(&group).for_each(|(to, &sum)| *to += sum);
        };
        if part.floats() == 0 {
            return;
        }
        for_rows(out, shape, |i, row| add(row, i, 0));
        let mut sums = self.bias.then(|| args.write());
        if let Some(sums) = &mut sums {
            sums[..shape.rows.next_multiple_of(4)].fill(T::ZERO);
            for i in 0..shape.rows {
                add(&mut sums[i..i + 1], i, shape.cols);
            }
        }
        if let Some(id) = self.gradient {
            let state = args.write_words();
            gradient::guard(id, &out[..shape.floats()], state);
            if sums.is_some_and(|sums| out_of_bounds(id, &sums[..shape.rows])) {
                guard::set(state, (id & !ORDINARY) + 1);
            }
        }
    }
}
