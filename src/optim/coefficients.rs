//! Coefficients of all parameters: what groups set, and the factors that the device applies.

use super::group::ParameterGroup;
use super::setting::{Coefficients, Setting};
use crate::kernel::Factors;
use crate::kernel::base::guard::BLOCK;
use crate::plan::Arena;
use crate::{Optimizer, Result};

/// The coefficients of each parameter, given by name and whether it is a vector. Values that are exact factors of the
/// optimizer's coefficients become factors.
pub(crate) fn coefficients<'a>(
    groups: &[ParameterGroup],
    optimizer: &Optimizer,
    parameters: impl Iterator<Item = (&'a str, bool)> + Clone,
) -> Result<Vec<Coefficients>> {
    let mut all = vec![Coefficients::PLAIN; parameters.clone().count()];
    for group in groups {
        let mut held = 0;
        for (coefficients, (name, vector)) in all.iter_mut().zip(parameters.clone()) {
            if group.holds(name, vector) {
                group.apply(coefficients);
                coefficients.check()?;
                held += 1;
            }
        }
        if held == 0 {
            let names: Vec<&str> = parameters.map(|(name, _)| name).collect();
            return Err(group.holds_nothing(&names));
        }
    }
    let own = own(optimizer);
    for coefficients in &mut all {
        *coefficients = coefficients.with_exact_factors(own);
    }
    // Beside rates that groups set, an optimizer's rate of 0 is a rate like any other: it freezes.
    if own[0] == 0.0 && all.iter().any(|c| c.rate.value().is_some()) {
        for coefficients in &mut all {
            if coefficients.rate.value().is_none() {
                coefficients.rate = Coefficients::FROZEN;
            }
        }
    }
    Ok(all)
}

/// Learning rate, weight decay and L1 coefficient of an optimizer.
fn own(optimizer: &Optimizer) -> [f64; 3] {
    let (weight_decay, _) = optimizer.weight_decay();
    [optimizer.learning_rate(), weight_decay, optimizer.l1()]
}

/// An optimizer and factors of its coefficients: the form in which the device applies coefficients.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Applied {
    /// The optimizer. A coefficient that groups set as values is 1 here, so that its factors are the values: a product
    /// with 1 is exact, and the optimizer's coefficient may be 0.
    pub(crate) optimizer: Optimizer,
    /// Factors of each parameter; `None` if all are 1.
    pub(crate) factors: Option<Vec<Factors>>,
}

impl Applied {
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if a coefficient of a parameter that is trained is out of the range of
    /// `f32`.
    pub(crate) fn new(
        optimizer: Optimizer,
        coefficients: &[Coefficients],
        trained: &[bool],
    ) -> Result<Self> {
        let own = own(&optimizer);
        let settings = |c: &Coefficients| [c.rate, c.weight_decay, c.l1];
        let mut base = own;
        for (which, base) in base.iter_mut().enumerate() {
            if coefficients
                .iter()
                .any(|c| settings(c)[which].value().is_some())
            {
                *base = 1.0;
            }
        }
        let of = |which: usize, setting: Setting| match setting {
            Setting::Value(value) => value,
            Setting::Factor(factor) if base[which] == own[which] => factor,
            Setting::Factor(factor) => factor * own[which],
        };
        let factors = coefficients.iter().map(|c| {
            let decay = of(1, c.weight_decay);
            Factors {
                rate: of(0, c.rate),
                l2: decay,
                l1: of(2, c.l1),
                decoupled: decay,
            }
        });
        let factors: Vec<Factors> = factors.collect();
        let [rate, weight_decay, l1] = base;
        let optimizer = optimizer.with_coefficients(rate, weight_decay, l1);
        for (factors, _) in factors.iter().zip(trained).filter(|(_, trained)| **trained) {
            optimizer.check_factors(factors, rate)?;
        }
        let plain = factors.iter().all(|factors| *factors == Factors::default());
        Ok(Applied {
            // Factors of 1 beside coefficients of 1 are values of 1.
            factors: (!plain || base != own).then_some(factors),
            optimizer,
        })
    }
}

/// The values that groups set for a parameter, in the form of checkpoints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Values {
    learning_rate: Option<f64>,
    weight_decay: Option<f64>,
    l1: Option<f64>,
}

/// The settings of groups in the form of checkpoints: factors, `None` if all are 1; and values, none if no group sets
/// any.
pub(crate) fn written(coefficients: &[Coefficients]) -> (Option<Vec<Factors>>, Vec<Values>) {
    let factors = coefficients.iter().map(|c| Factors {
        rate: c.rate.factor(),
        l2: c.weight_decay.factor(),
        l1: c.l1.factor(),
        decoupled: c.weight_decay.factor(),
    });
    let factors: Vec<Factors> = factors.collect();
    let plain = factors.iter().all(|factors| *factors == Factors::default());
    let values = coefficients.iter().map(|c| Values {
        learning_rate: c.rate.value(),
        weight_decay: c.weight_decay.value(),
        l1: c.l1.value(),
    });
    let values: Vec<Values> = values.collect();
    let unset = |v: &Values| (v.learning_rate, v.weight_decay, v.l1) == (None, None, None);
    let values = if values.iter().all(unset) {
        Vec::new()
    } else {
        values
    };
    ((!plain).then_some(factors), values)
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
