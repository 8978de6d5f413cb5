//! Runs plans on a GPU: a step is a re-encoding of recorded calls.

use super::profile::Submits;
use super::{Fetch, IN_FLIGHT, PlanId, Ticket};
use crate::Result;
use crate::device::{Buffer, Gpu, Readback, Recorded, Region, Timestamps};
use crate::kernel::{Compute, Kernel};
use crate::plan::{BufferSpec, Call, Plan, Role};
use std::collections::HashMap;
use std::sync::Arc;
use wgpu::SubmissionIndex;

#[derive(Debug)]
struct Prepared {
    plan: Plan,
    recorded: Recorded,
    /// The executor's generation when it was recorded.
    generation: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct GpuExecutor {
    pub(super) gpu: Arc<Gpu>,
    /// While a profile is taken, the submits of it.
    pub(super) profile: Option<Submits>,
    buffers: HashMap<Role, Buffer>,
    plans: Vec<Prepared>,
    /// Counts the buffers that were replaced by larger ones: what was recorded before names the old ones.
    generation: u64,
    /// Buffers to read back through, while they are not pending.
    staging: [Option<Buffer>; IN_FLIGHT],
    pending: [Option<Readback>; IN_FLIGHT],
    next: usize,
    pub(super) submits: u64,
}

impl GpuExecutor {
    pub(crate) fn new(gpu: Arc<Gpu>) -> Self {
        GpuExecutor {
            gpu,
            profile: None,
            buffers: HashMap::new(),
            plans: Vec::new(),
            generation: 0,
            staging: Default::default(),
            pending: Default::default(),
            next: 0,
            submits: 0,
        }
    }

    pub(crate) fn add(&mut self, plan: &Plan) -> Result<PlanId> {
        let what = format!("a plan for a batch of {}", plan.batch);
        let room = self.make_room(&what, &plan.buffers)?;
        let buffer = |role| room.get(&role).unwrap_or_else(|| &self.buffers[&role]);
        let recorded = record(&self.gpu, buffer, plan)?;
        self.move_into(room)?;
        self.plans.push(Prepared {
            recorded,
            plan: plan.clone(),
            generation: self.generation,
        });
        Ok(PlanId(self.plans.len() - 1))
    }

    pub(super) fn reserve_all(&mut self, what: &str, specs: &[BufferSpec]) -> Result<()> {
        let room = self.make_room(what, specs)?;
        self.move_into(room)
    }

    /// New buffers for what is not there or too small: all of them or none.
    fn make_room(&self, what: &str, specs: &[BufferSpec]) -> Result<HashMap<Role, Buffer>> {
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
        let sizes: Vec<(String, u64)> = wanted
            .iter()
            .map(|spec| (format!("{:?}", spec.role), spec.bytes()))
            .collect();
        let buffers = self.gpu.allocate_all(what, &sizes)?;
        Ok(wanted.iter().map(|spec| spec.role).zip(buffers).collect())
    }

    /// Puts new buffers in the place of old ones, whose contents they take over.
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
        self.generation += 1;
        // What was recorded names old buffers, and would keep them. It is made anew when it is wanted.
        for prepared in &mut self.plans {
            prepared.recorded = Recorded::default();
        }
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
        let ticket = self.next % IN_FLIGHT;
        self.next += 1;
        // A ticket that nobody collected gives its buffer up: it may still be mapped.
        self.pending[ticket] = None;
        let bytes: u64 = fetch.iter().map(|(_, range)| range.len() as u64 * 4).sum();
        // One of another size is dropped before the new one takes its place.
        let there = self.staging[ticket].take();
        let staging = match there.filter(|staging| staging.size() == bytes) {
            Some(staging) => staging,
            None => self.gpu.staging(bytes)?,
        };
        let submission = self.submit(plans, fetch, &staging)?;
        self.pending[ticket] = Some(Readback::request(&self.gpu, &staging, submission)?);
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
    fn submit(
        &mut self,
        plans: &[PlanId],
        fetch: &[Fetch],
        staging: &Buffer,
    ) -> Result<SubmissionIndex> {
        for plan in plans {
            let prepared = &mut self.plans[plan.0];
            if prepared.generation != self.generation {
                let buffer = |role| &self.buffers[&role];
                prepared.recorded = record(&self.gpu, buffer, &prepared.plan)?;
                prepared.generation = self.generation;
            }
        }
        let recorded: Vec<&Recorded> = match &self.profile {
            Some(_) => plans
                .iter()
                .map(|plan| &self.plans[plan.0].recorded)
                .collect(),
            None => Vec::new(),
        };
        let mut timestamps = None;
        let submission = self.gpu.submit(|encoder| {
            if !recorded.is_empty() {
                timestamps = Some(Timestamps::encode(&self.gpu, encoder, &recorded));
            } else if !plans.is_empty() {
                let mut pass = encoder.begin_compute_pass(&Default::default());
                for plan in plans {
                    self.plans[plan.0].recorded.encode(&mut pass);
                }
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
            submits.push((plans.to_vec(), timestamps?, submission.clone()));
        }
        self.submits += u64::from(!plans.is_empty());
        Ok(submission)
    }

    /// The calls of a plan that are dispatched: those that have work.
    pub(super) fn dispatched(&self, plan: PlanId) -> impl Iterator<Item = &Call> {
        let target = &self.gpu.target;
        let calls = self.plans[plan.0].plan.calls.iter();
        calls.filter(move |call| call.kernel.program(target).workgroups > 0)
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
