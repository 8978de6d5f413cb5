//! The parameter arena: the offset of each parameter in one flat array.
//!
//! The arena is cut at tensor boundaries into segments. A segment is small enough to be one binding, together with as
//! many moments as any optimizer keeps. A tensor that is too large for this has a segment of its own; a trainer refuses
//! an optimizer whose moments of that tensor do not fit a binding. Gradients and moments lie in arenas of the same
//! layout.

use crate::kernel::MatrixShape;
use crate::kernel::base::matrix::{ALIGNMENT, SCALAR_BYTES};
use crate::kernel::update::MAX_MOMENTS;
use crate::{Error, Result};

/// Place of one parameter in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: usize,
    /// Offset in floats from the start of the segment; aligned as an argument, and a multiple of the
    /// [block size](crate::kernel::base::guard::BLOCK).
    pub(crate) offset: usize,
    pub(crate) shape: MatrixShape,
}

/// The layout of the arena.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arena {
    pub(crate) places: Vec<Place>,
    /// Length of each segment in floats, which is a multiple like the offsets.
    pub(crate) segments: Vec<usize>,
}

impl Arena {
    /// Lays out the parameters, given the largest binding of a device in bytes.
    pub(crate) fn new(
        parameters: impl Iterator<Item = (String, MatrixShape)>,
        max_binding_bytes: u64,
    ) -> Result<Self> {
        // All moments of a segment share one binding.
        let (limit, shared) = (
            max_binding_bytes / 4,
            max_binding_bytes / (4 * MAX_MOMENTS as u64),
        );
        let mut arena = Arena::default();
        for (name, shape) in parameters {
            let wanted = shape
                .floats_u64()
                .next_multiple_of(ALIGNMENT / SCALAR_BYTES);
            let floats = usize::try_from(wanted).unwrap_or(usize::MAX);
            if wanted > limit || floats == usize::MAX {
                return Err(Error::Limit {
                    what: format!("parameter {name} {shape}"),
                    needed: wanted.saturating_mul(4),
                    limit: max_binding_bytes,
                    unit: "bytes in one binding",
                    advice: "Use a smaller layer, or another adapter",
                });
            }
            match arena.segments.last() {
                Some(&last) if last as u64 + wanted <= shared => {}
                _ => arena.segments.push(0),
            }
            let segment = arena.segments.len() - 1;
            let offset = arena.segments[segment];
            arena.places.push(Place {
                segment,
                offset,
                shape,
            });
            arena.segments[segment] += floats;
        }
        Ok(arena)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(rows: &[usize]) -> impl Iterator<Item = (String, MatrixShape)> {
        rows.iter()
            .enumerate()
            .map(|(i, &r)| (format!("p{i}"), MatrixShape::new(r, 64)))
    }

    #[test]
    fn segments_are_cut_at_tensors_and_fit_the_limit() {
        // Room for 200 floats per segment with three moments: three rows of 64.
        let arena = Arena::new(shapes(&[1, 2, 1, 3]), 200 * 12).unwrap();
        assert_eq!(arena.segments, [192, 64, 192]);
        let places: Vec<_> = arena.places.iter().map(|p| (p.segment, p.offset)).collect();
        assert_eq!(places, [(0, 0), (0, 64), (1, 0), (2, 0)]);
    }

    #[test]
    fn a_matrix_over_the_limit_is_refused_with_both_numbers() {
        // A tensor of 256 floats has its own segment, although three moments of it do not fit a binding.
        let arena = Arena::new(shapes(&[1, 4, 1]), 200 * 12).unwrap();
        assert_eq!(arena.segments, [64, 256, 64]);
        let error = Arena::new(shapes(&[1, 10]), 200 * 12).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Limit {
                    needed: 2560,
                    limit: 2400,
                    ..
                }
            ),
            "{error}"
        );
    }
}
