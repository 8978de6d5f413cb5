//! The arenas that a trainer keeps beside the parameters.

use super::options::Settings;
use super::phase::Steps;
use crate::Result;
use crate::kernel::program::Element;
use crate::kernel::update::{ENTRY_WORDS, STATE_WORDS};
use crate::nn::Network;
use crate::optim::block_factors;
use crate::plan::{BufferSpec, Clock, Role, gradient_parts};

/// Makes room for the state, for the table and the gradient norms of `table_steps` steps, and for moments, sums of
/// gradients, averages and factors, and fills them with what they are before the first step.
pub(super) fn reserve(
    network: &mut Network,
    settings: &Settings,
    phases: &[Steps],
    table_steps: usize,
) -> Result<()> {
    let segments = network.arena.segments.clone();
    let mut words = |role, len| {
        let element = Element::Word;
        network.executor.reserve(BufferSpec { role, element, len })
    };
    words(Role::State(Clock::Training), STATE_WORDS)?;
    words(Role::StepTable(Clock::Training), ENTRY_WORDS * table_steps)?;
    if settings.gradient_norm {
        fill(
            network,
            Role::GradientNorms,
            table_steps * gradient_parts(&segments),
            0.0,
        )?;
    }
    let moments = phases.iter().map(|steps| steps.optimizer.moments());
    let moments = moments.max().unwrap_or(0);
    for (segment, &floats) in segments.iter().enumerate() {
        if moments > 0 {
            // Written also where it is 0: another trainer of this network may have left its own.
            fill(network, Role::Moments(segment), moments * floats, 0.0)?;
        }
        if settings.average.is_some() {
            fill(network, Role::Average(segment), floats, 0.0)?;
        }
    }
    for (phase, steps) in phases.iter().enumerate() {
        let first = phase * segments.len();
        if settings.accumulate > 1 {
            for (segment, &floats) in segments.iter().enumerate() {
                fill(network, Role::Accumulated(first + segment), floats, 0.0)?;
            }
        }
        // Parameters that this phase does not reach have no gradient, whatever an earlier trainer left.
        for (segment, &floats) in segments.iter().enumerate() {
            fill(network, Role::Gradients(first + segment), floats, 0.0)?;
        }
        if let Some(factors) = &steps.factors {
            let tables = block_factors(factors, &network.arena);
            for (segment, table) in tables.iter().enumerate() {
                write(network, Role::Factors(first + segment), table)?;
            }
        }
        let initial = steps.optimizer.initial_moment();
        if initial != 0.0 {
            for number in 0..steps.trained.len() {
                let shape = network.graph.parameters[number].shape;
                let values = vec![initial; shape.rows * shape.cols];
                for moment in 0..steps.optimizer.moments() {
                    if steps.trained[number] {
                        network.write_arena(Role::Moments, moment, number, &values)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn fill(network: &mut Network, role: Role, len: usize, value: f32) -> Result<()> {
    write(network, role, &vec![value; len])
}

fn write(network: &mut Network, role: Role, values: &[f32]) -> Result<()> {
    let element = Element::Float;
    let len = values.len();
    network
        .executor
        .reserve(BufferSpec { role, element, len })?;
    network
        .executor
        .write(role, 0, bytemuck::cast_slice(values))
}
