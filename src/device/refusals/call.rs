//! The calls that may be refused, and their errors.

use crate::Error;
use crate::kernel::MatrixShape;
use crate::kernel::base::guard::{REFUSED_BEFORE, placed};

/// Updates with one optimizer state that may be refused before one of them is read, where the values of a step depend
/// on its number. The device is given the values for all step numbers that are possible by then.
pub(crate) const MAX_UNREAD: u64 = 8;

/// A call that may be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarded {
    Update,
    UpdateClippedByValue,
    UpdateClippedByNorm,
    Accumulate,
    Average,
    CopyFrom,
}

impl Guarded {
    pub(super) const ALL: [Guarded; 6] = [
        Guarded::Update,
        Guarded::UpdateClippedByValue,
        Guarded::UpdateClippedByNorm,
        Guarded::Accumulate,
        Guarded::Average,
        Guarded::CopyFrom,
    ];

    /// Name of the method.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Guarded::Update => "update",
            Guarded::UpdateClippedByValue => "update_clipped_by_value",
            Guarded::UpdateClippedByNorm => "update_clipped_by_norm",
            Guarded::Accumulate => "accumulate",
            Guarded::Average => "average",
            Guarded::CopyFrom => "copy_from",
        }
    }

    /// The error of a refused call on a tensor of this shape.
    pub(super) fn refused(self, guard: u32, shape: MatrixShape) -> Error {
        let name = self.name();
        let (float, role) = placed(guard);
        let what = match (self, role) {
            (Guarded::Accumulate, _) => "the sum",
            (Guarded::Average, _) => "the moving average",
            (Guarded::CopyFrom, _) => "the values",
            (_, 0) => "the weights",
            (_, 1) => "the first moment",
            (_, 2) => "the second moment",
            (_, _) => "the third moment",
        };
        let tensor = match guard {
            REFUSED_BEFORE => format!(
                "{MAX_UNREAD} calls of {name} with this optimizer state, whose errors were not read"
            ),
            _ => {
                let ld = shape.ld().max(1);
                let (row, column) = (float / ld, float % ld);
                format!("{what} of {name}, row {row}, column {column}")
            }
        };
        let step = Error::OUTSIDE_TRAINING;
        Error::NonFinite { step, tensor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_its_number() {
        for (number, call) in Guarded::ALL.into_iter().enumerate() {
            assert_eq!(call as usize, number);
        }
    }
}
