//! Preparation of the plans and buffers of a call.

use super::Network;
use super::plans::{Entry, PlanKey, Plans, Purpose, SPARE};
use crate::Result;
use crate::executor::{Engine, Needs, PlanId, lock};
use crate::plan::{Plan, Task, lower};
use std::sync::Arc;

impl Network {
    /// Prepares all plans of a call and allocates its buffers, all or none. `lower` compiles the plans that are not
    /// cached. The plans remain available until the next call is prepared.
    pub(crate) fn prepare(
        &mut self,
        needs: Needs<'_>,
        keys: &[PlanKey],
        lower: impl Fn(&Network, &PlanKey) -> Plan,
    ) -> Result<()> {
        let network = &*self;
        let (mut plans, mut engine) = (lock(&network.plans), network.executor.lock());
        network.prepare_in(&mut plans, &mut engine, needs, keys, lower)
    }

    /// The same for one of several threads, which has the plans and the engine.
    pub(super) fn prepare_in(
        &self,
        there: &mut Plans,
        engine: &mut Engine,
        needs: Needs<'_>,
        keys: &[PlanKey],
        lower: impl Fn(&Network, &PlanKey) -> Plan,
    ) -> Result<()> {
        let (mut wanted, mut ready): (Vec<PlanKey>, _) = (Vec::new(), Vec::new());
        for key in keys {
            match there.place(key) {
                Some(place) => ready.push(there.entries[place].id),
                None if wanted.contains(key) => {}
                None => wanted.push(key.clone()),
            }
        }
        let lowered = wanted.iter().map(|key| Arc::new(lower(self, key)));
        let plans: Vec<Arc<Plan>> = lowered.collect();
        let ids = engine.prepare(Needs {
            plans: &plans,
            ready: &ready,
            ..needs
        })?;
        let made = wanted.into_iter().zip(ids).zip(plans);
        there
            .entries
            .extend(made.map(|((key, id), plan)| Entry { key, id, plan }));
        there.touch(keys);
        there.most = there.most.max(keys.len());
        let surplus = there.entries.len().saturating_sub(SPARE + there.most);
        for entry in there.entries.drain(..surplus) {
            engine.remove(entry.id);
        }
        Ok(())
    }

    /// A plan of the call that was prepared last.
    pub(crate) fn ready(&self, key: &PlanKey) -> (PlanId, Arc<Plan>) {
        lock(&self.plans).ready(key)
    }

    /// The plan of a key of the network's own.
    pub(super) fn lower_own(&self, key: &PlanKey) -> Plan {
        let task = match key.purpose {
            Purpose::Predict => Task::Predict,
            Purpose::Jacobian => return self.lower_jacobian(key.batch),
            Purpose::Statistics => Task::Statistics,
            _ => Task::Differentiate,
        };
        lower(&self.plan_spec(key.batch, task, key.supervision))
    }

    /// Drops the plans of a trainer that no longer exists.
    pub(crate) fn forget_training(&mut self) {
        self.forget(|purpose| purpose.is_of_trainer());
        lock(&self.plans).most = 0;
        self.executor.pin(None);
    }

    pub(super) fn forget(&mut self, which: impl Fn(Purpose) -> bool) {
        let mut plans = lock(&self.plans);
        let entries = std::mem::take(&mut plans.entries);
        let (forgotten, kept): (Vec<Entry>, Vec<Entry>) = entries
            .into_iter()
            .partition(|entry| which(entry.key.purpose));
        plans.entries = kept;
        drop(plans);
        for entry in forgotten {
            self.executor.remove(entry.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, Device, GpuOptions, Sequential, Trainer};

    #[test]
    fn a_bounded_number_of_plans_is_kept_and_a_trainers_go_with_it() {
        let gpu = Device::gpu(GpuOptions::default().allow_software(true)).unwrap();
        for device in [Device::cpu(), gpu] {
            let layers = Sequential::new(2).dense(3).tanh().dense(2);
            let mut network = layers.build(&device, 1).unwrap();
            let (x, labels) = ([0.5; 2 * 60], [1; 60]);
            for rows in 1..=60 {
                let labels = &labels[..rows];
                network.gradients(&x[..2 * rows], labels).unwrap();
                network.predict(&x[..2 * rows]).unwrap();
                let count = network.executor.plan_count();
                assert!(count <= SPARE + 1, "{count} plans");
                assert_eq!(count, network.plans.lock().unwrap().entries.len());
            }
            let own = network.executor.plan_count();
            let mut trainer = Trainer::builder(network).batch_size(4).build().unwrap();
            for samples in 1..=30 {
                let (values, labels) = (vec![0.5; 2 * samples], vec![1; samples]);
                let data = Dataset::from_floats(2, values, labels, 2).unwrap();
                trainer.epoch(&data).unwrap();
                trainer.evaluate(&data).unwrap();
                // Whole batches and the rest.
                let count = trainer.network().executor.plan_count();
                assert!(count <= SPARE + 2, "{count} plans");
            }
            let network = trainer.into_network();
            assert!(network.executor.plan_count() <= own);
            let of_trainer = |entry: &Entry| entry.key.purpose.is_of_trainer();
            assert!(!network.plans.lock().unwrap().entries.iter().any(of_trainer));
            network.predict(&x).unwrap();
        }
    }
}
