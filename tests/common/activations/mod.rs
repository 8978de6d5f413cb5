//! Activations as the tests know them: their formulas in `f64`, how far `f32` may be off, the parameters under test,
//! and those that are refused. One file per family.

mod gated;
mod linear;
mod smooth;

use super::compare::Tolerance;
use super::oracle::{normal_density, normal_distribution};
use super::precision::{TINY, ULP, ulps};
use wgrad::Activation;

/// One family of activations. A function returns `None` for those of other families.
struct Family {
    /// y = f(z).
    value: fn(Activation, f64) -> Option<f64>,
    /// f′ from y, or from z where [`Activation::derivative_needs_z`] says so.
    derivative: fn(Activation, f64) -> Option<f64>,
    /// Of y against the truth at z.
    tolerance: fn(Activation, f64) -> Option<Tolerance>,
    /// Of dz = dy ⊙ f′ against the truth for this dy and saved value, but for what flushes to zero.
    backward: fn(Activation, f64, f64) -> Option<Tolerance>,
    /// Parameters under test, besides the defaults.
    settings: fn() -> Vec<Activation>,
    /// Parameters out of range.
    refused: fn() -> Vec<Activation>,
}

const FAMILIES: [Family; 3] = [linear::FAMILY, smooth::FAMILY, gated::FAMILY];

fn first<T>(f: Activation, what: impl Fn(&Family) -> Option<T>) -> T {
    let found = FAMILIES.iter().find_map(what);
    found.unwrap_or_else(|| panic!("the oracle lacks {f}"))
}

/// y = f(z).
pub(crate) fn value(f: Activation, z: f64) -> f64 {
    first(f, |family| (family.value)(f, z))
}

/// f′ from what the backward call is given: y, but z where [`Activation::derivative_needs_z`] says so.
pub(crate) fn derivative(f: Activation, saved: f64) -> f64 {
    first(f, |family| (family.derivative)(f, saved))
}

/// Of y = f(z) against the truth at z.
pub(crate) fn tolerance(f: Activation, z: f64) -> Tolerance {
    first(f, |family| (family.tolerance)(f, z))
}

/// Of dz = dy ⊙ f′ against the truth for the given dy and saved value.
pub(crate) fn backward_tolerance(f: Activation, dy: f64, saved: f64) -> Tolerance {
    let tolerance = first(f, |family| (family.backward)(f, dy, saved));
    // A factor may have flushed to zero before the last product, and been multiplied by z, in GELU's tanh form also
    // by v′, which is below 32 where σ is not 0 in f32.
    let slope = if f == Activation::GeluTanh { 32.0 } else { 1.0 };
    let flushed = TINY * dy.abs().max(1.0) * saved.abs().clamp(1.0, 104.0) * slope;
    Tolerance {
        absolute: tolerance.absolute.max(flushed),
        ..tolerance
    }
}

/// Every activation, those with parameters with several.
pub(crate) fn activations() -> Vec<Activation> {
    let settings = FAMILIES.iter().flat_map(|family| (family.settings)());
    Activation::ALL.into_iter().chain(settings).collect()
}

/// Activations with parameters out of range: of every parameter at least NaN.
pub(crate) fn refused() -> Vec<Activation> {
    let refused: Vec<Activation> = FAMILIES
        .iter()
        .flat_map(|family| (family.refused)())
        .collect();
    let texts: Vec<String> = refused.iter().map(|f| format!("{f:?}")).collect();
    for f in Activation::ALL {
        let text = format!("{f:?}");
        let Some((name, fields)) = text.split_once(" { ") else {
            continue;
        };
        for field in fields.split(", ").map(|field| field.split(':').next()) {
            let nan = format!("{}: NaN", field.unwrap());
            let tests = |text: &String| text.starts_with(name) && text.contains(&nan);
            assert!(texts.iter().any(tests), "{name} with {nan}");
        }
    }
    refused
}

/// σ(z).
pub(crate) fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// ln(1 + exp z).
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

/// An error in ULP, where what was flushed to zero is then multiplied by up to `scale`.
fn scaled_ulps(count: f64, scale: f64) -> Tolerance {
    Tolerance {
        relative: count * ULP,
        absolute: TINY * scale.max(1.0),
    }
}

/// exp in WGSL.
fn exp_ulps(x: f64) -> f64 {
    3.0 + 2.0 * x.abs()
}

/// σ(z): e = exp(−|z|); r = 1/(1 + e): 2.5 + 1 + (3 + 2|z|)·e/(1 + e), which is at most 1.7. On the left e·r.
fn sigmoid_ulps(z: f64) -> f64 {
    if z >= 0.0 { 5.2 } else { 5.2 + exp_ulps(z) }
}

/// A difference that cancels from terms of this magnitude: f′ is good to a few roundings of them, not of itself.
fn cancels(dy: f64, relative: f64, magnitude: f64) -> Tolerance {
    Tolerance {
        relative: relative * ULP,
        absolute: dy.abs() * magnitude * ULP,
    }
}
