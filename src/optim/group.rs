//! Parameter groups: learning rates and penalties for a subset of the parameters.

use crate::kernel::Factors;
use crate::kernel::base::guard::BLOCK;
use crate::plan::Arena;
use crate::{Error, Optimizer, Result};

/// A subset of a network's parameters, with factors of the optimizer's coefficients.
///
/// A factor that no group sets is 1. If a parameter is in several groups, all of their settings apply to it; if two
/// groups set the same factor, the later one counts. (PyTorch's groups are disjoint and have absolute coefficients: a
/// group with `lr` and `weight_decay` corresponds to the factors `lr` and `weight_decay` divided by the optimizer's.)
///
/// ```
/// use wgrad::ParameterGroup;
/// let groups = [
///     ParameterGroup::vectors().no_weight_decay(), // biases
///     ParameterGroup::matching("layers.0.").frozen(),
///     ParameterGroup::matching("*.weight").rate_factor(0.5),
/// ];
/// # let _ = groups;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ParameterGroup {
    selection: Selection,
    rate: Option<f64>,
    weight_decay: Option<f64>,
    l1: Option<f64>,
    running_statistics: bool,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Selection {
    Matching(String),
    Vectors,
}

impl ParameterGroup {
    fn new(selection: Selection) -> Self {
        ParameterGroup {
            selection,
            rate: None,
            weight_decay: None,
            l1: None,
            running_statistics: false,
        }
    }

    /// Selects the parameters whose names match a pattern. `*` stands for any characters, or none. A pattern that ends
    /// in `.` matches all names that begin with it. So `layers.0.bias` is one parameter, `layers.0.` selects those of a
    /// layer, `*.bias` all biases, and `*` all parameters.
    pub fn matching(pattern: impl Into<String>) -> Self {
        ParameterGroup::new(Selection::Matching(pattern.into()))
    }

    /// Selects the parameters of one dimension: biases, and the gains of normalisations.
    pub fn vectors() -> Self {
        ParameterGroup::new(Selection::Vectors)
    }

    /// Sets a factor of the learning rate, at least 0; 0 freezes the parameters.
    pub fn rate_factor(self, factor: f64) -> Self {
        ParameterGroup {
            rate: Some(factor),
            ..self
        }
    }

    /// Freezes the parameters: weights and moments keep their values, whatever the gradient. A batch normalisation
    /// whose gain and bias are both frozen also keeps its running statistics. In training it still normalises with the
    /// statistics of the batch.
    pub fn frozen(self) -> Self {
        self.rate_factor(0.0)
    }

    /// Makes batch normalisations use their running statistics in training too, and keep them unchanged, as `eval()` on
    /// the layer does in PyTorch. This applies to every batch normalisation whose gain and bias are both in the group.
    /// Gain and bias are still trained, unless they are [`frozen`](ParameterGroup::frozen).
    pub fn running_statistics(self) -> Self {
        ParameterGroup {
            running_statistics: true,
            ..self
        }
    }

    /// Sets a factor of the weight decay, L2 or decoupled, at least 0.
    pub fn weight_decay_factor(self, factor: f64) -> Self {
        ParameterGroup {
            weight_decay: Some(factor),
            ..self
        }
    }

    /// Disables weight decay, both L2 and decoupled.
    pub fn no_weight_decay(self) -> Self {
        self.weight_decay_factor(0.0)
    }

    /// Sets a factor of the L1 coefficient, at least 0.
    pub fn l1_factor(self, factor: f64) -> Self {
        ParameterGroup {
            l1: Some(factor),
            ..self
        }
    }

    /// Refuses a group that changes nothing for any parameter, given the penalties (weight decay, L1) of each
    /// optimizer.
    fn check_effect(&self, penalties: &[[f32; 2]]) -> Result<()> {
        let who = || match &self.selection {
            Selection::Matching(pattern) => format!("the group {pattern}"),
            Selection::Vectors => "the group of vectors".to_string(),
        };
        let factors = (self.rate, self.weight_decay, self.l1);
        if factors == (None, None, None) && !self.running_statistics {
            return Err(Error::argument(
                "a parameter group",
                "one that sets something",
                format!("{}, which sets nothing", who()),
            ));
        }
        // A factor of 0 or 1 is valid without a penalty too.
        let idle = |factor: Option<f64>, which: usize| {
            let scales = factor.is_some_and(|factor| factor != 0.0 && factor != 1.0);
            scales && penalties.iter().all(|penalty| penalty[which] == 0.0)
        };
        for (what, idle) in [
            ("the weight decay", idle(self.weight_decay, 0)),
            ("the L1 coefficient", idle(self.l1, 1)),
        ] {
            if idle {
                return Err(Error::argument(
                    "the factor of a parameter group",
                    format!("a factor of a nonzero coefficient, but {what} of the optimizer is 0"),
                    who(),
                ));
            }
        }
        Ok(())
    }

