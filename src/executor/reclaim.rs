//! Reclaiming memory: buffers and recordings that an executor frees when memory is short, since they only save time.

use super::gpu::Prepared;
use super::{GpuExecutor, IN_FLIGHT, Needs, PlanId, READ_WORDS};
use crate::plan::{BufferSpec, Plan, Role};
use std::collections::HashMap;

/// Sizes of scratch buffers and of readback buffers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark {
    sizes: HashMap<Role, u64>,
    staging: [u64; IN_FLIGHT],
}

/// Size of a call's parameter block in bytes: WebGPU's alignment, which few blocks exceed.
const BLOCK_BYTES: u64 = 256;

impl Needs<'_> {
    /// Bytes besides the buffers by role: parameter blocks and readback buffers.
    fn other_bytes(&self) -> u64 {
        let blocks = self.plans.iter().map(|plan| block_bytes(plan));
        let (count, words) = self.fetches;
        let words = count * words + self.reads.min(READ_WORDS);
        blocks.sum::<u64>() + 4 * words as u64
    }
}

fn block_bytes(plan: &Plan) -> u64 {
    BLOCK_BYTES * plan.calls.len() as u64
}

impl GpuExecutor {
    /// All buffers of a call, those of its plans included.
    pub(super) fn specs(&self, needs: Needs<'_>) -> Vec<BufferSpec> {
        let ready = needs.ready.iter().map(|&id| self.plan(id));
        let plans = needs.plans.iter().chain(ready);
        let of_plans = plans.flat_map(|plan| &plan.buffers);
        of_plans.chain(needs.buffers).copied().collect()
    }

    /// Frees scratch buffers and parameter blocks that a call does not use, if the call then fits. Returns whether it
    /// did.
    pub(super) fn reclaim(&mut self, needs: Needs<'_>) -> bool {
        let Some(limit) = self.gpu.report().memory_limit else {
            // The driver does not report how much memory would be enough.
            return false;
        };
        let specs = self.specs(needs);
        let wanted = self.wanted(&specs);
        // A buffer that is too small is freed too, instead of being copied.
        let stays = |role: &Role| {
            let has = |specs: &[BufferSpec]| specs.iter().any(|spec| spec.role == *role);
            has(&specs) && !has(&wanted)
        };
        let pinned = |role: &Role| self.pinned == Some(*role);
        let idle = |role: &&Role| role.is_scratch() && !stays(role) && !pinned(role);
        let roles: Vec<_> = self.buffers.keys().filter(idle).copied().collect();
        let blocks = self.idle_plans(needs.ready);
        let freed = roles.iter().map(|role| self.buffers[role].size());
        let freed = freed.sum::<u64>()
            + blocks
                .iter()
                .map(|&id| self.plans.get(id).bytes())
                .sum::<u64>();
        let wanted = wanted.iter().map(BufferSpec::bytes).sum::<u64>();
        let needed = (self.gpu.budget.used() + wanted + needs.other_bytes()).saturating_sub(freed);
        if freed == 0 || needed > limit {
            return false;
        }
        roles
            .iter()
            .for_each(|role| drop(self.buffers.remove(role)));
        // Plans in use refer to buffers that were freed.
        self.plans.iter_mut().for_each(Prepared::outdate);
        self.reclaims += u64::from(!roles.is_empty());
        true
    }

    pub(super) fn mark(&self) -> Mark {
        let scratch = self.buffers.iter().filter(|(role, _)| role.is_scratch());
        Mark {
            sizes: scratch
                .map(|(role, buffer)| (*role, buffer.size()))
                .collect(),
            staging: std::array::from_fn(|place| {
                self.staging[place]
                    .as_ref()
                    .map_or(0, |buffer| buffer.size())
            }),
        }
    }

    /// Frees the scratch buffers that are larger than at the mark, and all parameter blocks.
    pub(super) fn undo(&mut self, mark: &Mark) {
        let before = |role: &Role| mark.sizes.get(role).copied().unwrap_or(0);
        let count = self.buffers.len();
        self.buffers.retain(|role, buffer| {
            let stays = !role.is_scratch() || self.pinned == Some(*role);
            stays || buffer.size() <= before(role)
        });
        self.reclaims += u64::from(self.buffers.len() < count);
        self.plans.iter_mut().for_each(Prepared::outdate);
        self.pending = Default::default();
        for (staging, before) in self.staging.iter_mut().zip(mark.staging) {
            if staging
                .as_ref()
                .is_some_and(|buffer| buffer.size() > before)
            {
                *staging = None;
            }
        }
    }

    fn idle_plans(&self, ready: &[PlanId]) -> Vec<PlanId> {
        let ids = self.plans.ids();
        ids.filter(|id| !ready.contains(id)).collect()
    }
}
