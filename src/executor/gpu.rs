//! GPU executor: a step re-encodes the recorded calls of a plan.

use super::call_time::Submits;
use super::plans::Plans;
use super::{Fetch, IN_FLIGHT, Needs, PlanId, Ticket, What};
use crate::device::{Buffer, Gpu, Readback, Recorded, Region, Timestamps};
use crate::kernel::{Compute, Kernel};
use crate::plan::{BufferSpec, Call, Plan, Role};
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;
use wgpu::SubmissionIndex;

#[derive(Debug)]
pub(super) struct Prepared {
    plan: Arc<Plan>,
    /// Recorded calls; `None` until first use.
    recorded: Option<Recorded>,
}

/// Executor of plans on a GPU.
#[derive(Debug)]
pub(crate) struct GpuExecutor {
    pub(super) gpu: Arc<Gpu>,
    /// Submits of the current profile, if there is one.
    pub(super) profile: Option<Submits>,
    pub(super) buffers: HashMap<Role, Buffer>,
    pub(super) plans: Plans<Prepared>,
    /// Number of times that scratch buffers were freed.
    pub(super) reclaims: u64,
    /// Scratch role whose buffer must not be freed.
    pub(super) pinned: Option<Role>,
    /// Readback buffers that are not in use.
    pub(super) staging: [Option<Buffer>; IN_FLIGHT],
    pub(super) pending: [Option<Readback>; IN_FLIGHT],
    pub(super) submits: u64,
}

impl Prepared {
    /// Drops the recording, and with it the references to buffers.
    pub(super) fn outdate(&mut self) {
        self.recorded = None;
    }

    /// Size of its parameter blocks in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.recorded.as_ref().map_or(0, Recorded::bytes)
    }
}

impl GpuExecutor {
    pub(crate) fn new(gpu: Arc<Gpu>) -> Self {
        GpuExecutor {
            gpu,
            profile: None,
            buffers: HashMap::new(),
            plans: Plans::default(),
            reclaims: 0,
            pinned: None,
            staging: Default::default(),
            pending: Default::default(),
            submits: 0,
        }
    }

    pub(super) fn prepare(&mut self, needs: Needs<'_>) -> Result<Vec<PlanId>> {
        // Tickets of an interrupted call hold buffers and will not be collected.
        self.pending = Default::default();
        match self.try_prepare(needs) {
            Err(refused @ Error::OutOfMemory { .. }) => {
                if !self.reclaim(needs) {
                    return Err(refused);
                }
                self.try_prepare(needs)
            }
            prepared => prepared,
        }
    }

    fn try_prepare(&mut self, needs: Needs<'_>) -> Result<Vec<PlanId>> {
        let recorded = |id: &PlanId| self.plans.get(*id).recorded.is_some();
        let specs = if needs.plans.is_empty() && needs.ready.iter().all(recorded) {
            // Recorded plans have their buffers already.
            needs.buffers.to_vec()
        } else {
            self.specs(needs)
        };
        let room = self.make_room(needs.what, &specs)?;
        let buffer = |role| room.get(&role).unwrap_or_else(|| &self.buffers[&role]);
        let mut recorded = Vec::with_capacity(needs.plans.len());
        for plan in needs.plans {
            recorded.push(record(&self.gpu, buffer, plan)?);
        }
        // Re-record the plans whose buffers grow, so that no submit needs memory.
        let grows = room.keys().any(|role| self.buffers.contains_key(role));
        let mut again = Vec::new();
        for &id in needs.ready {
            let prepared = self.plans.get(id);
            if grows || prepared.recorded.is_none() {
                again.push((id, record(&self.gpu, buffer, &prepared.plan)?));
            }
        }
        let staging = self.make_staging(needs)?;
        self.move_into(room)?;
        for (place, buffer) in staging {
            self.staging[place] = Some(buffer);
        }
        for (id, recorded) in again {
            self.plans.get_mut(id).recorded = Some(recorded);
        }
        let plans = needs.plans.iter().zip(recorded);
        let insert = |(plan, recorded): (&Arc<Plan>, Recorded)| {
            self.plans.insert(Prepared {
                plan: Arc::clone(plan),
                recorded: Some(recorded),
            })
        };
        Ok(plans.map(insert).collect())
    }

    pub(super) fn plan(&self, id: PlanId) -> &Arc<Plan> {
        &self.plans.get(id).plan
    }

    /// Buffers that are missing or too small, each role once.
    pub(super) fn wanted(&self, specs: &[BufferSpec]) -> Vec<BufferSpec> {
        let mut wanted: Vec<BufferSpec> = Vec::new();
        for spec in specs {
            let there = self.buffers.get(&spec.role);
            if there.is_some_and(|buffer| buffer.size() >= spec.bytes()) {
                continue;
            }
            match wanted.iter_mut().find(|other| other.role == spec.role) {
                Some(other) => other.len = other.len.max(spec.len),
                None => wanted.push(*spec),
            }
        }
        wanted
    }

    /// Allocates the buffers that are missing or too small, all or none.
    fn make_room(&self, what: What<'_>, specs: &[BufferSpec]) -> Result<HashMap<Role, Buffer>> {
        let wanted = self.wanted(specs);
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let sizes: Vec<(String, u64)> = wanted
            .iter()
            .map(|spec| (format!("{:?}", spec.role), spec.bytes()))
            .collect();
        let buffers = self.gpu.allocate_all(&what.to_string(), &sizes)?;
        Ok(wanted.iter().map(|spec| spec.role).zip(buffers).collect())
    }

