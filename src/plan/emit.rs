//! One call for each operation that is not computed within another's.

use super::fuse::Fusion;
use super::lower::{GatherSource, Request, Task};
use super::operand::{Draft, Operand};
use super::{Guarded, Role};
use crate::graph::{Graph, Op, Value};
use crate::kernel::elementwise::Op as Elementary;
use crate::kernel::gather::Source;
use crate::kernel::guard::ORDINARY;
use crate::kernel::scaling::Scaling;
use crate::kernel::{
    Advance, Augment, ColumnSum, Elementwise, Epilogue, Gather, Kernel, Layout, Matmul,
    MatrixShape, Softmax, SoftmaxBackward,
};

pub(crate) struct Emitter<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) graph: &'a Graph,
    pub(super) fusion: &'a Fusion,
    /// The gradient of each parameter.
    pub(super) gradients: &'a [Option<Value>],
    drafts: Vec<Draft>,
    /// The tensor of each id of the non-finite guard, from id 1 on.
    guards: Vec<Guarded>,
}

impl<'a> Emitter<'a> {
    pub(crate) fn new(
        request: &'a Request<'a>,
        graph: &'a Graph,
        fusion: &'a Fusion,
        gradients: &'a [Option<Value>],
    ) -> Self {
        Emitter {
            request,
            graph,
            fusion,
            gradients,
            drafts: Vec::new(),
            guards: Vec::new(),
        }
    }

    /// Gather, the graph's operations in their order, then what reads the gradients.
    pub(crate) fn emit(mut self) -> (Vec<Draft>, Vec<Guarded>) {
        if let Some(source) = self.request.gather {
            self.gather(source);
        }
        for node in 0..self.graph.nodes.len() {
            if self.fusion.is_needed(node) && self.fusion.host[node].is_none() {
                self.node(self.graph.value(node));
                self.inspect_activation(node);
            }
        }
        self.copy_gradients();
        if let Task::Train(training) = self.request.task {
            self.end_step(training);
        }
        if matches!(self.request.task, Task::Evaluate) {
            let state = self.state();
            self.push(Advance, vec![state]);
        }
        (self.drafts, self.guards)
    }

    pub(super) fn push(&mut self, kernel: impl Into<Kernel>, operands: Vec<Operand>) {
        self.drafts.push(Draft {
            kernel: kernel.into(),
            operands,
        });
    }

    fn gather(&mut self, from: GatherSource) {
        let input = self.graph.nodes.iter().find(|node| node.op == Op::Input);
        let cols = input.map_or(0, |node| node.shape.cols);
        let shape = MatrixShape::new(self.request.batch, cols);
        let samples = MatrixShape::new(from.samples, cols);
        let clock = self.clock();
        let operands = vec![
            Operand::whole(
                Role::Samples(clock),
                match from.source {
                    Source::Bytes => samples.vec4s(),
                    Source::Floats => samples.floats(),
                },
            ),
            Operand::whole(Role::SampleLabels(clock), from.samples),
            Operand::whole(Role::Indices(clock), from.samples),
            self.step_table(),
            self.state(),
            Operand::whole(Role::Input, shape.floats()),
            self.labels(),
        ];
        let gather = Gather {
            shape,
            source: from.source,
            scaling: from.scaling,
            samples: from.samples,
            table_steps: self.request.table_steps,
        };
        match from.augment {
            None => self.push(gather, operands),
            Some((augmentation, seed)) => {
                self.push(Augment::new(gather, augmentation, seed), operands);
            }
        }
        if let Some(cols) = from.target_cols {
            self.gather_targets(from.samples, cols);
        }
    }

    /// Gathers the target values; the labels come along once more.
    fn gather_targets(&mut self, samples: usize, cols: usize) {
        let clock = self.clock();
        let operands = vec![
            Operand::whole(
                Role::SampleTargets(clock),
                MatrixShape::new(samples, cols).floats(),
            ),
            Operand::whole(Role::SampleLabels(clock), samples),
            Operand::whole(Role::Indices(clock), samples),
            self.step_table(),
            self.state(),
            self.targets(cols),
            self.labels(),
        ];
        let gather = Gather {
            shape: MatrixShape::new(self.request.batch, cols),
            source: Source::Floats,
            scaling: Scaling::NONE,
            samples,
            table_steps: self.request.table_steps,
        };
        self.push(gather, operands);
    }

