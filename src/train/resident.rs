//! A data set on the device: samples, labels, and the order to take them in.

use crate::data::Dataset;
use crate::executor::Executor;
use crate::kernel::gather::Source;
use crate::kernel::program::Element;
use crate::plan::{BufferSpec, Clock, GatherSource, Role};
use crate::random::{Random, Stream};
use crate::{Error, Result};

/// Which data set and order lie in the buffers of one clock.
#[derive(Debug)]
pub(super) struct Resident {
    clock: Clock,
    samples: Option<u64>,
    order: Option<Order>,
}

/// The order of the samples: as they come, or shuffled for an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    AsGiven,
    Shuffled { seed: u64, epoch: u32 },
}

impl Resident {
    pub(super) fn new(clock: Clock) -> Self {
        Resident {
            clock,
            samples: None,
            order: None,
        }
    }

    /// Brings a data set and an order to the device, unless they are there, and says how to gather from them.
    pub(super) fn load(
        &mut self,
        executor: &mut Executor,
        data: &Dataset,
        order: Order,
    ) -> Result<GatherSource> {
        let samples = data.len();
        if u32::try_from(samples).is_err() {
            return Err(Error::argument(
                "the samples of a data set",
                "below 2³²",
                samples,
            ));
        }
        let (source, scale, shift) = data.gather_source();
        if self.samples != Some(data.id()) {
            (self.samples, self.order) = (None, None);
            let words = data.padded_words();
            let element = match source {
                Source::Bytes => Element::Word,
                Source::Floats => Element::Float,
            };
            let reserve = |executor: &mut Executor, role, element, len| {
                executor.reserve(BufferSpec { role, element, len })
            };
            reserve(executor, Role::Samples(self.clock), element, words.len())?;
            reserve(
                executor,
                Role::SampleLabels(self.clock),
                Element::Word,
                samples,
            )?;
            reserve(executor, Role::Indices(self.clock), Element::Word, samples)?;
            executor.write(Role::Samples(self.clock), 0, &words)?;
            executor.write(Role::SampleLabels(self.clock), 0, data.label_words())?;
            if let Some(targets) = data.padded_targets() {
                let role = Role::SampleTargets(self.clock);
                reserve(executor, role, Element::Float, targets.len())?;
                executor.write(role, 0, bytemuck::cast_slice(&targets))?;
            }
            self.samples = Some(data.id());
        }
        if self.order != Some(order) {
            let mut indices: Vec<u32> = (0..samples as u32).collect();
            if let Order::Shuffled { seed, epoch } = order {
                Random::new(seed, Stream::Shuffle(epoch)).shuffle(&mut indices);
            }
            executor.write(Role::Indices(self.clock), 0, &indices)?;
            self.order = Some(order);
        }
        Ok(GatherSource {
            source,
            samples,
            scale,
            shift,
            target_cols: (data.target_cols() > 0).then_some(data.target_cols()),
            augment: None,
        })
    }
}