    /// Replaces old buffers by new ones, with their contents.
    fn move_into(&mut self, room: HashMap<Role, Buffer>) -> Result<()> {
        let mut moves = Vec::new();
        for (role, buffer) in room {
            if let Some(old) = self.buffers.insert(role, buffer.clone()) {
                moves.push((old, buffer));
            }
        }
        if moves.is_empty() {
            return Ok(());
        }
        // Recordings refer to old buffers and would keep them alive.
        self.plans.iter_mut().for_each(Prepared::outdate);
        self.gpu.submit(|encoder| {
            for (old, buffer) in &moves {
                encoder.copy_buffer_to_buffer(old, 0, buffer, 0, old.size());
            }
        })?;
        Ok(())
    }

    pub(super) fn bytes_allocated(&self) -> u64 {
        self.buffers.values().map(|buffer| buffer.size()).sum()
    }

    pub(crate) fn write(&mut self, role: Role, offset: usize, words: &[u32]) -> Result<()> {
        self.gpu
            .write(&self.buffers[&role], offset as u64 * 4, words)
    }

    pub(crate) fn run_and_fetch(&mut self, plans: &[PlanId], fetch: &[Fetch]) -> Result<Ticket> {
        let bytes: u64 = fetch.iter().map(|(_, range)| range.len() as u64 * 4).sum();
        let ticket = self.free_place(bytes);
        // Drop the buffer of an uncollected ticket, since it may still be mapped.
        self.pending[ticket] = None;
        // A buffer that is too small is freed before the new one is allocated.
        let there = self.staging[ticket].take();
        let staging = match there.filter(|staging| staging.size() >= bytes) {
            Some(staging) => staging,
            None => self.gpu.staging(bytes)?,
        };
        let submission = self.submit(plans, fetch, &staging)?;
        self.pending[ticket] = Some(Readback::request(&self.gpu, &staging, bytes, submission)?);
        Ok(Ticket(ticket))
    }

    pub(crate) async fn collect<R>(
        &mut self,
        ticket: Ticket,
        read: impl FnOnce(&[u32]) -> R,
    ) -> Result<R> {
        let pending = self.pending[ticket.0].take();
        let readback =
            pending.unwrap_or_else(|| unreachable!("a ticket is collected once, and in its turn"));
        let (result, staging) = readback.finish(&self.gpu, read).await?;
        self.staging[ticket.0] = Some(staging);
        Ok(result)
    }

    /// One submit: a compute pass over all plans, then the copies.
    pub(super) fn submit(
        &mut self,
        plans: &[PlanId],
        fetch: &[Fetch],
        staging: &Buffer,
    ) -> Result<SubmissionIndex> {
        for &id in plans {
            let prepared = self.plans.get_mut(id);
            if prepared.recorded.is_none() {
                let buffer = |role| &self.buffers[&role];
                prepared.recorded = Some(record(&self.gpu, buffer, &prepared.plan)?);
            }
        }
        let recorded = || {
            plans
                .iter()
                .filter_map(|&plan| self.plans.get(plan).recorded.as_ref())
        };
        let timestamps = match &self.profile {
            Some(_) if !plans.is_empty() => Some(Timestamps::new(&self.gpu, recorded())?),
            _ => None,
        };
        let submission = self.gpu.submit(|encoder| {
            if let Some(timestamps) = &timestamps {
                timestamps.encode(encoder, recorded());
            } else if !plans.is_empty() {
                let mut pass = encoder.begin_compute_pass(&Default::default());
                recorded().for_each(|recorded| recorded.encode(&mut pass));
            }
            let mut to = 0;
            for (role, range) in fetch {
                let bytes = range.len() as u64 * 4;
                encoder.copy_buffer_to_buffer(
                    &self.buffers[role],
                    range.start as u64 * 4,
                    staging,
                    to,
                    bytes,
                );
                to += bytes;
            }
        })?;
        if let (Some(submits), Some(timestamps)) = (&mut self.profile, timestamps) {
            let plans = plans
                .iter()
                .map(|&plan| Arc::clone(&self.plans.get(plan).plan));
            submits.push((plans.collect(), timestamps, submission.clone()));
        }
        self.submits += u64::from(!plans.is_empty());
        Ok(submission)
    }

    /// The calls of a plan that are dispatched: those with at least one workgroup.
    pub(super) fn dispatched<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a Call> {
        let capabilities = &self.gpu.capabilities;
        let calls = plan.calls.iter();
        calls.filter(move |call| call.kernel.program(capabilities).workgroups > 0)
    }
}

fn record<'a>(gpu: &Gpu, buffer: impl Fn(Role) -> &'a Buffer, plan: &Plan) -> Result<Recorded> {
    let calls: Vec<(&Kernel, Vec<Region>)> = plan
        .calls
        .iter()
        .map(|call| {
            let regions = call.args.iter().map(|arg| Region {
                buffer: buffer(plan.buffers[arg.buffer].role).clone(),
                offset: arg.offset as u64 * 4,
                bytes: arg.len as u64 * 4,
            });
            (&call.kernel, regions.collect())
        })
        .collect();
    gpu.record(&calls)
}
