//! Execution of plans on the CPU by the kernels' twins: in `f32` as the CPU device, in `f64` for the gradient check.

mod buffers;

use super::plans::Plans;
use super::{CallTime, Fetch, IN_FLIGHT, Needs, PlanId, Ticket};
use crate::Result;
use crate::kernel::{Arg, Args, Binding, Compute, Precision};
use crate::plan::{BufferSpec, Call, Plan, Role};
use crate::threads::{Threads, is_large};
use crate::time::Instant;
use buffers::{Buffers, Memory};
use std::ops::Range;

/// Most arguments of a kernel.
const MAX_ARGS: usize = 8;

/// A plan whose buffers are slots of the executor's memory.
#[derive(Debug)]
pub(super) struct Prepared {
    calls: Vec<PreparedCall>,
    /// Whether a call is large enough for several threads.
    large: bool,
}

#[derive(Debug)]
struct PreparedCall {
    call: Call,
    /// Indices of the arguments, ordered by their places in memory.
    order: Vec<usize>,
    writes: Vec<bool>,
}

/// Runs plans on the CPU in arithmetic of type `T`.
#[derive(Debug)]
pub(crate) struct CpuExecutor<T> {
    buffers: Buffers<T>,
    pub(super) plans: Plans<Prepared>,
    threads: Threads,
    /// Fetched words, until they are collected.
    fetched: [Vec<u32>; IN_FLIGHT],
    next: usize,
    pub(super) submits: u64,
    /// The running profile, if any.
    profile: Option<Profile>,
}

/// Timed calls, in seconds since `start`.
#[derive(Debug)]
struct Profile {
    start: Instant,
    calls: Vec<CallTime>,
}

impl<T> Default for CpuExecutor<T> {
    fn default() -> Self {
        CpuExecutor::new(Threads::default())
    }
}

impl<T> CpuExecutor<T> {
    pub(crate) fn new(threads: Threads) -> Self {
        CpuExecutor {
            threads,
            buffers: Buffers::default(),
            plans: Plans::default(),
            fetched: Default::default(),
            next: 0,
            submits: 0,
            profile: None,
        }
    }
}

impl<T: Precision> CpuExecutor<T> {
    pub(super) fn prepare(&mut self, needs: Needs<'_>) -> Result<Vec<PlanId>> {
        let of_plans = needs.plans.iter().flat_map(|plan| &plan.buffers);
        let specs: Vec<BufferSpec> = of_plans.chain(needs.buffers).copied().collect();
        self.buffers.reserve_all(&specs)?;
        Ok(needs.plans.iter().map(|plan| self.insert(plan)).collect())
    }

    /// Prepares a plan.
    pub(crate) fn add(&mut self, plan: &Plan) -> Result<PlanId> {
        self.buffers.reserve_all(&plan.buffers)?;
        Ok(self.insert(plan))
    }

    fn insert(&mut self, plan: &Plan) -> PlanId {
        let places: Vec<usize> = plan
            .buffers
            .iter()
            .map(|spec| self.buffers.place(spec.role))
            .collect();
        let calls = joined(&plan.calls);
        let large = calls
            .iter()
            .any(|call| is_large(call.kernel.flops(), elements_written(call)));
        let calls = calls.into_iter().map(|mut call| {
            for arg in &mut call.args {
                arg.buffer = places[arg.buffer];
            }
            let mut order: Vec<usize> = (0..call.args.len()).collect();
            order.sort_by_key(|&i| (call.args[i].buffer, call.args[i].offset));
            let writes = call
                .kernel
                .bindings()
                .iter()
                .map(Binding::is_written)
                .collect();
            PreparedCall {
                call,
                order,
                writes,
            }
        });
        self.plans.insert(Prepared {
            calls: calls.collect(),
            large,
        })
    }

    pub(crate) fn reserve(&mut self, spec: BufferSpec) -> Result<()> {
        self.buffers.reserve_all(&[spec])
    }

    pub(super) fn bytes_allocated(&self) -> u64 {
        self.buffers.bytes()
    }

    pub(crate) fn write(&mut self, role: Role, offset: usize, words: &[u32]) -> Result<()> {
        self.buffers.write(role, offset, words);
        Ok(())
    }

    /// The floats of a buffer, in full precision.
    pub(crate) fn floats(&mut self, role: Role) -> &mut [T] {
        self.buffers.floats(role)
    }

    pub(super) fn start_profile(&mut self) {
        self.profile = Some(Profile {
            start: Instant::now(),
            calls: Vec::new(),
        });
    }

    pub(super) fn end_profile(&mut self) -> Vec<CallTime> {
        self.profile
            .take()
            .map_or(Vec::new(), |profile| profile.calls)
    }

    #[cfg(test)]
    pub(super) fn profiled(&self) -> Option<usize> {
        self.profile.as_ref().map(|profile| profile.calls.len())
    }

    pub(crate) fn run(&mut self, plans: &[PlanId]) -> Result<()> {
        if !plans.is_empty() {
            let large = plans.iter().any(|plan| self.plans.get(*plan).large);
            let threads = self.threads.clone();
            threads.run(large, || self.run_here(plans));
            self.submits += 1;
        }
        Ok(())
    }

