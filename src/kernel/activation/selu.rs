//! SELU: y = λz where z > 0, else λα(exp z − 1), with the λ and α that keep mean 0 and variance 1.

use super::{Traits, exponentials};
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "selu",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/selu.wgsl"),
    ],
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    if z > T::ZERO {
        T::of(LAMBDA) * z
    } else {
        T::of(LAMBDA_ALPHA) * z.exp_m1()
    }
}

pub(super) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y > T::ZERO {
        T::of(LAMBDA)
    } else {
        y + T::of(LAMBDA_ALPHA)
    }
}

const LAMBDA: f64 = 1.050_700_987_355_480_5;
const LAMBDA_ALPHA: f64 = LAMBDA * 1.673_263_242_354_377_2;
