//! Buffers of a trainer besides the parameters.

use super::settings::Settings;
use super::state_buffers::{state_buffers, zero_states};
use super::steps::Steps;
use crate::Result;
use crate::kernel::base::binding::Scalar;
use crate::kernel::base::state::{ENTRY_WORDS, STATE_WORDS};
use crate::kernel::reduction::squares::PAIR;
use crate::nn::Network;
use crate::optim::block_factors;
use crate::plan::{BufferSpec, Clock, Plan, Role, gradient_parts};

/// A buffer and its contents before the first step.
struct Kept {
    role: Role,
    len: usize,
    first: First,
}

enum First {
    /// Undefined: the host writes it before each submit.
    Anything,
    /// Zeros. New buffers are zero already, but an earlier trainer of this network may have left other values.
    Zeros,
    Floats(Vec<f32>),
}

/// Allocates all buffers that a step needs, or none: those of these plans, the state, the table and gradient norms of
/// `table_steps` steps, and moments, sums of gradients, averages and factors. Fills them with their contents before the
/// first step, and returns their list.
pub(super) fn reserve(
    network: &mut Network,
    settings: &Settings,
    phases: &[Steps],
    plans: &[Plan],
    table_steps: usize,
) -> Result<Vec<BufferSpec>> {
    let kept = kept(network, settings, phases, table_steps);
    let states = state_buffers(network, settings.batch_size, Clock::Training);
    let buffers = kept.iter().map(|kept| BufferSpec {
        role: kept.role,
        scalar: match kept.first {
            First::Anything => Scalar::Word,
            First::Zeros | First::Floats(_) => Scalar::Float,
        },
        len: kept.len,
    });
    let of_plans = plans.iter().flat_map(|plan| plan.buffers.iter().copied());
    let buffers: Vec<BufferSpec> = buffers.chain(states).chain(of_plans).collect();
    let what = format!("training on batches of {}", settings.batch_size);
    network.executor.reserve_all(&what, &buffers)?;
    zero_states(network, settings.batch_size, Clock::Training)?;
    for Kept { role, len, first } in kept {
        let floats = match first {
            First::Anything => continue,
            First::Zeros => vec![0.0; len],
            First::Floats(floats) => floats,
        };
        network
            .executor
            .write(role, 0, bytemuck::cast_slice(&floats))?;
    }
    for steps in phases {
        let initial = steps.optimizer.initial_moment();
        if initial != 0.0 {
            write_moments(network, steps, initial)?;
        }
    }
    Ok(buffers)
}

fn kept(network: &Network, settings: &Settings, phases: &[Steps], table_steps: usize) -> Vec<Kept> {
    let mut all = Vec::new();
    let mut keep = |role, len, first| all.push(Kept { role, len, first });
    let segments = &network.arena.segments;
    keep(Role::State(Clock::Training), STATE_WORDS, First::Anything);
    let table = ENTRY_WORDS * table_steps;
    keep(Role::StepTable(Clock::Training), table, First::Anything);
    if settings.gradient_norm {
        let norms = PAIR * table_steps * gradient_parts(segments);
        keep(Role::GradientNorms, norms, First::Zeros);
    }
    let moments = phases.iter().map(|steps| steps.optimizer.moments());
    let moments = moments.max().unwrap_or(0);
    for (segment, &floats) in segments.iter().enumerate() {
        if moments > 0 {
            keep(Role::Moments(segment), moments * floats, First::Zeros);
        }
        if settings.average.is_some() {
            keep(Role::Average(segment), floats, First::Zeros);
        }
    }
    for (phase, steps) in phases.iter().enumerate() {
        let first = phase * segments.len();
        for (segment, &floats) in segments.iter().enumerate() {
            if settings.accumulate > 1 {
                keep(Role::Accumulated(first + segment), floats, First::Zeros);
            }
            // Parameters that this phase does not reach need a zero gradient; an earlier trainer may have left another.
            keep(Role::Gradients(first + segment), floats, First::Zeros);
        }
        if let Some(factors) = &steps.applied.factors {
            let tables = block_factors(factors, &network.arena);
            for (segment, table) in tables.into_iter().enumerate() {
                let role = Role::Factors(first + segment);
                keep(role, table.len(), First::Floats(table));
            }
        }
    }
    all
}

/// Writes the initial moments of a phase's parameters, if they are not 0.
fn write_moments(network: &mut Network, steps: &Steps, initial: f32) -> Result<()> {
    for number in 0..steps.trained.len() {
        let shape = network.graph.parameters[number].shape;
        let values = vec![initial; shape.rows * shape.cols];
        for moment in 0..steps.optimizer.moments() {
            if steps.trained[number] {
                network.write_arena(Role::Moments, moment, number, &values)?;
            }
        }
    }
    Ok(())
}
