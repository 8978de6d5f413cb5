//! Refusals of tensor calls that change a tensor in place: if the result is not finite, nothing is written.
//!
//! On the CPU the call returns the error. A GPU runs its calls later. There each tensor and each optimizer state has
//! four words of its own, in which the device counts the refused calls. The next readback of that tensor or state also
//! reads them.

mod call;

pub(crate) use call::{Guarded, MAX_UNREAD};

use super::memory::gpu_region;
use super::{Backend, Device, Gpu, Memory, Operand, Region};
use crate::Result;
use crate::kernel::base::guard;
use crate::kernel::base::state::{
    FIRST_NON_FINITE, REFUSED_CALLS, REFUSED_FIRST, REFUSED_GUARD, REFUSED_WORDS,
};
use crate::kernel::{Choose, Kernel, MatrixShape, Note};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The refused calls of a tensor or an optimizer state.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The four words on the device, allocated by the first call.
    words: Option<Region>,
    /// Number of calls that were made.
    calls: u64,
    /// Number of calls whose outcome the last reading included.
    read: u64,
    /// Number of refused calls in the last reading, modulo 2³².
    refused: u32,
    /// Number of refused calls in the last reading, in full.
    refused_in_all: u64,
    /// Number of refused calls up to the last report, modulo 2³².
    reported: u32,
}

/// Step count of an optimizer state, as far as the host knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    /// Number of calls, without the known refused ones.
    pub(crate) done: u64,
    /// Number of known refused calls, modulo 2³².
    refused: u32,
    /// Number of calls whose outcome the host has not read.
    pub(crate) unread: u64,
}

/// A reading under way.
#[derive(Debug)]
struct Reading {
    words: Region,
    calls: u64,
}

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn steps(&self) -> Steps {
        let known = self.lock();
        Steps {
            done: known.calls - known.refused_in_all,
            refused: known.refused,
            unread: known.calls - known.read,
        }
    }

    /// Counts a call that was made. The CPU has done it by now.
    fn called(&self, device: &Device) {
        let mut known = self.lock();
        known.calls += 1;
        if let Backend::Cpu(_) = device.0 {
            known.read = known.calls;
        }
    }

    /// The words on the device, and the number of refused calls up to the last report.
    fn words(&self, gpu: &Gpu) -> Result<(Region, u32)> {
        let mut known = self.lock();
        if known.words.is_none() {
            let words = [0; REFUSED_WORDS];
            let buffer = gpu.upload("refused calls", &words)?;
            known.words = Some(Region {
                bytes: buffer.size(),
                buffer,
                offset: 0,
            });
        }
        let reported = known.reported;
        Ok((known.words.clone().expect("made above"), reported))
    }

    fn reading(&self) -> Option<Reading> {
        let known = self.lock();
        let words = known.words.clone()?;
        Some(Reading {
            words,
            calls: known.calls,
        })
    }

    /// Updates the counts by the words of a reading that came after `calls` calls. With `report`, returns the call and
    /// the guard of the first refusal that was not reported yet.
    fn resync(&self, calls: u64, words: &[u32], report: bool) -> Option<(u32, u32)> {
        let mut known = self.lock();
        known.read = known.read.max(calls);
        // Another thread may have read later ones meanwhile.
        let is_newer =
            |count: u32, than: u32| (1..=u32::MAX / 2).contains(&count.wrapping_sub(than));
        if is_newer(words[REFUSED_CALLS], known.refused) {
            known.refused_in_all += u64::from(words[REFUSED_CALLS].wrapping_sub(known.refused));
            known.refused = words[REFUSED_CALLS];
        }
        if report && is_newer(words[REFUSED_CALLS], known.reported) {
            known.reported = words[REFUSED_CALLS];
            return Some((words[REFUSED_FIRST], words[REFUSED_GUARD]));
        }
        None
    }
}

/// A readback of a tensor together with its refused words.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) shape: MatrixShape,
    /// Refused calls of the tensor. The readback reports them.
    pub(crate) own: &'a Refusals,
    /// Refused calls of the optimizer state that updated the tensor. The readback updates their number only.
    pub(crate) state: Option<&'a Refusals>,
}

impl Reader<'_> {
    /// Copies memory to the host after all submitted work.
    ///
    /// # Errors
    ///
    /// [`Error::NonFinite`](crate::Error::NonFinite) for a refused call that was not reported yet.
    pub(crate) async fn read(&self, memory: &Memory, device: &Device) -> Result<Vec<u32>> {
        let own = self.own.reading();
        let state = self.state.and_then(|state| Some((state, state.reading()?)));
        let mut behind: Vec<&Region> = own.iter().map(|reading| &reading.words).collect();
        behind.extend(state.iter().map(|(_, reading)| &reading.words));
        let (values, words) = memory.download_with(device, &behind).await?;
        let mut words = words.chunks(REFUSED_WORDS);
        let refused = own.and_then(|reading| Some((reading.calls, words.next()?)));
        if let Some(((refusals, reading), words)) = state.zip(words.next()) {
            refusals.resync(reading.calls, words, false);
        }
        let refused = refused.and_then(|(calls, words)| self.own.resync(calls, words, true));
        match refused {
            Some((call, guard)) => {
                let call = Guarded::ALL[call as usize % Guarded::ALL.len()];
                Err(call.refused(guard, self.shape))
            }
            None => Ok(values),
        }
    }
}

