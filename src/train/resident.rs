//! A data set on the device: samples, labels, target values, and the order to take them in.
//!
//! A data set that is too large streams through: before each submit the host gathers the samples of its batches, in their
//! order, into the same buffers. wgpu stages what is written, so the host is ahead by as many submits as are in flight.

use crate::data::Dataset;
use crate::executor::Executor;
use crate::kernel::MatrixShape;
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
    stream: Option<Streamed>,
}

/// The order of the samples: as they come, or shuffled for an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    AsGiven,
    Shuffled { seed: u64, epoch: u32 },
}

/// How much of a data set may lie on the device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Bytes of all together, and of one binding.
    pub(super) budget: u64,
    pub(super) binding: u64,
    /// Samples of one submit.
    pub(super) chunk: usize,
}

/// A data set that streams through, and the buffers of the host for one submit's samples.
#[derive(Debug, Default)]
struct Streamed {
    indices: Vec<u32>,
    words: Vec<u32>,
    labels: Vec<u32>,
    targets: Vec<f32>,
}

impl Resident {
    pub(super) fn new(clock: Clock) -> Self {
        Resident {
            clock,
            samples: None,
            order: None,
            stream: None,
        }
    }

    /// Where the batch that begins at this sample of the order lies, in a submit that begins at `first`.
    pub(super) fn offset(&self, first: usize, sample: usize) -> u32 {
        match self.stream {
            None => sample as u32,
            Some(_) => (sample - first) as u32,
        }
    }

    /// Brings a data set and an order to the device, unless they are there or there is no room for them, and says how to
    /// gather from them.
    pub(super) fn load(
        &mut self,
        executor: &mut Executor,
        data: &Dataset,
        order: Order,
        room: Room,
    ) -> Result<GatherSource> {
        let samples = data.len();
        if u32::try_from(samples).is_err() {
            return Err(Error::argument(
                "the samples of a data set",
                "below 2³²",
                samples,
            ));
        }
        let streams = data.largest_bytes() > room.binding || data.device_bytes() > room.budget;
        let rows = if streams {
            room.chunk.min(samples)
        } else {
            samples
        };
        if self.samples != Some(data.id()) {
            (self.samples, self.order) = (None, None);
            self.reserve(executor, data, rows)?;
            self.stream = streams.then(Streamed::default);
            if !streams {
                self.write(
                    executor,
                    &data.padded_words(),
                    data.label_words(),
                    &data.padded_targets(),
                )?;
            }
            self.samples = Some(data.id());
        }
        if self.order != Some(order) {
            let mut indices: Vec<u32> = (0..samples as u32).collect();
            if let Some(stream) = &mut self.stream {
                // The host takes the samples in their order; the device takes them as they come.
                executor.write(Role::Indices(self.clock), 0, &indices[..rows])?;
                stream.indices = order.apply(indices);
            } else {
                indices = order.apply(indices);
                executor.write(Role::Indices(self.clock), 0, &indices)?;
            }
            self.order = Some(order);
        }
        let (source, scale, shift) = data.gather_source();
        Ok(GatherSource {
            source,
            samples: rows,
            scale,
            shift,
            target_cols: (data.target_cols() > 0).then_some(data.target_cols()),
            augment: None,
        })
    }

    /// Brings the samples of the next submit, if they do not lie there: `count` from the one at `first` in the order.
    pub(super) fn bring(
        &mut self,
        executor: &mut Executor,
        data: &Dataset,
        first: usize,
        count: usize,
    ) -> Result<()> {
        let Some(mut stream) = self.stream.take() else {
            return Ok(());
        };
        let end = (first + count).min(data.len());
        let chosen = &stream.indices[first..end];
        data.gather_words(chosen, &mut stream.words);
        data.gather_targets(chosen, &mut stream.targets);
        stream.labels.clear();
        let label = |&index: &u32| data.label_words()[index as usize];
        stream.labels.extend(chosen.iter().map(label));
        let written = self.write(executor, &stream.words, &stream.labels, &stream.targets);
        self.stream = Some(stream);
        written
    }

    fn reserve(&self, executor: &mut Executor, data: &Dataset, rows: usize) -> Result<()> {
        let samples = MatrixShape::new(rows, data.features());
        let (element, len) = match data.gather_source().0 {
            Source::Bytes => (Element::Word, samples.vec4s()),
            Source::Floats => (Element::Float, samples.floats()),
        };
        let buffer = |role, element, len| BufferSpec { role, element, len };
        let mut buffers = vec![
            buffer(Role::Samples(self.clock), element, len),
            buffer(Role::SampleLabels(self.clock), Element::Word, rows),
            buffer(Role::Indices(self.clock), Element::Word, rows),
        ];
        if data.target_cols() > 0 {
            let len = MatrixShape::new(rows, data.target_cols()).floats();
            buffers.push(buffer(Role::SampleTargets(self.clock), Element::Float, len));
        }
        executor.reserve_all(&format!("a data set of {rows} samples"), &buffers)
    }

    fn write(
        &self,
        executor: &mut Executor,
        samples: &[u32],
        labels: &[u32],
        targets: &[f32],
    ) -> Result<()> {
        executor.write(Role::Samples(self.clock), 0, samples)?;
        executor.write(Role::SampleLabels(self.clock), 0, labels)?;
        if !targets.is_empty() {
            executor.write(
                Role::SampleTargets(self.clock),
                0,
                bytemuck::cast_slice(targets),
            )?;
        }
        Ok(())
    }
}

impl Order {
    fn apply(self, mut indices: Vec<u32>) -> Vec<u32> {
        if let Order::Shuffled { seed, epoch } = self {
            Random::new(seed, Stream::Shuffle(epoch)).shuffle(&mut indices);
        }
        indices
    }
}
