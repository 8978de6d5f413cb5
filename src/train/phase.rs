//! What the steps of a trainer do in turn.

use super::Trainer;
use super::options::Settings;
use crate::graph::Value;
use crate::kernel::Factors;
use crate::nn::Network;
use crate::optim::{factors, matches};
use crate::{Error, Optimizer, Result};

/// One of several kinds of steps that a trainer takes in turn: the terms of the graph's loss that it makes small, the
/// parameters that it trains, and its optimizer. Parameters that a phase does not train stay as they are, and gradients
/// flow through them. So do the running statistics of a batch normalisation of whose gain and bias it trains neither.
///
/// ```
/// use wgrad::{Adam, Phase};
/// // Generative adversarial training: one step of the discriminator, one of the generator, and so on.
/// let discriminator = Phase::new(Adam::new(2e-4)).loss("real").loss("fake").train("discriminator.");
/// let generator = Phase::new(Adam::new(2e-4)).loss("fooled").train("generator.");
/// # let _ = (discriminator, generator);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    losses: Vec<String>,
    trains: Vec<String>,
    optimizer: Optimizer,
}

impl Phase {
    /// A phase that makes all terms small, by all parameters, until told otherwise.
    pub fn new(optimizer: impl Into<Optimizer>) -> Self {
        Phase {
            losses: Vec::new(),
            trains: Vec::new(),
            optimizer: optimizer.into(),
        }
    }

    /// Adds a term, by its name in [`Graph::loss`](crate::Graph::loss). The phase then has only the terms that were added.
    pub fn loss(mut self, name: impl Into<String>) -> Self {
        self.losses.push(name.into());
        self
    }

    /// Adds parameters, by a pattern as in [`ParameterGroup::matching`](crate::ParameterGroup::matching). The phase then
    /// trains only those that were added.
    pub fn train(mut self, pattern: impl Into<String>) -> Self {
        self.trains.push(pattern.into());
        self
    }

    pub(super) fn optimizer(&self) -> Optimizer {
        self.optimizer
    }

    /// Refuses patterns of which no parameter has a gradient.
    fn check_reached(&self, network: &Network, gradients: &[Option<Value>]) -> Result<()> {
        let names = network.parameter_names();
        for pattern in &self.trains {
            let mut held = names.iter().zip(gradients);
            if !held.any(|(name, gradient)| matches(pattern, name) && gradient.is_some()) {
                return Err(Error::argument(
                    "the pattern of a phase",
                    "that of a parameter which the phase's losses depend on and no group freezes",
                    pattern,
                ));
            }
        }
        Ok(())
    }

    /// The numbers of its terms.
    fn terms(&self, network: &Network) -> Result<Vec<usize>> {
        let names = || network.terms.iter().map(|term| term.name.as_str());
        if self.losses.is_empty() {
            return Ok((0..network.terms.len()).collect());
        }
        if let Some(twice) =
            (1..self.losses.len()).find(|&i| self.losses[..i].contains(&self.losses[i]))
        {
            let name = &self.losses[twice];
            return Err(Error::argument("a phase's losses", "each named once", name));
        }
        let number = |name: &String| {
            names().position(|known| known == name).ok_or_else(|| {
                let known: Vec<&str> = names().collect();
                Error::argument("the name of a phase's loss", known.join(", "), name)
            })
        };
        self.losses.iter().map(number).collect()
    }

    /// Whether it trains each parameter.
    fn trained(&self, network: &Network) -> Result<Vec<bool>> {
        let names = network.parameter_names();
        for pattern in &self.trains {
            if !names.iter().any(|name| matches(pattern, name)) {
                let expected = format!("that of a name among {}", names.join(", "));
                return Err(Error::argument("the pattern of a phase", expected, pattern));
            }
        }
        let trains = |name: &&str| {
            self.trains.is_empty() || self.trains.iter().any(|pattern| matches(pattern, name))
        };
        Ok(names.iter().map(trains).collect())
    }
}

