//! Resynchronisation of host and device after an interrupted call, and careful steps.

use super::Trainer;
use super::steps::Turn;
use crate::Result;
use crate::kernel::base::state::{CARE, STATUS_WORDS, STEP, STEP_HIGH, state_at};
use crate::nn::Purpose;
use crate::plan::{Clock, Role};

/// Number of careful steps after one was needed.
const CAREFUL_STEPS: u64 = 1024;

impl Trainer {
    /// Resynchronises the host with the device, if the last call was interrupted by an error or a dropped future.
    /// Pending losses and checks of the stop rule are counted.
    pub(super) async fn resync(&mut self) -> Result<()> {
        self.check_network()?;
        if self.pipeline.out_of_sync {
            self.pipeline.in_flight.clear();
            let state = self
                .network
                .executor
                .read(Role::State(Clock::Training), 0..STATUS_WORDS)
                .await?;
            self.count_missed(self.step_of(state[STEP])).await?;
            self.resume_from(state[STEP], state[CARE] != 0)?;
        }
        // Values that the host wrote may exceed the bounds of ordinary steps.
        if self.care.wild_writes != self.network.wild_writes {
            self.care.wild_writes = self.network.wild_writes;
            self.take_care();
        }
        self.count_check().await
    }

    /// The 64-bit number of the step that the device counts in 32 bits.
    pub(super) fn step_of(&self, step: u32) -> u64 {
        let submitted = self.cursor.step.saturating_sub(self.pipeline.anchor.step);
        let done = u64::from(step.wrapping_sub(self.pipeline.anchor.step as u32)).min(submitted);
        self.pipeline.anchor.step + done
    }

    /// Sets the host's step counter to the device's, and clears the guard. `care` is whether the device requests
    /// careful steps.
    pub(super) fn resume_from(&mut self, step: u32, care: bool) -> Result<()> {
        self.cursor.step = self.step_of(step);
        self.go_back_to(self.cursor.step);
        let done = self.cursor.step - self.pipeline.anchor.step;
        if self.pipeline.anchor.batches > 0 {
            (self.cursor.epoch, self.cursor.position) = self
                .pipeline
                .anchor
                .place(self.pipeline.anchor.position + done as usize);
        }
        if care {
            self.take_care();
        }
        self.write_state()?;
        self.pipeline.out_of_sync = false;
        Ok(())
    }

    /// Writes the device's step counter, and clears the guard.
    pub(super) fn write_state(&mut self) -> Result<()> {
        let words = state_at(self.cursor.step);
        self.pipeline.high = words[STEP_HIGH];
        self.network
            .executor
            .write(Role::State(Clock::Training), 0, &words)
    }

    /// Purpose of a step's plan.
    pub(super) fn purpose(&self, step: u64, inspect: bool) -> Purpose {
        let turn = self.turn(step);
        let Turn {
            phase,
            update,
            opens,
            updates,
        } = turn;
        // The average starts with the first update of any phase.
        let first = self.settings.average.is_some() && update == 0 && phase == 0;
        Purpose::Train {
            phase,
            opens,
            updates,
            first: first && updates,
            inspect,
            careful: self.is_careful(step, turn),
        }
    }

    /// Whether a step must be careful: see [`crate::kernel::base::guard`].
    pub(super) fn is_careful(&self, step: u64, turn: Turn) -> bool {
        let optimizer = self.phases[turn.phase].applied.optimizer;
        step < self.care.until
            || !optimizer.is_ordinary(self.applied_rate(turn), self.care.max_factors[turn.phase])
    }

    /// Makes the next steps careful. Their number is large enough that every phase takes part and that repeating a step
    /// when care ends costs little.
    pub(super) fn take_care(&mut self) {
        let cycle = (self.phases.len() as u64).saturating_mul(self.settings.accumulate as u64);
        self.care.until = self.cursor.step.saturating_add(cycle.max(CAREFUL_STEPS));
    }
}
