//! Loss sums: an entry of the metric ring, and the totals of a batch's entries.

use crate::kernel::base::Real;
use crate::kernel::base::row_reduce::WORKGROUP;

/// Floats in an entry of the metric ring.
pub(crate) const ENTRY: usize = 4;

/// Factor of a sum of finite losses that overflows: 1 over the rows of an entry.
const SHARE: f64 = 1.0 / WORKGROUP as f64;

/// Number that is added to the counted rows of such an entry; larger than the rows of an entry.
const SHARED: f64 = 128.0;

/// The sums of the rows of one entry, on the CPU.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EntrySums {
    loss: f64,
    weight: f64,
    correct: f64,
    counted: f64,
}

impl EntrySums {
    /// Adds a row. `correct` is `None` if rows are not counted.
    pub(super) fn add<T: Real>(&mut self, loss: T, weight: T, correct: Option<bool>) {
        self.loss += loss.to_f64();
        self.weight += weight.to_f64();
        self.correct += f64::from(u8::from(correct == Some(true)));
        self.counted += f64::from(u8::from(correct.is_some()));
    }

    /// The entry as floats of the ring.
    pub(super) fn entry<T: Real>(self) -> [T; ENTRY] {
        let overflows = self.loss.is_finite() && !T::of(self.loss).is_finite();
        let (share, shared) = if overflows {
            (SHARE, SHARED)
        } else {
            (1.0, 0.0)
        };
        [
            self.loss * share,
            self.weight,
            self.correct,
            self.counted + shared,
        ]
        .map(T::of)
    }
}

/// The sums of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    /// Sum of the weighted losses of the rows.
    pub(crate) loss: f64,
    /// Sum of the row weights.
    pub(crate) weight: f64,
    /// Number of rows whose guess is their label.
    pub(crate) correct: usize,
    /// Number of rows with a label that is not ignored.
    pub(crate) counted: usize,
}

impl Totals {
    /// Adds the sums of another batch.
    pub(crate) fn add(&mut self, other: &Totals) {
        self.loss += other.loss;
        self.weight += other.weight;
        self.correct += other.correct;
        self.counted += other.counted;
    }

    /// Sums entries of the metric ring, in order.
    pub(crate) fn of<T: Real>(entries: &[T]) -> Self {
        let mut sums = [0.0; ENTRY];
        for entry in entries.chunks_exact(ENTRY) {
            let mut entry: [f64; ENTRY] = std::array::from_fn(|i| entry[i].to_f64());
            if entry[3] >= SHARED {
                entry[0] /= SHARE;
                entry[3] -= SHARED;
            }
            for (sum, value) in sums.iter_mut().zip(entry) {
                *sum += value;
            }
        }
        let [loss, weight, correct, counted] = sums;
        Totals {
            loss,
            weight,
            correct: correct as usize,
            counted: counted as usize,
        }
    }
}
