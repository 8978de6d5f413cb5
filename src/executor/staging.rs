//! Staging buffers of the GPU executor, through which the host reads.

use super::engine::Lent;
use super::{Fetch, GpuExecutor, IN_FLIGHT, Needs, PlanId, READ_WORDS};
use crate::device::{Buffer, Readback};
use crate::{Error, Result};
use std::sync::Arc;

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

    /// Takes a free staging buffer of at least `bytes`, or makes one.
    pub(super) fn take_fitting(&mut self, bytes: u64) -> Result<Buffer> {
        let place = self.free_place(bytes);
        // A ticket that nobody collected gives its buffer up: it may still be mapped.
        self.pending[place] = None;
        // One that is too small is dropped before the new one takes its place.
        let there = self.staging[place].take();
        match there.filter(|staging| staging.size() >= bytes) {
            Some(staging) => Ok(staging),
            None => self.gpu.staging(bytes),
        }
    }

    /// Runs plans, has parts of buffers copied to a staging buffer, and lends that to a reader.
    pub(super) fn lend(
        &mut self,
        plans: &[PlanId],
        fetch: &[Fetch],
        staging: Buffer,
    ) -> Result<Lent> {
        let bytes = fetch.iter().map(|(_, range)| range.len() as u64 * 4).sum();
        let submission = self.submit(plans, fetch, &staging)?;
        let readback = Readback::request(&self.gpu, &staging, bytes, submission)?;
        Ok(Lent::Readback(Arc::clone(&self.gpu), readback))
    }

    /// Takes a reader's staging buffer back, in place of an empty slot or the smallest buffer. While other readers are
    /// to give theirs back, it is freed if memory has a limit: one reader at a time needs no more than one.
    pub(super) fn give_back(&mut self, staging: Buffer, others: bool) {
        if others && self.gpu.budget.limit.is_some() {
            return;
        }
        let size = |place: &usize| self.staging[*place].as_ref().map_or(0, |b| b.size());
        let free = (0..IN_FLIGHT).filter(|&place| self.pending[place].is_none());
        if let Some(place) = free.min_by_key(size).filter(|p| size(p) < staging.size()) {
            self.staging[place] = Some(staging);
        }
    }

    /// Takes the largest staging buffer. If it has fewer than `words` words, a new one is made instead, unless memory
    /// is short.
    pub(super) fn take_staging(&mut self, words: usize) -> Result<Buffer> {
        let size = |place: &usize| self.staging[*place].as_ref().map_or(0, |b| b.size());
        let place = (0..IN_FLIGHT).max_by_key(size).unwrap_or(0);
        let there = self.staging[place].take();
        let bytes = 4 * words as u64;
        if let Some(buffer) = there {
            if buffer.size() >= bytes {
                return Ok(buffer);
            }
            return match self.gpu.staging(bytes) {
                Err(Error::OutOfMemory { .. }) => Ok(buffer),
                made => made,
            };
        }
        // No buffer is free: uncollected tickets or other readers hold them.
        self.pending = Default::default();
        self.gpu.staging(bytes)
    }
}