    fn run_here(&mut self, plans: &[PlanId]) {
        for plan in plans {
            for call in &self.plans.get(*plan).calls {
                match &mut self.profile {
                    None => call.run(&mut self.buffers.memory),
                    Some(profile) => {
                        let begin = profile.start.elapsed().as_secs_f64();
                        call.run(&mut self.buffers.memory);
                        let end = profile.start.elapsed().as_secs_f64();
                        profile.calls.push(CallTime::new(&call.call, begin, end));
                    }
                }
            }
        }
    }

    pub(crate) fn run_and_fetch(&mut self, plans: &[PlanId], fetch: &[Fetch]) -> Result<Ticket> {
        self.run(plans)?;
        let ticket = self.next % IN_FLIGHT;
        self.next += 1;
        let mut words = std::mem::take(&mut self.fetched[ticket]);
        words.clear();
        for (role, range) in fetch {
            self.buffers.read(*role, range.clone(), &mut words);
        }
        self.fetched[ticket] = words;
        Ok(Ticket(ticket))
    }

    /// Runs plans, and gives parts of buffers as they are then.
    pub(super) fn run_and_take(&mut self, plans: &[PlanId], fetch: &[Fetch]) -> Result<Vec<u32>> {
        self.run(plans)?;
        let mut words = Vec::with_capacity(fetch.iter().map(|(_, range)| range.len()).sum());
        for (role, range) in fetch {
            self.buffers.read(*role, range.clone(), &mut words);
        }
        Ok(words)
    }

    pub(super) fn read(&self, role: Role, range: Range<usize>) -> Vec<u32> {
        let mut words = Vec::with_capacity(range.len());
        self.buffers.read(role, range, &mut words);
        words
    }

    pub(crate) fn collect<R>(&mut self, ticket: Ticket, read: impl FnOnce(&[u32]) -> R) -> R {
        read(&self.fetched[ticket.0])
    }
}

/// The calls, of which neighbours are one where a kernel's twin can run both at once.
fn joined(calls: &[Call]) -> Vec<Call> {
    let mut all: Vec<Call> = Vec::with_capacity(calls.len());
    for call in calls {
        let before = all.last_mut().filter(|before| before.args == call.args);
        match before.and_then(|before| Some((before.kernel.joined(&call.kernel)?, before))) {
            Some((kernel, before)) => before.kernel = kernel,
            None => all.push(call.clone()),
        }
    }
    all
}

fn elements_written(call: &Call) -> usize {
    let bindings = call.kernel.bindings();
    let args = bindings.iter().zip(&call.args);
    args.filter(|(binding, _)| binding.is_written())
        .map(|(_, arg)| arg.len)
        .sum()
}

impl PreparedCall {
    /// Borrows the arguments from the memory and runs the kernel.
    fn run<T: Precision>(&self, memory: &mut [Memory<T>]) {
        let mut args: [Arg<'_, T>; MAX_ARGS] = std::array::from_fn(|_| Arg::Read(&[]));
        let regions = &self.call.args;
        // One pass over the memory in the order of the arguments: each buffer is borrowed once, and a buffer with
        // several outputs is split among them.
        let mut rest = memory.iter_mut();
        let mut passed = 0;
        for group in self
            .order
            .chunk_by(|&a, &b| regions[a].buffer == regions[b].buffer)
        {
            let buffer = regions[group[0]].buffer;
            let memory = rest
                .nth(buffer - passed)
                .expect("arguments lie in the memory");
            passed = buffer + 1;
            if self.writes[group[0]] {
                split(memory, group, &self.call, &mut args);
            } else {
                let memory = &*memory;
                for &i in group {
                    let range = regions[i].offset..regions[i].offset + regions[i].len;
                    args[i] = match memory {
                        Memory::Floats(floats) => Arg::Read(&floats[range]),
                        Memory::Words(words) => Arg::ReadWords(&words[range]),
                    };
                }
            }
        }
        T::run(
            &self.call.kernel,
            &mut Args::new(&mut args[..regions.len()]),
        );
    }
}

/// Splits a buffer into its written regions, which are in ascending order and do not overlap.
fn split<'a, T>(memory: &'a mut Memory<T>, group: &[usize], call: &Call, args: &mut [Arg<'a, T>]) {
    /// Splits `len` elements off at `offset` from the start of the buffer; `rest` begins at `passed`.
    fn cut<'a, E>(
        rest: &mut &'a mut [E],
        passed: &mut usize,
        offset: usize,
        len: usize,
    ) -> &'a mut [E] {
        let (_, tail) = std::mem::take(rest).split_at_mut(offset - *passed);
        let (region, tail) = tail.split_at_mut(len);
        *rest = tail;
        *passed = offset + len;
        region
    }
    let mut passed = 0;
    match memory {
        Memory::Floats(floats) => {
            let mut rest = floats.as_mut_slice();
            for &i in group {
                let region = call.args[i];
                args[i] = Arg::Write(cut(&mut rest, &mut passed, region.offset, region.len));
            }
        }
        Memory::Words(words) => {
            let mut rest = words.as_mut_slice();
            for &i in group {
                let region = call.args[i];
                args[i] = Arg::WriteWords(cut(&mut rest, &mut passed, region.offset, region.len));
            }
        }
    }
}
