//! Resume policies: which settings may differ between a checkpoint and the trainer that loads it.

use super::Trainer;
use super::debug_text::Tree;
use super::identity::{Difference, Identity};
use crate::graph::Term;
use crate::optim::written;
use crate::{Error, Result};

/// Policy of [`Trainer::load_with`] on settings that differ from the checkpoint's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Resume {
    /// Resumes bit-exactly: every setting that affects a bit must equal the checkpoint's. [`Trainer::load`] does this.
    #[default]
    Exact,
    /// Resumes with the settings of this trainer. The file supplies parameters, running statistics, moments, averages,
    /// the number of steps and updates, the epoch, and the factor of [`set_rate_factor`](Trainer::set_rate_factor).
    ///
    /// These settings may differ:
    /// - the learning rate and other coefficients of the optimizer, clipping, parameter groups, the settings of losses,
    ///   augmentation, tuning;
    /// - the schedule: it continues at the number of completed updates;
    /// - the plateau: with other settings it starts afresh;
    /// - the trained parameters: the moments of newly trained ones start afresh;
    /// - the batch size, even within an epoch, which continues at the sample where it stopped;
    /// - seed and shuffling: an unfinished epoch in another order is over, and the next one begins; so too with another
    ///   batch size, if a state is carried, which then starts at 0;
    /// - the average of the weights: a new average starts from the weights of the file;
    /// - accumulation, if no update is incomplete. The number of updates is kept; without accumulation it becomes the
    ///   number of steps.
    ///
    /// These must not differ: the operations of the network, the rule of an optimizer and its set of moments, the
    /// number of phases, and the phase of each parameter.
    KeepMoments,
}

/// The settings of a file that matter to a trainer with other settings.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    pub(super) batch_size: usize,
    pub(super) accumulate: usize,
    /// Whether the samples of an epoch have the same order.
    pub(super) same_order: bool,
    /// Whether the rows of a batch carry the same states.
    pub(super) same_streams: bool,
    pub(super) same_plateau: bool,
    pub(super) averaged: bool,
    /// For each parameter, whether it is trained here but was not trained in the file.
    pub(super) thawed: Vec<bool>,
}

impl Trainer {
    /// The settings that affect the bits of a run, and the choices of the tuning if there is one. The number of steps
    /// per submit is not among them.
    pub(super) fn identity(&self) -> String {
        let s = &self.settings;
        let terms: Vec<_> = self.network.terms.iter().map(Term::describe).collect();
        let tuning = self.network.device().tuning();
        let tuning = tuning.map_or("none".to_string(), |tuning| tuning.identity().to_string());
        let phases = self.phases.iter().map(|steps| {
            // Written only if there are any, since older files have none.
            let fixed = steps.fixed.iter().enumerate().filter(|(_, fixed)| **fixed);
            let fixed: Vec<usize> = fixed.map(|(number, _)| number).collect();
            let (factors, values) = written(&steps.coefficients);
            format!(
                "Steps {{ terms: {:?}, trained: {:?}, optimizer: {:?}, factors: {factors:?}, \
                 running_statistics: {fixed:?}, values: {values:?} }}",
                steps.terms, steps.trained, steps.optimizer
            )
        });
        let phases = phases.collect::<Vec<_>>().join(", ");
        let mut lines = vec![
            "format: 2".to_string(),
            format!("loss: {terms:?}"),
            format!("optimizer and phases: [{phases}]"),
            format!("schedule: {:?}", s.schedule),
            // With the name that the field had in the first version.
            format!("plateau: {:?}", s.plateau).replace("min_fall: ", "least_fall: "),
            format!("batch size: {}", s.batch_size),
            format!("shuffle: {}", s.shuffle),
            format!(
                "last batches left out where they are not whole: {}",
                s.drop_last
            ),
            format!("seed: {}", s.seed),
            format!("augmentation: {:?}", s.augment),
            format!("clipping: {:?}", s.clip),
            format!("accumulated batches: {}", s.accumulate),
            format!("average: {:?}", s.average),
            format!("operations: {:?}", self.network.operations()),
            format!("tuning: {tuning}"),
        ];
        // Written only if there are any, since older files have none.
        let carried = self.network.graph.carried.iter();
        let carried: Vec<String> = carried
            .map(|carried| format!("input {} from value {}", carried.input, carried.next.0))
            .collect();
        if !carried.is_empty() {
            lines.push(format!("carried states: {carried:?}"));
        }
        lines.join("\n")
    }

