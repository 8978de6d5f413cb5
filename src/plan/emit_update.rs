//! Calls that read the gradients: accumulation, norm, update, average, and the measures of an inspected step.

use super::Role;
use super::emit::Emitter;
use super::inspect::{Inspected, What};
use super::operand::Operand;
use super::spec::Training;
use crate::kernel::base::guard::BLOCK;
use crate::kernel::reduction::squares::PAIR;
use crate::kernel::update::{ClipWith, FACTORS, Keep};
use crate::kernel::{Accumulate, Axpby, Clip, Squares, Statistics, Sum, Update};

impl Emitter<'_> {
    /// Appends the calls that follow the gradients. Calls that may detect an overflow come before every call that
    /// changes something.
    pub(super) fn end_step(&mut self, training: Training<'_>) {
        let by_norm = matches!(training.clip, Some(Clip::Norm(_)));
        if training.updates {
            if training.accumulates {
                self.accumulate(training, false);
            }
            if training.gradient_norm || by_norm {
                self.gradient_norm(training);
            }
            if training.careful {
                self.update(training, true);
            }
        } else if training.careful {
            self.accumulate(training, true);
        }
        self.inspect_parameters(What::Gradient);
        self.commit_running(training.moves);
        self.carry_states();
        if training.inspect {
            self.for_segments(|emitter, segment, floats| {
                let operands = vec![
                    Operand::whole(Role::Parameters(segment), floats),
                    Operand::whole(Role::Previous(segment), floats),
                    emitter.state(),
                ];
                emitter.push(Axpby::copy(floats), operands);
            });
        }
        if training.updates {
            self.update(training, false);
            if let Some((decay, first)) = training.average {
                self.average(decay, first);
            }
        } else {
            self.accumulate(training, false);
        }
        self.inspect_parameters(What::Update);
        self.inspect_parameters(What::Weight);
    }

    /// Role of the gradients of a segment in this phase.
    fn gradients(&self, training: Training<'_>, segment: usize) -> Role {
        Role::Gradients(training.phase * self.spec.arena.segments.len() + segment)
    }

    /// First guard id of the blocks of each segment, after `before` ids for each block of the arena.
    fn block_ids(&self, before: usize) -> Vec<u32> {
        let blocks = self.spec.arena.segments.iter().map(|s| s / BLOCK);
        let all: usize = blocks.clone().sum();
        let mut next = self.first_block_id() as usize + before * all;
        let mut ids = Vec::new();
        for blocks in blocks {
            ids.push(next as u32);
            next += blocks;
        }
        ids
    }

    fn for_segments(&mut self, mut emit: impl FnMut(&mut Self, usize, usize)) {
        for (segment, &floats) in self.spec.arena.segments.iter().enumerate() {
            emit(self, segment, floats);
        }
    }

    /// Adds the micro-batch's gradients to those of earlier micro-batches. If no update follows, the result goes to the
    /// accumulated sum and the clock advances; otherwise it replaces the micro-batch's gradients. A dry run sets the
    /// guard if the sum would not be finite, and writes nothing.
    fn accumulate(&mut self, training: Training<'_>, dry: bool) {
        if training.opens && training.updates {
            return;
        }
        let segments = self.spec.arena.segments.len();
        let first = training.phase * segments;
        let scales = self.spec.scales();
        let ids = self.block_ids(1);
        self.for_segments(|emitter, segment, floats| {
            let operands = vec![
                Operand::whole(Role::Gradients(first + segment), floats),
                Operand::whole(Role::Accumulated(first + segment), floats),
                emitter.scaled_state(),
            ];
            let accumulate = Accumulate {
                floats,
                opens: training.opens,
                updates: training.updates,
                increment_step: segment + 1 == segments && !training.updates && !dry,
                scales,
                dry: dry.then(|| ids[segment]),
            };
            emitter.push(accumulate, operands);
        });
    }

    fn gradient_norm(&mut self, training: Training<'_>) {
        let ring_stride = gradient_parts(&self.spec.arena.segments);
        let steps = self.spec.table_steps;
        let mut ring_offset = 0;
        self.for_segments(|emitter, segment, floats| {
            let sum = Squares {
                floats,
                ring_steps: steps,
                ring_stride,
                ring_offset,
            };
            ring_offset += Sum::parts(floats);
            let ring = Operand::whole(Role::GradientNorms, PAIR * steps * ring_stride);
            let operands = vec![
                Operand::whole(emitter.gradients(training, segment), floats),
                ring,
                emitter.state(),
            ];
            emitter.push(sum, operands);
        });
    }

    /// The update, or its dry run.
    fn update(&mut self, training: Training<'_>, dry: bool) {
        let spec = self.spec;
        let segments = spec.arena.segments.len();
        let parts = gradient_parts(&spec.arena.segments);
        let optimizer = training.optimizer;
        let ids = self.block_ids(0);
        self.for_segments(|emitter, segment, floats| {
            let mut operands = vec![
                Operand::whole(Role::Parameters(segment), floats),
                Operand::whole(emitter.gradients(training, segment), floats),
            ];
            if optimizer.moments() > 0 {
                operands.push(Operand::whole(
                    Role::Moments(segment),
                    optimizer.moments() * floats,
                ));
            }
            operands.push(emitter.state());
            if let Some(Clip::Norm(_)) = training.clip {
                operands.push(Operand::whole(
                    Role::GradientNorms,
                    PAIR * spec.table_steps * parts,
                ));
            }
            if training.grouped {
                let role = Role::Factors(training.phase * segments + segment);
                operands.push(Operand::whole(role, floats / BLOCK * FACTORS));
            }
            let update = Update {
                optimizer,
                floats,
                increment_step: !dry && segment + 1 == segments,
                clip: ClipWith::new(training.clip, parts, spec.table_steps),
                grouped: training.grouped,
                keep: if dry {
                    Keep::Dry(ids[segment])
                } else {
                    Keep::Store
                },
            };
            emitter.push(update, operands);
        });
    }

    /// Updates the moving average of the weights; after the first update it equals the weights.
    fn average(&mut self, decay: f64, first: bool) {
        self.for_segments(|emitter, segment, floats| {
            let operands = vec![
                Operand::whole(Role::Parameters(segment), floats),
                Operand::whole(Role::Average(segment), floats),
                emitter.state(),
            ];
            let axpby = if first {
                Axpby::copy(floats)
            } else {
                Axpby::average(floats, decay)
            };
            emitter.push(axpby, operands);
        });
    }

    fn inspect_parameters(&mut self, what: What) {
        for i in 0..self.inspected.0.len() {
            let item = self.inspected.0[i];
            if item.what == what {
                self.measure(item);
            }
        }
    }

    /// Appends the call that measures a tensor.
    pub(super) fn measure(&mut self, item: Inspected) {
        let mut operands = match item.what {
            What::Activation(node) => vec![self.operand(self.graph.value(node))],
            What::Gradient => vec![self.gradient_place(item.number)],
            What::Weight | What::Update => {
                vec![self.parameter_place(Role::Parameters, item.number)]
            }
        };
        if item.what == What::Update {
            operands.push(self.parameter_place(Role::Previous, item.number));
        }
        operands.push(Operand::whole(Role::Measures, self.inspected.1));
        let statistics = Statistics {
            shape: item.shape,
            change: item.what == What::Update,
            place: item.place,
        };
        self.push(statistics, operands);
    }
}

/// Number of partial sums of squared gradients in a step; each is a pair of floats.
pub(crate) fn gradient_parts(segments: &[usize]) -> usize {
    segments.iter().map(|&floats| Sum::parts(floats)).sum()
}
