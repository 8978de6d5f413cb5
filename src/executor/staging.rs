//! Staging buffers of the GPU executor, through which the host reads.

use super::{GpuExecutor, IN_FLIGHT, Needs, READ_WORDS};
use crate::device::{Buffer, Readback};
use crate::plan::Role;
use crate::{Error, Result};
use std::ops::Range;

impl GpuExecutor {
    /// Index of a free staging slot for a submit's results: one with a buffer of at least `bytes`, if there is one.
    pub(super) fn free_place(&self, bytes: u64) -> usize {
        let free = |place: &usize| self.pending[*place].is_none();
        let fits = |place: &usize| {
            let there = self.staging[*place].as_ref();
            there.is_some_and(|buffer| buffer.size() >= bytes)
        };
        let mut places = (0..IN_FLIGHT).filter(free);
        let fitting = places.clone().find(fits);
        fitting.or_else(|| places.next()).unwrap_or(0)
    }

    /// New staging buffers, with their slots, for what the existing ones are too few or too small for.
    pub(super) fn make_staging(&self, needs: Needs<'_>) -> Result<Vec<(usize, Buffer)>> {
        let (count, words) = needs.fetches;
        let reads = needs.reads.min(READ_WORDS);
        let size = |words: usize| 4 * words as u64;
        let holds = |buffer: &Buffer, words| buffer.size() >= size(words);
        let mut reads_missing =
            reads > 0 && !self.staging.iter().flatten().any(|b| holds(b, reads));
        let large_enough = |place: &usize| {
            let there = self.staging[*place].as_ref();
            there.is_some_and(|buffer| holds(buffer, words))
        };
        let there = (0..IN_FLIGHT).filter(large_enough).count();
        let missing = count.saturating_sub(there);
        let missing = missing.max(usize::from(reads_missing));
        // Empty slots and small buffers are replaced first.
        let size_at = |place: &usize| self.staging[*place].as_ref().map_or(0, |b| b.size());
        let mut places: Vec<usize> = (0..IN_FLIGHT).collect();
        places.sort_by_key(size_at);
        let mut made = Vec::new();
        for place in places.into_iter().take(missing) {
            // Later reads use one of them.
            let words = if std::mem::take(&mut reads_missing) {
                words.max(reads)
            } else {
                words
            };
            made.push((place, self.gpu.staging(size(words))?));
        }
        Ok(made)
    }

    /// Reads part of a buffer, in elements, one piece at a time.
    pub(super) async fn read(&mut self, role: Role, range: Range<usize>) -> Result<Vec<u32>> {
        let mut words = Vec::with_capacity(range.len());
        let mut first = range.start;
        while first < range.end {
            let (place, staging) = self.take_staging((range.end - first).min(READ_WORDS))?;
            let piece = first..range.end.min(first + staging.size() as usize / 4);
            first = piece.end;
            let bytes = 4 * piece.len() as u64;
            let submission = self.submit(&[], &[(role, piece)], &staging)?;
            let readback = Readback::request(&self.gpu, &staging, bytes, submission)?;
            let copy = |piece: &[u32]| words.extend_from_slice(piece);
            let ((), staging) = readback.finish(&self.gpu, copy).await?;
            self.staging[place] = Some(staging);
        }
        Ok(words)
    }

    /// Takes the largest staging buffer, and returns it with its slot. If it has fewer than `words` words, a new one
    /// replaces it, unless memory is short.
    fn take_staging(&mut self, words: usize) -> Result<(usize, Buffer)> {
        let size = |place: &usize| self.staging[*place].as_ref().map_or(0, |b| b.size());
        let place = (0..IN_FLIGHT).max_by_key(size).unwrap_or(0);
        let there = self.staging[place].take();
        let bytes = 4 * words as u64;
        if let Some(buffer) = there {
            if buffer.size() >= bytes {
                return Ok((place, buffer));
            }
            return match self.gpu.staging(bytes) {
                Ok(larger) => Ok((place, larger)),
                Err(Error::OutOfMemory { .. }) => Ok((place, buffer)),
                Err(other) => Err(other),
            };
        }
        // No buffer is free: uncollected tickets hold them.
        self.pending = Default::default();
        Ok((place, self.gpu.staging(bytes)?))
    }
}
