//! Lowering of attention with a cache: the append, then attention to the cache.

use super::{Emitter, Lower, Operand, op};
use crate::graph::Value;
use crate::kernel::{Attend, AttentionAppend};
use crate::plan::role::Role;

impl Lower for op::CachedAttention {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let heads = self.heads;
        let cache = Operand::whole(Role::Cache(self.number), heads.cache().floats());
        let [q, k, v, y] = [self.q, self.k, self.v, value].map(|value| emitter.operand(value));
        emitter.push(AttentionAppend { heads }, vec![k, v, cache]);
        let attend = Attend {
            heads: heads.cached(),
            statistics: false,
        };
        emitter.push(attend, vec![q, cache, cache, y]);
    }
}
