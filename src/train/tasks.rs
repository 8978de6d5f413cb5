//! Lowering of a trainer's plans from its settings.

use super::settings::Settings;
use super::steps::Steps;
use crate::nn::{Network, PlanKey, Purpose};
use crate::plan::{Plan, PlanSpec, Task, Training, lower};

/// The plan for a trainer's key.
pub(super) fn lower_key(
    network: &Network,
    settings: &Settings,
    phases: &[Steps],
    table_steps: usize,
    key: &PlanKey,
) -> Plan {
    let (task, table_steps, ring_batch) = match key.purpose {
        Purpose::Train {
            phase,
            opens,
            updates,
            first,
            inspect,
            careful,
        } => {
            let training = train_task(settings, &phases[phase], phase);
            let training = Training {
                opens,
                updates,
                inspect,
                careful,
                average: training.average.map(|(decay, _)| (decay, first)),
                ..training
            };
            (Task::Train(training), table_steps, settings.batch_size)
        }
        Purpose::Evaluate { most, batches } => (Task::Evaluate, batches, most),
        Purpose::Predict | Purpose::Differentiate | Purpose::Jacobian | Purpose::Statistics => {
            unreachable!("the network's own plans")
        }
    };
    lower(&PlanSpec {
        gather: key.gather.as_deref(),
        table_steps,
        ring_batch,
        seed: settings.seed,
        ..network.plan_spec(key.batch, task, key.supervision)
    })
}

/// A step of a phase.
pub(super) fn train_task<'a>(settings: &Settings, steps: &'a Steps, phase: usize) -> Training<'a> {
    Training {
        terms: &steps.terms,
        trained: &steps.trained,
        moves: &steps.moves,
        fixed: &steps.fixed,
        computed: &steps.computed,
        optimizer: steps.applied.optimizer,
        gradient_norm: settings.gradient_norm,
        clip: settings.clip,
        grouped: steps.applied.factors.is_some(),
        phase,
        accumulates: settings.accumulate > 1,
        // The one that updates.
        opens: settings.accumulate == 1,
        updates: true,
        average: settings.average.map(|decay| (decay, false)),
        inspect: false,
        careful: false,
    }
}
