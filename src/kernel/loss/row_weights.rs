//! Partial sums of the row weights of a batch: Σ wᵢ, which divides the gradient of the loss after this call.
//!
//! For few rows, each workgroup of a loss adds up the weights of all rows itself. All workgroups together then load
//! rows · workgroups labels, which grows with the square of the rows. So for many rows this call comes first, and each
//! workgroup of the loss adds up its [`PARTS`] sums instead.

pub(crate) use super::call::entries;
use super::call::{PARTS, RowLoss};
use super::pieces;
use super::totals::ENTRY;
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::reduce::{self, Reduce};
use crate::kernel::base::state::STEP;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real, Shader};

/// Arguments: labels, [class weights], metric ring, state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowWeights {
    rows: usize,
    /// The number of class weights, if there are any.
    classes: Option<usize>,
    /// The ignored label, whose rows have weight 0.
    ignore: Option<u32>,
    ring_steps: usize,
    ring_stride: usize,
    /// The first entry of the sums within a place of the ring.
    ring_offset: usize,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        /// Number of class weights.
        cols: u32,
        /// Rows in a part.
        part: u32,
        parts: u32,
        /// The ignored label, whose rows have weight 0.
        ignore: u32,
        /// Number of places of the ring. A step writes to the place step modulo this number.
        ring_steps: u32,
        /// Entries from one place to the next.
        ring_stride: u32,
        /// The call's first entry within a place.
        ring_offset: u32,
    }
}

impl RowWeights {
    /// The call that must precede this loss, unless the loss adds up the weights itself. The sums follow the loss's own
    /// entries in the ring.
    pub(crate) fn before(loss: &RowLoss) -> Option<Self> {
        loss.reads_denominator().then(|| RowWeights {
            rows: loss.shape.rows,
            classes: loss.weighs_rows().then_some(loss.shape.cols),
            ignore: loss.ignore,
            ring_steps: loss.ring_steps,
            ring_stride: loss.ring_stride,
            ring_offset: loss.ring_offset + loss.ring_sums,
        })
    }

    /// Number of rows in a part.
    fn part(&self) -> usize {
        self.rows.div_ceil(PARTS).max(1)
    }
}

impl Compute for RowWeights {
    fn label(&self) -> String {
        format!("weights of {} rows", self.rows)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = vec![Binding::input(4, "labels", Element::Word)];
        if self.classes.is_some() {
            bindings.push(Binding::input(5, "class_weights", Element::Vec4).with_components());
        }
        bindings.extend([
            Binding::output(9, "ring", Element::Vec4),
            Binding::input(10, "state", Element::Word),
        ]);
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let params = Params {
            rows: self.rows as u32,
            cols: self.classes.unwrap_or(1) as u32,
            part: self.part() as u32,
            parts: PARTS as u32,
            ignore: self.ignore.unwrap_or(0),
            ring_steps: self.ring_steps as u32,
            ring_stride: self.ring_stride as u32,
            ring_offset: self.ring_offset as u32,
        };
        let mut reduce = Reduce::new(WORKGROUP, capabilities);
        // Constants of the chain piece.
        reduce.constants.push(("LANES", 1));
        let flags = format!(
            "const LONG = true;\nconst IGNORES = {};\nconst WEIGHED_ROWS = {};\n",
            self.ignore.is_some(),
            self.classes.is_some()
        );
        let mut sources = vec![flags.as_str()];
        sources.extend(reduce.pieces);
        sources.extend([
            reduce::FLOATS,
            reduce::SOURCE,
            pieces::CHAIN,
            pieces::class_weights(self.classes.is_some()),
            include_str!("../../../shaders/loss/row_weights.wgsl"),
        ]);
        let turns = self.part().div_ceil(WORKGROUP) + WORKGROUP.ilog2() as usize;
        Program::assemble(
            Shader {
                constants: &reduce.constants,
                bindings: &self.bindings(),
                pieces: &sources,
            },
            &params,
            PARTS,
        )
        .with_iterations(turns)
    }