/// A phase, as its steps need it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Steps {
    /// Terms of the network's loss, by number.
    pub(super) terms: Vec<usize>,
    /// For each parameter, whether it is trained.
    pub(super) trained: Vec<bool>,
    /// For each batch normalisation, whether its running statistics follow the batches.
    pub(super) moves: Vec<bool>,
    /// For each, whether it takes them in training too.
    pub(super) fixed: Vec<bool>,
    pub(super) optimizer: Optimizer,
    /// For each parameter; none if all are 1.
    pub(super) factors: Option<Vec<Factors>>,
    /// The nodes that its steps compute.
    pub(super) computed: Vec<bool>,
}

impl Steps {
    /// Makes a phase of a network ready.
    pub(super) fn new(phase: &Phase, network: &Network, settings: &Settings) -> Result<Self> {
        phase.optimizer.check()?;
        let terms = phase.terms(network)?;
        let mut trained = phase.trained(network)?;
        let parameters = network.graph.parameters.iter();
        let parameters = parameters.map(|p| (p.name.as_str(), p.vector));
        let mut factors = factors(&settings.groups, parameters)?;
        for (trained, factors) in trained.iter_mut().zip(&factors) {
            *trained &= factors.rate as f32 != 0.0;
            if *trained {
                phase
                    .optimizer
                    .check_factors(factors, phase.optimizer.learning_rate())?;
            }
        }
        let fixed = network.fixed_statistics(&settings.groups)?;
        let mut moves = network.moving_statistics(&trained);
        for (moves, fixed) in moves.iter_mut().zip(&fixed) {
            *moves &= !fixed;
        }
        // What has no gradient stays as it is: no weight decay, no momentum.
        let active: Vec<_> = terms
            .iter()
            .map(|&term| (term, &network.terms[term]))
            .collect();
        let gradients = network
            .graph
            .clone()
            .differentiate(&active, &trained)
            .gradients;
        for (i, gradient) in gradients.iter().enumerate() {
            if gradient.is_none() {
                (factors[i].rate, trained[i]) = (0.0, false);
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
        let plain = factors.iter().all(|f| *f == Factors::default());
        Ok(Steps {
            terms,
            trained,
            moves,
            fixed,
            optimizer: phase.optimizer,
            factors: (!plain).then_some(factors),
            computed,
        })
    }
}

/// The greatest of each factor over the parameters that a phase trains.
pub(super) fn greatest_factors(steps: &Steps) -> Factors {
    let Some(factors) = &steps.factors else {
        return Factors::default();
    };
    let trained = factors.iter().zip(&steps.trained);
    let zero = Factors {
        rate: 0.0,
        l2: 0.0,
        l1: 0.0,
        decoupled: 0.0,
    };
    let greatest = |most: Factors, (each, _): (&Factors, &bool)| Factors {
        rate: most.rate.max(each.rate),
        l2: most.l2.max(each.l2),
        l1: most.l1.max(each.l1),
        decoupled: most.decoupled.max(each.decoupled),
    };
    trained
        .filter(|(_, trained)| **trained)
        .fold(zero, greatest)
}

/// Refuses phases that would share moments: those of two optimizers over one parameter.
pub(super) fn check_phases(phases: &[Steps], network: &Network) -> Result<()> {
    for (i, phase) in phases.iter().enumerate() {
        for other in &phases[..i] {
            let moments = phase.optimizer.moments().min(other.optimizer.moments());
            let shared = (0..phase.trained.len()).find(|&p| phase.trained[p] && other.trained[p]);
            if let (Some(number), 1..) = (shared, moments) {
                return Err(Error::argument(
                    "a parameter that two phases train",
                    "none, unless at most one of their optimizers keeps moments",
                    &network.graph.parameters[number].name,
                ));
            }
        }
    }
    Ok(())
}

/// Where a step stands in the cycle of the phases, and in its update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) phase: usize,
    /// Updates of this phase before.
    pub(super) update: u64,
    /// Whether it is the first of the micro-batches whose gradients are added up, and whether it is the last.
    pub(super) opens: bool,
    pub(super) updates: bool,
}

impl Trainer {
    /// The most moments that the optimizer of a phase keeps.
    pub(super) fn moments(&self) -> usize {
        let moments = self.phases.iter().map(|steps| steps.optimizer.moments());
        moments.max().unwrap_or(0)
    }
}
