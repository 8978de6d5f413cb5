//! The prepared plans of an executor, in reusable slots.

use super::PlanId;

/// Prepared plans by id. The next plan reuses the id of a removed one.
#[derive(Debug)]
pub(super) struct Plans<P> {
    places: Vec<Option<P>>,
}

impl<P> Default for Plans<P> {
    fn default() -> Self {
        Plans { places: Vec::new() }
    }
}

impl<P> Plans<P> {
    pub(super) fn insert(&mut self, plan: P) -> PlanId {
        let free = self.places.iter().position(Option::is_none);
        let place = free.unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.places[place] = Some(plan);
        PlanId(place)
    }

    pub(super) fn remove(&mut self, id: PlanId) {
        self.places[id.0] = None;
        while self.places.last().is_some_and(Option::is_none) {
            self.places.pop();
        }
    }

    pub(super) fn get(&self, id: PlanId) -> &P {
        let plan = self.places.get(id.0).and_then(Option::as_ref);
        plan.unwrap_or_else(|| unreachable!("a plan is removed by the owner of its number"))
    }

    pub(super) fn get_mut(&mut self, id: PlanId) -> &mut P {
        let plan = self.places.get_mut(id.0).and_then(Option::as_mut);
        plan.unwrap_or_else(|| unreachable!("a plan is removed by the owner of its number"))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut P> {
        self.places.iter_mut().flatten()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = PlanId> + '_ {
        let places = self.places.iter().enumerate();
        places.filter_map(|(place, plan)| plan.as_ref().map(|_| PlanId(place)))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.places.iter().flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_removed_plans_are_used_again() {
        let mut plans = Plans::default();
        let ids = [10, 11, 12].map(|plan| plans.insert(plan));
        plans.remove(ids[1]);
        assert_eq!((plans.len(), *plans.get(ids[2])), (2, 12));
        assert_eq!(plans.insert(13), ids[1]);
        *plans.get_mut(ids[1]) += 1;
        assert_eq!(*plans.get(ids[1]), 14);
        ids.into_iter().for_each(|id| plans.remove(id));
        assert_eq!((plans.len(), plans.places.len()), (0, 0));
    }
}