/// A call that may be refused, in two passes over the same operands: the test sets the guard in its state, and the
/// write changes nothing if the guard is set.
pub(crate) struct Attempt<'a, 'b> {
    pub(crate) call: Guarded,
    pub(crate) test: Kernel,
    pub(crate) write: Kernel,
    pub(crate) operands: &'a mut [Operand<'b>],
    /// Number of the operand that is the state.
    pub(crate) state: usize,
    pub(crate) shape: MatrixShape,
    /// Refused calls of the changed tensor.
    pub(crate) refusals: &'a Refusals,
    /// Refused calls of the optimizer state, its step count, and the number of choices of step values after the state.
    pub(crate) steps: Option<(&'a Refusals, Steps, usize)>,
}

impl Attempt<'_, '_> {
    /// Runs both passes. On a GPU it only submits them.
    pub(crate) fn run(self, device: &Device) -> Result<()> {
        match &device.0 {
            Backend::Cpu(_) => {
                device.run(self.test, self.operands)?;
                match &self.operands[self.state] {
                    Operand::Write(Memory::Words(words)) if guard::is_set(words) => {
                        return Err(self.call.refused(words[FIRST_NON_FINITE], self.shape));
                    }
                    _ => device.run(self.write, self.operands)?,
                }
            }
            Backend::Gpu(gpu) => self.submit(gpu)?,
        }
        if let Some((refusals, ..)) = self.steps {
            refusals.called(device);
        }
        self.refusals.called(device);
        Ok(())
    }

    fn submit(&self, gpu: &Gpu) -> Result<()> {
        let regions: Vec<Region> = self.operands.iter().map(gpu_region).collect();
        let state = &regions[self.state];
        let (own, reported) = self.refusals.words(gpu)?;
        let mut notes = vec![(own, reported)];
        let mut choose = None;
        if let Some((refusals, steps, choices)) = self.steps {
            let (words, reported) = refusals.words(gpu)?;
            if choices > 0 {
                let known = steps.refused;
                let call = Kernel::from(Choose { known, choices });
                choose = Some((call, vec![state.clone(), words.clone()]));
            }
            notes.push((words, reported));
        }
        let call = self.call as u32;
        let notes: Vec<(Kernel, Vec<Region>)> = notes
            .into_iter()
            .map(|(words, reported)| {
                let note = Note { call, reported };
                (note.into(), vec![state.clone(), words])
            })
            .collect();
        let passes = [&self.test, &self.write].map(|pass| (pass, regions.clone()));
        let first = choose.iter().map(|(call, regions)| (call, regions.clone()));
        let last = notes.iter().map(|(call, regions)| (call, regions.clone()));
        let calls: Vec<_> = first.chain(passes).chain(last).collect();
        let recorded = gpu.record(&calls)?;
        gpu.submit(|encoder| {
            recorded.encode(&mut encoder.begin_compute_pass(&Default::default()))
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_is_reported_once_and_counted_once() {
        let refusals = Refusals::default();
        refusals.lock().calls = 5;
        // Two threads read the same words; an optimizer state is counted without a report.
        assert_eq!(refusals.resync(3, &[2, 7, 9, 0], false), None);
        assert_eq!(refusals.resync(3, &[2, 7, 9, 0], true), Some((7, 9)));
        assert_eq!(refusals.resync(3, &[2, 7, 9, 0], true), None);
        let steps = refusals.steps();
        assert_eq!((steps.done, steps.refused, steps.unread), (3, 2, 2));
        // A reading that arrives after a newer one changes nothing.
        assert_eq!(refusals.resync(5, &[4, 1, 1, 0], true), Some((1, 1)));
        assert_eq!(refusals.resync(4, &[3, 7, 9, 0], true), None);
        let steps = refusals.steps();
        assert_eq!((steps.done, steps.refused, steps.unread), (1, 4, 0));
    }

    #[test]
    fn the_count_on_the_device_may_wrap() {
        let refusals = Refusals::default();
        {
            let mut known = refusals.lock();
            known.calls = (1 << 32) + 9;
            (known.refused, known.reported) = (u32::MAX, u32::MAX);
            known.refused_in_all = u64::from(u32::MAX);
        }
        assert_eq!(refusals.steps().done, 10);
        let read = refusals.resync((1 << 32) + 9, &[1, 2, 3, 0], true);
        assert_eq!((read, refusals.steps().done), (Some((2, 3)), 8));
    }
}