    /// Refuses settings of a file that the policy does not allow, and returns those that matter.
    pub(super) fn accept_settings(&self, file: &str, text: &str, resume: Resume) -> Result<Saved> {
        let (saved, here) = (Identity::parse(text), Identity::parse(&self.identity()));
        let names = self.network.parameter_names();
        let differences = saved.differences(&here, &names);
        let mut refused: Vec<&Difference> = differences.iter().collect();
        if resume == Resume::KeepMoments {
            refused.retain(|difference| !may_change(difference));
        }
        let sentences = |which: &[&Difference]| {
            let sentences: Vec<String> = which.iter().map(|d| d.sentence()).collect();
            sentences.join("; ")
        };
        if !refused.is_empty() {
            let why = match resume {
                Resume::KeepMoments => {
                    "its moments do not fit this trainer, whatever else may differ"
                }
                Resume::Exact if refused.iter().all(|difference| may_change(difference)) => {
                    "this trainer has other settings, with which `Resume::KeepMoments` would go on"
                }
                Resume::Exact => "this trainer has other settings",
            };
            return Err(Error::format(
                file,
                format!("{why}: {}", sentences(&refused)),
            ));
        }
        let number = |key: &str, ours: usize| {
            let saved = saved.get(key).and_then(|tree| tree.word().parse().ok());
            saved.filter(|&number| number > 0).unwrap_or(ours)
        };
        let same = |key: &str| !differences.iter().any(|difference| difference.key == key);
        let carries = !self.network.graph.carried.is_empty();
        let same_streams = !carries || (same("batch size") && same("carried states"));
        Ok(Saved {
            batch_size: number("batch size", self.settings.batch_size),
            accumulate: number("accumulated batches", self.settings.accumulate),
            same_order: same("seed") && same("shuffle") && same_streams,
            same_streams,
            same_plateau: same("plateau"),
            averaged: saved.get("average").is_some_and(|tree| !tree.is_unset()),
            thawed: self.thawed(file, &saved)?,
        })
    }

    /// The parameters that are trained here but were not trained in the file. Refuses parameters of another phase.
    fn thawed(&self, file: &str, saved: &Identity) -> Result<Vec<bool>> {
        let phases = saved
            .get("optimizer and phases")
            .map_or(&[][..], Tree::items);
        let trained = |phase: &Tree, parameter: usize| {
            let trained = phase.field("trained").map_or(&[][..], Tree::items);
            trained
                .get(parameter)
                .is_some_and(|tree| tree.word() == "true")
        };
        let mut thawed = Vec::new();
        for (number, parameter) in self.network.graph.parameters.iter().enumerate() {
            let before: Vec<usize> = (0..phases.len())
                .filter(|&phase| trained(&phases[phase], number))
                .collect();
            let mut now =
                (0..self.phases.len()).filter(|&phase| self.phases[phase].trained[number]);
            if !before.is_empty() && now.clone().any(|phase| !before.contains(&phase)) {
                let name = &parameter.name;
                let reason =
                    format!("another phase trained {name}, whose moments do not fit this one's");
                return Err(Error::format(file, reason));
            }
            thawed.push(before.is_empty() && now.next().is_some());
        }
        Ok(thawed)
    }
}

/// Whether training can keep moments and counts despite this difference.
fn may_change(difference: &Difference) -> bool {
    let path: Vec<&str> = difference.path.iter().map(String::as_str).collect();
    match (difference.key.as_str(), path.as_slice()) {
        ("operations" | "format", _) | ("optimizer and phases", []) => false,
        // Another rule, or the same rule with other moments.
        ("optimizer and phases", [_, "optimizer"] | [_, "optimizer", _]) => false,
        ("optimizer and phases", [_, "optimizer", .., "amsgrad" | "centered" | "classical"]) => {
            false
        }
        ("optimizer and phases", [_, "optimizer", .., "momentum"]) => difference.is_nonzero(),
        _ => true,
    }
}