    fn holds(&self, name: &str, vector: bool) -> bool {
        match &self.selection {
            Selection::Matching(pattern) => matches(pattern, name),
            Selection::Vectors => vector,
        }
    }

    fn apply(&self, factors: &mut Factors) {
        let set = |factor: &mut f64, to: Option<f64>| *factor = to.unwrap_or(*factor);
        set(&mut factors.rate, self.rate);
        set(&mut factors.l2, self.weight_decay);
        set(&mut factors.decoupled, self.weight_decay);
        set(&mut factors.l1, self.l1);
    }
}

/// Whether a name matches a pattern of [`ParameterGroup::matching`].
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    if pattern.ends_with('.') {
        return matches(&format!("{pattern}*"), name);
    }
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut rest) = name.strip_prefix(head) else {
        return false;
    };
    // Between the first and the last `*`, the earliest match is as good as any.
    let mut pieces: Vec<&str> = tail.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Refuses groups that change nothing for these optimizers.
pub(crate) fn check_groups(groups: &[ParameterGroup], optimizers: &[Optimizer]) -> Result<()> {
    let penalties = optimizers.iter().map(|optimizer| {
        let penalty = optimizer.penalty();
        [penalty.l2.max(penalty.decoupled), penalty.l1]
    });
    let penalties: Vec<[f32; 2]> = penalties.collect();
    groups
        .iter()
        .try_for_each(|group| group.check_effect(&penalties))
}

/// For each batch normalisation, by its name, whether a group makes it use the running statistics in training.
pub(crate) fn fixed_layers(groups: &[ParameterGroup], layers: &[&str]) -> Result<Vec<bool>> {
    let mut fixed = vec![false; layers.len()];
    for group in groups.iter().filter(|group| group.running_statistics) {
        let mut held = false;
        for (fixed, layer) in fixed.iter_mut().zip(layers) {
            let holds = |end| group.holds(&format!("{layer}.{end}"), true);
            if holds("weight") && holds("bias") {
                (*fixed, held) = (true, true);
            }
        }
        if !held {
            return Err(Error::argument(
                "a parameter group with running statistics",
                "one that contains gain and bias of a batch normalisation",
                match layers {
                    [] => "a network without batch normalisations".to_string(),
                    _ => format!("none of {}", layers.join(", ")),
                },
            ));
        }
    }
    Ok(fixed)
}

/// The factors of each parameter, given by name and whether it is a vector.
pub(crate) fn factors<'a>(
    groups: &[ParameterGroup],
    parameters: impl Iterator<Item = (&'a str, bool)> + Clone,
) -> Result<Vec<Factors>> {
    let mut factors = vec![Factors::default(); parameters.clone().count()];
    for group in groups {
        let mut held = 0;
        for (factors, (name, vector)) in factors.iter_mut().zip(parameters.clone()) {
            if group.holds(name, vector) {
                group.apply(factors);
                factors.check()?;
                held += 1;
            }
        }
        if held == 0 {
            let names: Vec<&str> = parameters.map(|(name, _)| name).collect();
            return Err(match &group.selection {
                Selection::Matching(pattern) => Error::argument(
                    "the pattern of a parameter group",
                    format!("a match for one of {}", names.join(", ")),
                    pattern,
                ),
                Selection::Vectors => Error::argument(
                    "a parameter group of vectors",
                    "of a network that has a parameter of one dimension",
                    names.join(", "),
                ),
            });
        }
    }
    Ok(factors)
}

/// The update kernel's table for each segment of the arena, with one entry per block of 64 floats.
pub(crate) fn block_factors(factors: &[Factors], arena: &Arena) -> Vec<Vec<f32>> {
    let mut tables: Vec<Vec<f32>> = vec![Vec::new(); arena.segments.len()];
    // Parameters lie in a segment in order; each starts at the block after the previous one's.
    for (factors, place) in factors.iter().zip(&arena.places) {
        let blocks = place.shape.floats().div_ceil(BLOCK);
        let entries = (0..blocks).flat_map(|_| factors.entry());
        tables[place.segment].extend(entries);
    }
    tables
}

#[cfg(test)]
mod tests;
