//! Tolerances, derived from the precision that WGSL demands: + − · correctly rounded (either neighbour), division 2.5
//! ULP, exp 3 + 2|x| ULP, log 3 ULP or 2⁻²¹ absolute in [½, 2], sqrt as 1/inverseSqrt, so 4.5 ULP.

use super::compare::Tolerance;

/// The most that one unit in the last place of an `f32` is, relative to its value.
pub(crate) const ULP: f64 = f32::EPSILON as f64;

/// The smallest normal `f32`, 2⁻¹²⁶: anything below may be flushed to zero.
pub(crate) const TINY: f64 = f32::MIN_POSITIVE as f64;

pub(crate) fn ulps(count: f64) -> Tolerance {
    Tolerance {
        relative: count * ULP,
        absolute: TINY,
    }
}

/// How far a sum of n terms may be off, in ULP of the sum of the terms' magnitudes: a bound for any terms, since each
/// passes through at most 4·log₂ n additions, and each errs by at most ½ ULP.
///
/// An invocation sums 8 terms in pairs (3 additions) and joins 16 values of a level to one of the next (15 more a
/// level, so fewer than 4 for each doubling of n), see src/kernel/base/cascade.rs; the four components of a vector and
/// the invocations of a workgroup are joined in a tree (1 for each doubling). Independent roundings would make less of
/// it, but those of equal terms are not independent: all of a running sum's may point the same way.
pub(crate) fn sum_ulps(n: usize) -> f64 {
    2.0 * (n.max(2) as f64).log2()
}

/// How far a product's sum of K terms may be off, in ULP of the sum of the terms' magnitudes: a bound for any terms.
///
/// A term passes through a chain of additions, each of which errs by at most ½ ULP of a sum that is at most the sum of
/// the magnitudes; where multiplication and addition are not fused, the product's own rounding adds ½ ULP. Up to 1024
/// terms are one chain. More are cut into blocks of at most 128, whose sums are a second chain; of b > 64 blocks up to
/// 2·√b are a group, and the sums of at most √b + 1 groups a third chain. Ways in which invocations share K have
/// shorter chains, and 3 additions for each of up to 4 levels that join the shares. Software adapters have 4 products
/// in a term, and 64 terms in a block. The CPU's dot products have chains of 64 in blocks of 4096 that are joined in
/// 19 additions; 16 blocks are a group, and there are fewer groups than √b where K is below 2²⁵.
pub(crate) fn product_ulps(k: usize) -> f64 {
    0.5 * (chains(k) + 12.0 + 1.0)
}

/// The longest way of a term through the chains.
fn chains(k: usize) -> f64 {
    if k <= 1024 {
        return k as f64;
    }
    let blocks = k.div_ceil(128) as f64;
    let of_blocks = if blocks <= 64.0 {
        blocks
    } else {
        3.0 * blocks.sqrt() + 1.0
    };
    128.0 + of_blocks
}

/// The same where all K terms are equal, whatever their value.
///
/// Then a chain of m terms errs by at most m/8 ULP of its sum: its last m/2 sums may be in one binade, where ½ ULP of a
/// value is ¼ ULP of twice the binade's beginning, and roundings of the sums before have the other direction. A
/// quarter of the bound for any terms, but for the product's own rounding, and 2·log₂ K at the most for more than 1024
/// terms.
pub(crate) fn equal_product_ulps(k: usize) -> f64 {
    let of_chains = 0.25 * product_ulps(k) + 1.0;
    if k > 1024 && k <= 1 << 20 {
        return of_chains.min(2.0 * (k as f64).log2());
    }
    of_chains
}
