//! Steps of a phase, resolved against the network.

use super::phase::Phase;
use super::settings::Settings;
use crate::graph::Supervision;
use crate::kernel::Factors;
use crate::nn::Network;
use crate::optim::{Applied, Coefficients, coefficients};
use crate::{Error, Optimizer, Result};

/// A phase, with names and patterns resolved to indices.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Steps {
    /// Indices of its terms of the network's loss.
    pub(super) terms: Vec<usize>,
    /// For each parameter, whether it is trained.
    pub(super) trained: Vec<bool>,
    /// For each batch normalisation, whether its running statistics are updated.
    pub(super) moves: Vec<bool>,
    /// For each batch normalisation, whether it uses the running statistics in training.
    pub(super) fixed: Vec<bool>,
    /// The phase's optimizer.
    pub(super) optimizer: Optimizer,
    /// The coefficients of each parameter; frozen if this phase does not train it.
    pub(super) coefficients: Vec<Coefficients>,
    /// The form in which the device applies optimizer and coefficients.
    pub(super) applied: Applied,
    /// For each node of the graph, whether its steps compute it.
    pub(super) computed: Vec<bool>,
}

impl Steps {
    /// Resolves a phase against a network.
    pub(super) fn new(phase: &Phase, network: &Network, settings: &Settings) -> Result<Self> {
        phase.optimizer.check()?;
        let terms = phase.terms(network)?;
        let mut trained = phase.trained(network)?;
        let parameters = network.graph.parameters.iter();
        let parameters = parameters.map(|p| (p.name.as_str(), p.dims.len() == 1));
        let mut coefficients = coefficients(&settings.groups, &phase.optimizer, parameters)?;
        for (trained, coefficients) in trained.iter_mut().zip(&coefficients) {
            *trained &= coefficients.rate != Coefficients::FROZEN;
        }
        let fixed = network.fixed_statistics(&settings.groups)?;
        let mut moves = network.moving_statistics(&trained);
        for (moves, fixed) in moves.iter_mut().zip(&fixed) {
            *moves &= !fixed;
        }
        // A parameter without gradient does not change: no weight decay, no momentum.
        let active: Vec<_> = terms
            .iter()
            .map(|&term| (term, &network.terms[term]))
            .collect();
        let gradients = network
            .graph
            .clone()
            .differentiate(&active, &trained, Supervision::default())
            .gradients;
        for (i, gradient) in gradients.iter().enumerate() {
            if gradient.is_none() {
                (coefficients[i].rate, trained[i]) = (Coefficients::FROZEN, false);
            }
        }
        if gradients.iter().all(Option::is_none) {
            return Err(Error::argument(
                "the parameters of a network to train",
                "at least one that its loss depends on",
                "none",
            ));
        }
        phase.check_reached(network, &gradients)?;
        let computed = network
            .graph
            .ancestors(active.iter().flat_map(|(_, term)| term.values()));
        let applied = Applied::new(phase.optimizer, &coefficients, &trained)?;
        Ok(Steps {
            terms,
            trained,
            moves,
            fixed,
            optimizer: phase.optimizer,
            coefficients,
            applied,
            computed,
        })
    }
}

/// Maximum of each factor over the parameters that a phase trains.
pub(super) fn max_factors(steps: &Steps) -> Factors {
    let Some(factors) = &steps.applied.factors else {
        return Factors::default();
    };
    let trained = factors.iter().zip(&steps.trained);
    let zero = Factors {
        rate: 0.0,
        l2: 0.0,
        l1: 0.0,
        decoupled: 0.0,
    };
    let max = |most: Factors, (each, _): (&Factors, &bool)| Factors {
        rate: most.rate.max(each.rate),
        l2: most.l2.max(each.l2),
        l1: most.l1.max(each.l1),
        decoupled: most.decoupled.max(each.decoupled),
    };
    trained.filter(|(_, trained)| **trained).fold(zero, max)
}

/// Refuses phases that would share moments: two optimizers with moments on one parameter.
pub(super) fn check_phases(phases: &[Steps], network: &Network) -> Result<()> {
    for (i, phase) in phases.iter().enumerate() {
        for other in &phases[..i] {
            let moments = phase.optimizer.moments().min(other.optimizer.moments());
            let shared = (0..phase.trained.len()).find(|&p| phase.trained[p] && other.trained[p]);
            if let (Some(number), 1..) = (shared, moments) {
                return Err(Error::argument(
                    "a parameter that two phases train",
                    "trained by one phase only, unless at most one of the phases' optimizers has moments",
                    &network.graph.parameters[number].name,
                ));
            }
        }
    }
    Ok(())
}

/// Place of a step in the cycle of phases and in its update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) phase: usize,
    /// Number of earlier updates of this phase.
    pub(super) update: u64,
    /// Whether it is the first micro-batch of an update (`opens`), and whether it is the last.
    pub(super) opens: bool,
    pub(super) updates: bool,
}
