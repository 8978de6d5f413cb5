//! The buffers that a GPU executor reads back through.

use super::{GpuExecutor, IN_FLIGHT, Needs, READ_WORDS};
use crate::device::{Buffer, Readback};
use crate::plan::Role;
use crate::{Error, Result};
use std::ops::Range;

impl GpuExecutor {
    /// Buffers to read back through, for the places where there are none that are large enough.
    pub(super) fn make_staging(&self, needs: Needs<'_>) -> Result<Vec<(usize, Buffer)>> {
        let (count, words) = needs.fetches;
        let reads = needs.reads.min(READ_WORDS);
        let size = |words: usize| 4 * words as u64;
        let holds = |buffer: &Buffer, words| buffer.size() >= size(words);
        let mut reads_missing =
            reads > 0 && !self.staging.iter().flatten().any(|b| holds(b, reads));
        let mut made = Vec::new();
        let count = count.max(usize::from(reads_missing));
        for place in (self.next..).take(count).map(|next| next % IN_FLIGHT) {
            // What is read later takes one of them.
            let words = if std::mem::take(&mut reads_missing) {
                words.max(reads)
            } else {
                words
            };
            let there = self.staging[place].as_ref();
            if there.is_none_or(|buffer| !holds(buffer, words)) {
                made.push((place, self.gpu.staging(size(words))?));
            }
        }
        Ok(made)
    }

    /// Reads part of a buffer, a piece at a time.
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

    /// The largest buffer to read back through, and its place; a new one if there is none of so many words. Where memory is
    /// short, a smaller one will do.
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
        // None is free: tickets that nobody collected hold them.
        self.pending = Default::default();
        Ok((place, self.gpu.staging(bytes)?))
    }
}
