//! Parameter groups: learning rates and penalties for a subset of the parameters.

use super::setting::{Coefficients, Setting};
use crate::{Error, Optimizer, Result};

/// A subset of a network's parameters, with a learning rate and penalties of its own.
///
/// A coefficient is set as a value (PyTorch's `lr` and `weight_decay` of a group), or as a factor of the optimizer's
/// coefficient. One that no group sets is the optimizer's. If a parameter is in several groups, all of their settings
/// apply to it; if two of them set the same coefficient, as a value or as a factor, the later one counts. (PyTorch's
/// groups are disjoint.)
///
/// A schedule, a plateau and [`Trainer::set_rate_factor`](crate::Trainer::set_rate_factor) scale every group's learning
/// rate by the same factor as the optimizer's.
///
/// ```
/// use wgrad::ParameterGroup;
/// let groups = [
///     ParameterGroup::vectors().no_weight_decay(), // biases
///     ParameterGroup::matching("layers.0.").frozen(),
///     ParameterGroup::matching("layers.1.").learning_rate(1e-4).weight_decay(0.01),
///     ParameterGroup::matching("layers.2.weight").rate_factor(0.5),
/// ];
/// # let _ = groups;
/// ```
///
/// # Rounding
/// A penalty that a group sets as a value is exactly that value, rounded to `f32`, on the device. So is a learning rate
/// while the schedule's factor is 1. Otherwise the device multiplies two rounded numbers, the step's factor s and the
/// group's rate η: the product is within 1.5 ULP of s·η, or within 0.5 ULP if the group's rate is the optimizer's times
/// a power of two. If some group's rate is not, the rates of all other parameters are computed in the same way.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ParameterGroup {
    selection: Selection,
    learning_rate: Option<Setting>,
    weight_decay: Option<Setting>,
    l1: Option<Setting>,
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
            learning_rate: None,
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

    /// Sets the learning rate, at least 0; 0 freezes the parameters. It replaces the optimizer's: if that is 0, the
    /// parameters whose rate no group sets are frozen.
    ///
    /// ```
    /// use wgrad::{Adam, Device, ParameterGroup, Sequential, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// let network = Sequential::new(2).dense(8).tanh().dense(2).build(&Device::cpu(), 1)?;
    /// // Fine-tuning: the last layer trains ten times faster than the others.
    /// let trainer = Trainer::builder(network)
    ///     .optimizer(Adam::new(1e-4))
    ///     .group(ParameterGroup::matching("layers.1.").learning_rate(1e-3))
    ///     .build()?;
    /// assert_eq!(trainer.learning_rate(0), 1e-4); // the optimizer's
    /// # Ok(())
    /// # }
    /// ```
    pub fn learning_rate(self, learning_rate: f64) -> Self {
        ParameterGroup {
            learning_rate: Some(Setting::Value(learning_rate)),
            ..self
        }
    }

    /// Sets a factor of the optimizer's learning rate, at least 0; 0 freezes the parameters.
    pub fn rate_factor(self, factor: f64) -> Self {
        ParameterGroup {
            learning_rate: Some(Setting::Factor(factor)),
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

    /// Sets the coefficient of the weight decay, at least 0. It replaces the optimizer's, and has the same form: L2, or
    /// decoupled.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        ParameterGroup {
            weight_decay: Some(Setting::Value(weight_decay)),
            ..self
        }
    }

    /// Sets a factor of the optimizer's weight decay, L2 or decoupled, at least 0.
    pub fn weight_decay_factor(self, factor: f64) -> Self {
        ParameterGroup {
            weight_decay: Some(Setting::Factor(factor)),
            ..self
        }
    }

    /// Disables weight decay, both L2 and decoupled.
    pub fn no_weight_decay(self) -> Self {
        self.weight_decay_factor(0.0)
    }

    /// Sets the L1 coefficient, at least 0. It replaces the optimizer's.
    pub fn l1(self, l1: f64) -> Self {
        ParameterGroup {
            l1: Some(Setting::Value(l1)),
            ..self
        }
    }

    /// Sets a factor of the optimizer's L1 coefficient, at least 0.
    pub fn l1_factor(self, factor: f64) -> Self {
        ParameterGroup {
            l1: Some(Setting::Factor(factor)),
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
        let settings = (self.learning_rate, self.weight_decay, self.l1);
        if settings == (None, None, None) && !self.running_statistics {
            return Err(Error::argument(
                "a parameter group",
                "one that sets something",
                format!("{}, which sets nothing", who()),
            ));
        }
        // A factor of 0 or 1 is valid without a penalty too.
        let idle = |setting: Option<Setting>, which: usize| {
            let scales = matches!(setting, Some(Setting::Factor(f)) if f != 0.0 && f != 1.0);
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

    pub(super) fn holds(&self, name: &str, vector: bool) -> bool {
        match &self.selection {
            Selection::Matching(pattern) => matches(pattern, name),
            Selection::Vectors => vector,
        }
    }

    /// The error of a group that holds none of these parameters.
    pub(super) fn holds_nothing(&self, names: &[&str]) -> Error {
        let names = names.join(", ");
        match &self.selection {
            Selection::Matching(pattern) => Error::argument(
                "the pattern of a parameter group",
                format!("a match for one of {names}"),
                pattern,
            ),
            Selection::Vectors => Error::argument(
                "a parameter group of vectors",
                "of a network that has a parameter of one dimension",
                names,
            ),
        }
    }

    pub(super) fn apply(&self, coefficients: &mut Coefficients) {
        let set = |setting: &mut Setting, to: Option<Setting>| *setting = to.unwrap_or(*setting);
        set(&mut coefficients.rate, self.learning_rate);
        set(&mut coefficients.weight_decay, self.weight_decay);
        set(&mut coefficients.l1, self.l1);
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
