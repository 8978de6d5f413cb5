//! Restoring the state of a checkpoint into a trainer, whose settings may differ.

use super::Trainer;
use super::group::Group;
use super::metadata::Metadata;
use super::resume::Saved;
use super::steps::Steps;
use crate::graph::names::{ACCUMULATED, AVERAGE, MOMENTS};
use crate::nn::{Header, Wanted, matching_by_name};
use crate::plan::Role;
use crate::{Error, Result};

/// Maximum number of steps in a checkpoint.
const MAX_STEPS: u64 = 1 << 62;

/// Maximum number of epochs in a checkpoint.
pub(super) const MAX_EPOCHS: u64 = 1 << 31;

impl Trainer {
    /// Reads step, epoch and position within the epoch, for this trainer's settings.
    pub(super) fn read_place(&self, metadata: &Metadata<'_>, saved: &Saved) -> Result<Place> {
        // Far below the overflow of the counter.
        let step = metadata.number("wgrad.step", MAX_STEPS)?;
        let epoch = metadata.number("wgrad.epoch", MAX_EPOCHS)? as u32;
        const MAX: u64 = u32::MAX as u64;
        let position = metadata.number("wgrad.position", MAX)? as usize;
        let samples = metadata.number("wgrad.samples", MAX)? as usize;
        let shift = match metadata.entries.get("wgrad.shift") {
            None => 0,
            Some(text) => {
                let shift = text.parse::<i32>();
                i64::from(shift.map_err(|_| metadata.broken("wgrad.shift", text))?)
            }
        };
        let next_epoch = || {
            let next = epoch.checked_add(1);
            next.ok_or_else(|| metadata.broken("wgrad.epoch", &epoch.to_string()))
        };
        // Number of completed samples in the epoch.
        let done = (position * saved.batch_size) as i64 + shift;
        if position > 0 && !(1..samples as i64).contains(&done) {
            return Err(metadata.broken("wgrad.position", metadata.entry("wgrad.position")?));
        }
        let mut place = Place {
            step,
            epoch,
            position,
            shift,
            samples,
        };
        if position > 0 && !saved.same_order {
            place.epoch = next_epoch()?;
            (place.position, place.shift) = (0, 0);
        } else if position > 0 && saved.batch_size != self.settings.batch_size {
            // An unfinished epoch is at least at its second batch.
            let batch_size = self.settings.batch_size as i64;
            let batches = (done / batch_size).max(1);
            (place.position, place.shift) = (batches as usize, done - batches * batch_size);
        }
        // Too few samples remain for a full batch, and a partial one is left out.
        if place.position > 0 && self.batches(samples - done as usize) == 0 {
            place.epoch = next_epoch()?;
            (place.position, place.shift) = (0, 0);
        }
        Ok(place)
    }

    /// Reads the state of accumulation. With another number of micro-batches, the number of completed updates is kept.
    pub(super) fn read_group(
        &self,
        metadata: &Metadata<'_>,
        saved: &Saved,
        place: &mut Place,
    ) -> Result<Group> {
        let (before, now) = (saved.accumulate, self.settings.accumulate);
        let group = match metadata.entries.get("wgrad.accumulation") {
            _ if before == 1 => Group {
                updates: place.step,
                ..Group::default()
            },
            Some(text) => {
                let group = Group::read(text, self.network.terms.len(), before);
                group.ok_or_else(|| metadata.broken("wgrad.accumulation", text))?
            }
            // Files from before updates ended with their epoch.
            None => self.group_of_means(place.step, before),
        };
        if before == now {
            return Ok(if now == 1 { Group::default() } else { group });
        }
        if group.micro > 0 {
            return Err(Error::format(
                metadata.file,
                "an update is half done: another number of accumulated batches fits between two updates only",
            ));
        }
        if now == 1 {
            // Without accumulation each step is an update.
            place.step = group.updates;
            return Ok(Group::default());
        }
        Ok(group)
    }

    /// Reads the tensors of a file beside the parameters, with replacements for other settings.
    pub(super) fn read_arenas(
        &self,
        file: &str,
        header: &Header,
        bytes: &[u8],
        saved: &Saved,
        parameters: &[Vec<f32>],
    ) -> Result<Vec<(ArenaTensor, Vec<f32>)>> {
        let (mut all, mut kept, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for (prefix, role, copy) in self.arenas() {
            for (number, parameter) in self.network.graph.parameters.iter().enumerate() {
                let part = (role, copy, number);
                let floats = parameter.shape.rows * parameter.shape.cols;
                match role(0) {
                    Role::Moments(_) if saved.thawed[number] => {
                        let trains = |steps: &&Steps| steps.trained[number];
                        let steps = self.phases.iter().find(trains);
                        let first = steps.map_or(0.0, |steps| steps.optimizer.initial_moment());
                        all.push((part, vec![first; floats]));
                    }
                    Role::Average(_) if !saved.averaged => {
                        all.push((part, parameters[number].clone()));
                    }
                    Role::Accumulated(_) if saved.accumulate != self.settings.accumulate => {
                        all.push((part, vec![0.0; floats]));
                    }
                    _ => {
                        kept.push(part);
                        wanted.push(Wanted {
                            name: format!("{prefix}.{}", parameter.name),
                            shape: parameter.dimensions(),
                        });
                    }
                }
            }
        }
        // The file also has the parameters, and may have tensors of other trainers.
        let found = matching_by_name(file, header, &wanted)?;
        for ((role, copy, number), tensor) in kept.into_iter().zip(found) {
            let values = if self.never_negative(role, copy, number) {
                tensor.values_not_negative(file, bytes)?
            } else {
                tensor.values(file, bytes)?
            };
            all.push(((role, copy, number), values));
        }
        Ok(all)
    }

    /// Arenas that later steps depend on.
    pub(super) fn arenas(&self) -> Vec<Kept> {
        let moments = (0..self.moments()).map(|moment| {
            (
                format!("{MOMENTS}.{moment}"),
                Role::Moments as fn(usize) -> Role,
                moment,
            )
        });
        let mut arenas: Vec<Kept> = moments.collect();
        if self.settings.average.is_some() {
            arenas.push((AVERAGE.to_string(), Role::Average, 0));
        }
        // Sums between updates belong to the current phase, which the step determines.
        if self.settings.accumulate > 1 {
            arenas.push((ACCUMULATED.to_string(), Role::Accumulated, 0));
        }
        arenas
    }

    /// Whether a tensor of an arena is never negative, such as a mean of squares.
    fn never_negative(&self, role: fn(usize) -> Role, copy: usize, parameter: usize) -> bool {
        // Phases with moments share no parameter, so the moment belongs to the phase that trains it.
        let of_moment = matches!(role(0), Role::Moments(_));
        let mut phases = self.phases.iter();
        of_moment
            && phases.any(|steps| steps.trained[parameter] && steps.optimizer.never_negative(copy))
    }

    /// Maximum number of moments over the optimizers of all phases.
    fn moments(&self) -> usize {
        let moments = self.phases.iter().map(|steps| steps.optimizer.moments());
        moments.max().unwrap_or(0)
    }
}

/// Name of an arena in a checkpoint, its role, and the index of the copy in it.
pub(super) type Kept = (String, fn(usize) -> Role, usize);

/// A tensor of an arena: role, index of the copy, and index of the parameter.
pub(super) type ArenaTensor = (fn(usize) -> Role, usize, usize);

/// Position of a trainer.
pub(super) struct Place {
    pub(super) step: u64,
    pub(super) epoch: u32,
    pub(super) position: usize,
    pub(super) shift: i64,
    pub(super) samples: usize,
}
