//! Phases: kinds of steps that alternate in a trainer.

use crate::graph::Value;
use crate::nn::Network;
use crate::optim::matches;
use crate::{Error, Optimizer, Result};

/// One of several kinds of steps that alternate in a trainer. A phase has the loss terms that it minimises, the
/// parameters that it trains, and an optimizer. Parameters outside the phase keep their values; gradients flow through
/// them. A batch normalisation keeps its running statistics in a phase that trains neither its gain nor its bias.
///
/// ```
/// use wgrad::{Adam, Phase};
/// // Generative adversarial training: one step of the discriminator, one of the generator, and so on.
/// let discriminator = Phase::new(Adam::new(2e-4)).loss("real").loss("fake").train("discriminator.");
/// let generator = Phase::new(Adam::new(2e-4)).loss("fooled").train("generator.");
/// # let _ = (discriminator, generator);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Phase {
    losses: Vec<String>,
    trains: Vec<String>,
    pub(super) optimizer: Optimizer,
}

impl Phase {
    /// A phase with all loss terms and all parameters, until [`loss`](Phase::loss) and [`train`](Phase::train) select
    /// some.
    pub fn new(optimizer: impl Into<Optimizer>) -> Self {
        Phase {
            losses: Vec::new(),
            trains: Vec::new(),
            optimizer: optimizer.into(),
        }
    }

    /// Adds a loss term by its name in [`Graph::loss`](crate::Graph::loss). The phase then minimises only the added
    /// terms.
    pub fn loss(mut self, name: impl Into<String>) -> Self {
        self.losses.push(name.into());
        self
    }

    /// Adds parameters by a pattern as in [`ParameterGroup::matching`](crate::ParameterGroup::matching). The phase then
    /// trains only the added parameters.
    pub fn train(mut self, pattern: impl Into<String>) -> Self {
        self.trains.push(pattern.into());
        self
    }

    pub(super) fn optimizer(&self) -> Optimizer {
        self.optimizer
    }

    /// Refuses a pattern none of whose parameters has a gradient.
    pub(super) fn check_reached(
        &self,
        network: &Network,
        gradients: &[Option<Value>],
    ) -> Result<()> {
        let names = network.parameter_names();
        for pattern in &self.trains {
            let mut held = names.iter().zip(gradients);
            if !held.any(|(name, gradient)| matches(pattern, name) && gradient.is_some()) {
                return Err(Error::argument(
                    "the pattern of a phase",
                    "a match for a parameter that the phase's losses depend on and no group freezes",
                    pattern,
                ));
            }
        }
        Ok(())
    }

    /// Indices of its terms.
    pub(super) fn terms(&self, network: &Network) -> Result<Vec<usize>> {
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
    pub(super) fn trained(&self, network: &Network) -> Result<Vec<bool>> {
        let names = network.parameter_names();
        for pattern in &self.trains {
            if !names.iter().any(|name| matches(pattern, name)) {
                let expected = format!("a match for one of {}", names.join(", "));
                return Err(Error::argument("the pattern of a phase", expected, pattern));
            }
        }
        let trains = |name: &&str| {
            self.trains.is_empty() || self.trains.iter().any(|pattern| matches(pattern, name))
        };
        Ok(names.iter().map(trains).collect())
    }
}