    fn node(&mut self, value: Value) {
        let shape = self.shape(value);
        match self.graph.op(value).clone() {
            Op::Input | Op::Targets | Op::Parameter(_) => {}
            Op::Matmul { .. } => {
                let epilogue = match self.parameter_of(value) {
                    None => Epilogue::Plain,
                    Some(number) => Epilogue::Gradient {
                        id: self.guard(Guarded::Gradient(number)),
                    },
                };
                self.product(value, value, None, epilogue, value);
            }
            Op::BiasAdd { x, bias } => {
                if self.fusion.host[x.0] == Some(value.0) {
                    self.product(x, value, Some(bias), Epilogue::Plain, value);
                } else {
                    self.elementwise(Elementary::BiasAdd, &[x, bias], value);
                }
            }
            Op::Activation { z, f } => {
                if self.fusion.host[z.0] != Some(value.0) {
                    return self.elementwise(Elementary::Activate(f), &[z], value);
                }
                let epilogue = if self.fusion.is_kept(z.0) {
                    Epilogue::Keep(f)
                } else {
                    Epilogue::Activation(f)
                };
                match *self.graph.op(z) {
                    Op::BiasAdd { x, bias } => self.product(x, z, Some(bias), epilogue, value),
                    _ => self.product(z, z, None, epilogue, value),
                }
            }
            Op::ActivationBackward { dy, saved, f } => {
                if self.fusion.host[dy.0] == Some(value.0) {
                    self.product(dy, saved, None, Epilogue::Derivative(f), value);
                } else {
                    self.elementwise(Elementary::ActivateBackward(f), &[dy, saved], value);
                }
            }
            Op::Add { a, b } => self.elementwise(Elementary::Add, &[a, b], value),
            Op::Hadamard { a, b } => self.elementwise(Elementary::Hadamard, &[a, b], value),
            Op::Scale { a, factor } => self.elementwise(Elementary::Scale(factor), &[a], value),
            Op::Softmax { x, log } => {
                let operands = self.operands(&[x, value]);
                self.push(Softmax { log, shape }, operands);
            }
            Op::SoftmaxBackward { dy, y, log } => {
                let operands = self.operands(&[dy, y, value]);
                self.push(SoftmaxBackward { log, shape }, operands);
            }
            Op::ColumnSum { x } => {
                let mut operands = self.operands(&[x, value]);
                let gradient = self
                    .parameter_of(value)
                    .map(|number| self.guard(Guarded::Gradient(number)));
                operands.extend(gradient.map(|_| self.state()));
                let shape = self.shape(x);
                self.push(ColumnSum { shape, gradient }, operands);
            }
            Op::Loss { .. } => self.loss(value),
            Op::Part { .. } => unreachable!("a part is computed within its operation's call"),
            _ => self.layer(value),
        }
    }

    /// The product node `product` with what its host adds. `second` is z for a kept z, or the saved operand of a
    /// derivative.
    fn product(
        &mut self,
        product: Value,
        second: Value,
        bias: Option<Value>,
        epilogue: Epilogue,
        out: Value,
    ) {
        let Op::Matmul { a, b, layout } = *self.graph.op(product) else {
            unreachable!("only products are hosted as products")
        };
        let shape = self.shape(product);
        let k = match layout {
            Layout::NN | Layout::NT => self.shape(a).cols,
            Layout::TN => self.shape(a).rows,
        };
        let column_sum = self.fusion.column_sum[product.0];
        let mut operands = self.operands(&[a, b]);
        operands.extend(bias.map(|bias| self.operand(bias)));
        if matches!(epilogue, Epilogue::Derivative(_)) {
            operands.push(self.operand(second));
        }
        operands.push(self.operand(out));
        if matches!(epilogue, Epilogue::Keep(_)) {
            operands.push(self.operand(second));
        }
        if let Some(sum) = column_sum {
            operands.push(self.operand(sum));
            // Its id is the one after the product's.
            if let Some(number) = self.parameter_of(sum) {
                self.guard(Guarded::Gradient(number));
            }
        }
        if matches!(epilogue, Epilogue::Gradient { .. }) {
            operands.push(self.state());
        }
        let matmul = Matmul {
            m: shape.rows,
            n: shape.cols,
            k,
            layout,
            bias: bias.is_some(),
            epilogue,
            row_sums: column_sum.is_some(),
        };
        self.push(matmul, operands);
    }

    pub(super) fn elementwise(&mut self, op: Elementary, inputs: &[Value], out: Value) {
        let mut operands = self.operands(inputs);
        operands.push(self.operand(out));
        self.push(
            Elementwise {
                op,
                shape: self.shape(out),
            },
            operands,
        );
    }

    /// Copies the gradients that lie in slots to the arena.
    fn copy_gradients(&mut self) {
        for (number, gradient) in self.gradients.iter().enumerate() {
            let Some(gradient) = *gradient else { continue };
            if self.parameter_of(gradient).is_none() {
                let operands = vec![
                    self.operand(gradient),
                    self.gradient_place(number),
                    self.state(),
                ];
                let op = Elementary::GradientCopy(self.guard(Guarded::Gradient(number)));
                let shape = self.shape(gradient);
                self.push(Elementwise { op, shape }, operands);
            }
        }
    }

    /// The further results of an operation, in their order.
    pub(super) fn parts(&self, value: Value) -> Vec<Value> {
        let is_part =
            |node: &usize| matches!(self.graph.nodes[*node].op, Op::Part { of, .. } if of == value);
        let nodes = value.0..self.graph.nodes.len();
        nodes
            .filter(is_part)
            .map(|node| self.graph.value(node))
            .collect()
    }

    /// Whether no loss has been emitted yet.
    pub(super) fn first_loss(&self) -> bool {
        !self
            .drafts
            .iter()
            .any(|draft| matches!(draft.kernel, Kernel::LossCall(_)))
    }

    /// The next id of the non-finite guard, as the kernel that tests the tensor is given it: in an ordinary step it tests
    /// for large values too.
    pub(super) fn guard(&mut self, guarded: Guarded) -> u32 {
        self.guards.push(guarded);
        self.guards.len() as u32 | if self.is_ordinary() { ORDINARY } else { 0 }
    }

    /// Whether this is a training step that relies on bounds instead of dry runs.
    pub(super) fn is_ordinary(&self) -> bool {
        matches!(self.request.task, Task::Train(training) if !training.careful)
    }

    /// The id of the first block of the parameter arena, after those of all tensors so far.
    pub(super) fn first_block_id(&self) -> u32 {
        self.guards.len() as u32 + 1
    }
}