    fn flops(&self) -> u64 {
        self.rows as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let labels = &args.read_words()[..self.rows];
        let weights = self.classes.map(|classes| &args.read()[..classes]);
        let (ring, state) = (args.write(), args.read_words());
        let place = state[STEP] as usize % self.ring_steps * self.ring_stride + self.ring_offset;
        let entries = &mut ring[ENTRY * place..][..ENTRY * PARTS];
        entries.fill(T::ZERO);
        let weight = |&label: &u32| match weights {
            _ if Some(label) == self.ignore => 0.0,
            Some(weights) => weights[(label as usize).min(weights.len() - 1)].to_f64(),
            None => 1.0,
        };
        for (part, entry) in labels
            .chunks(self.part())
            .zip(entries.chunks_exact_mut(ENTRY))
        {
            entry[0] = T::of(part.iter().map(weight).sum());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::FEW_LOADS;
    use super::*;
    use crate::kernel::Criterion;
    use crate::kernel::base::MatrixShape;
    use crate::kernel::base::row_reduce;
    use crate::kernel::loss::{Against, Output};
    use crate::kernel::shader_tests::ALL_CAPABILITIES;

    /// A mean over labels with class weights, and its gradient.
    fn weighted(shape: MatrixShape) -> RowLoss {
        let ring_sums = row_reduce::sums(shape);
        RowLoss {
            criterion: Criterion::SoftmaxCrossEntropy { smoothing: 0.0 },
            shape,
            against: Against::Labels,
            class_weights: true,
            counts_values: true,
            ignore: None,
            factor: 1.0,
            divide: true,
            scaled: None,
            output: Output::Gradients,
            clock: true,
            ordinary: false,
            ring_steps: 1,
            ring_stride: ring_sums + entries(shape),
            ring_offset: 0,
            ring_sums,
        }
    }

    /// Iterations of the loops over labels and partial sums, in all invocations: the additional ones of a loss with a
    /// denominator, and those of the call before it.
    fn iterations(rows: usize, cols: usize, capabilities: &Capabilities) -> u64 {
        let loss = weighted(MatrixShape::new(rows, cols));
        let undivided = RowLoss {
            divide: false,
            ..loss.clone()
        };
        let [with, without] = [&loss, &undivided].map(|loss| loss.program(capabilities));
        let of_loss = with.workgroups * PARTS as u64 * (with.iterations - without.iterations);
        let before = RowWeights::before(&loss).map_or(0, |call| {
            let program = call.program(capabilities);
            program.workgroups * WORKGROUP as u64 * program.iterations
        });
        of_loss + before
    }

    #[test]
    fn the_work_for_a_denominator_is_linear_in_the_rows() {
        // Every invocation of RowWeights runs the levels of a tree in addition to its share of the rows.
        let fixed = (PARTS * WORKGROUP) as u64 * 16;
        for target in &ALL_CAPABILITIES {
            for cols in [1, 3, 32, 33, 5000] {
                for rows in [1, 64, 2048, 2049, 16_384] {
                    let loads = iterations(rows, cols, target);
                    assert!(
                        loads <= 2 * FEW_LOADS as u64 + fixed,
                        "{rows} x {cols}: {loads}"
                    );
                }
                for rows in [16_385, 65_536, 300_000, 3_000_000, 100_000_000] {
                    let loads = iterations(rows, cols, target);
                    assert!(loads <= 2 * rows as u64 + fixed, "{rows} x {cols}: {loads}");
                }
            }
        }
    }

    /// If all workgroups of the loss load little, the loss adds up the weights itself, and no call precedes it.
    #[test]
    fn few_rows_take_no_call() {
        for (cols, most) in [(1, 16_384), (32, 16_384), (33, 2048), (5000, 2048)] {
            let shape = |rows| MatrixShape::new(rows, cols);
            for rows in [1, 8, 64, most] {
                assert_eq!(RowWeights::before(&weighted(shape(rows))), None);
            }
            for rows in [most + 1, 300_000] {
                let loss = weighted(shape(rows));
                assert!(RowWeights::before(&loss).is_some());
                // Without a gradient, the denominator is not needed.
                for output in [Output::Reduced, Output::Rows] {
                    let loss = RowLoss {
                        output,
                        ..loss.clone()
                    };
                    assert_eq!(RowWeights::before(&loss), None);
                }
            }
        }
    }

    /// A software adapter stops the loops of an invocation after 65,535 iterations. 65,000 iterations correspond to a
    /// thousand million rows.
    #[test]
    fn no_invocation_of_a_large_batch_is_cut_short() {
        use crate::kernel::base::program::MAX_ITERATIONS;
        for rows in [16_385, 65_537, 131_073, 300_001, 1_000_000_000] {
            let loss = weighted(MatrixShape::new(rows, 3));
            let call = RowWeights::before(&loss).unwrap();
            for target in &ALL_CAPABILITIES {
                let iterations = call.program(target).iterations;
                assert!(iterations >= (rows / PARTS / WORKGROUP) as u64);
                assert!(iterations < MAX_ITERATIONS);
            }
        }
    }
}
