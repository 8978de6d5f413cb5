//! A data set on the device: samples, labels, target values, and the order to take them in.
//!
//! A data set that is too large streams through: before each submit the host gathers the samples of its batches, in
//! their order, into the same buffers. wgpu stages what is written, so the host is ahead by as many submits as are in
//! flight.

use crate::Result;
use crate::data::Dataset;
use crate::executor::Executor;
use crate::kernel::MatrixShape;
use crate::kernel::base::program::Element;
use crate::kernel::gather::Source;
use crate::plan::{BufferSpec, Clock, GatherSource, Role};
use crate::random::{Random, Stream};

/// Which data set and order lie in the buffers of one clock.
#[derive(Debug)]
pub(super) struct Resident {
    clock: Clock,
    samples: Option<Loaded>,
    order: Option<Order>,
    stream: Option<Streamed>,
    /// Whether the host keeps the order of a data set that lies on the device, and that order.
    keeps_order: bool,
    indices: Vec<u32>,
}

/// A data set that lies on the device, in whole or in part.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Loaded {
    data: u64,
    placement: Placement,
    /// The executor's count of buffers that it gave up.
    reclaims: u64,
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
    /// Samples of a batch, and the most batches of a submit.
    pub(super) batch: usize,
    pub(super) batches: usize,
}

/// How a data set lies on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    /// Samples that are there at a time: all, or those of one submit.
    rows: usize,
    streams: bool,
    /// The most batches of a submit.
    pub(super) batches: usize,
}

/// Bytes that one submit's part of a data set may take, though the budget be smaller: enough to keep a device busy.
const MIN_CHUNK_BYTES: u64 = 1 << 26;

impl Room {
    /// Where to put a data set.
    pub(super) fn place(self, data: &Dataset) -> Placement {
        let samples = data.len();
        let streams = data.largest_bytes() > self.binding || data.device_bytes() > self.budget;
        if !streams {
            return Placement {
                rows: samples,
                streams,
                batches: self.batches,
            };
        }
        // Fewer batches a submit where they are large.
        let batch = self.batch.min(samples) as u64;
        let bytes = data.sample_bytes().saturating_mul(batch).max(1);
        let most = self.binding.min(self.budget.max(MIN_CHUNK_BYTES)) / bytes;
        let batches = usize::try_from(most)
            .unwrap_or(usize::MAX)
            .clamp(1, self.batches);
        Placement {
            rows: (self.batch.saturating_mul(batches)).min(samples),
            streams,
            batches,
        }
    }
}

impl Placement {
    /// How to gather from a data set that lies so.
    pub(super) fn source(self, data: &Dataset) -> GatherSource {
        let (source, scaling) = data.gather_source();
        GatherSource {
            source,
            samples: self.rows,
            scaling,
            target_cols: (data.target_cols() > 0).then_some(data.target_cols()),
            augment: None,
        }
    }
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
            keeps_order: false,
            indices: Vec::new(),
        }
    }

    /// The same, keeping the order on the host or not: see [`Resident::label`].
    pub(super) fn keeping_order(self, keeps_order: bool) -> Self {
        Resident {
            keeps_order,
            ..self
        }
    }

    /// The label of the sample at this place of the order.
    pub(super) fn label(&self, data: &Dataset, place: usize) -> u32 {
        let indices = match &self.stream {
            Some(stream) => &stream.indices,
            None => &self.indices,
        };
        data.label_words()[indices[place] as usize]
    }

    /// Where the batch that begins at this sample of the order lies, in a submit that begins at `first`.
    pub(super) fn offset(&self, first: usize, sample: usize) -> u32 {
        match self.stream {
            None => sample as u32,
            Some(_) => (sample - first) as u32,
        }
    }

    /// Brings a data set and an order to the device, unless they are there. Its [`buffers`](Resident::buffers) must be.
    pub(super) fn load(
        &mut self,
        executor: &mut Executor,
        data: &Dataset,
        order: Order,
        placement: Placement,
    ) -> Result<()> {
        let loaded = Loaded {
            data: data.id(),
            placement,
            reclaims: executor.reclaims(),
        };
        if self.samples != Some(loaded) {
            (self.samples, self.order) = (None, None);
            self.stream = placement.streams.then(Streamed::default);
            if !placement.streams {
                write(
                    executor,
                    self.clock,
                    &data.padded_words(),
                    data.label_words(),
                    &data.padded_targets(),
                )?;
            }
            self.samples = Some(loaded);
        }
        if self.order != Some(order) {
            self.order = None;
            let mut indices: Vec<u32> = (0..data.len() as u32).collect();
            if let Some(stream) = &mut self.stream {
                // The host takes the samples in their order; the device takes them as they come.
                executor.write(Role::Indices(self.clock), 0, &indices[..placement.rows])?;
                stream.indices = order.apply(indices);
            } else {
                indices = order.apply(indices);
                executor.write(Role::Indices(self.clock), 0, &indices)?;
                if self.keeps_order {
                    self.indices = indices;
                }
            }
            self.order = Some(order);
        }
        Ok(())
    }

    /// Brings the samples of the next submit, if they do not lie there: `count` from the one at `first` in the order.
    pub(super) fn bring(
        &mut self,
        executor: &mut Executor,
        data: &Dataset,
        first: usize,
        count: usize,
    ) -> Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let end = first.saturating_add(count).min(data.len());
        let chosen = &stream.indices[first..end];
        data.gather_words(chosen, &mut stream.words);
        data.gather_targets(chosen, &mut stream.targets);
        stream.labels.clear();
        let label = |&index: &u32| data.label_words()[index as usize];
        stream.labels.extend(chosen.iter().map(label));
        let Streamed {
            words,
            labels,
            targets,
            ..
        } = &*stream;
        write(executor, self.clock, words, labels, targets)
    }

    /// The buffers that a data set takes.
    pub(super) fn buffers(&self, data: &Dataset, placement: Placement) -> Vec<BufferSpec> {
        let rows = placement.rows;
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
        buffers
    }
}

fn write(
    executor: &mut Executor,
    clock: Clock,
    samples: &[u32],
    labels: &[u32],
    targets: &[f32],
) -> Result<()> {
    executor.write(Role::Samples(clock), 0, samples)?;
    executor.write(Role::SampleLabels(clock), 0, labels)?;
    if targets.is_empty() {
        return Ok(());
    }
    executor.write(Role::SampleTargets(clock), 0, bytemuck::cast_slice(targets))
}

impl Order {
    fn apply(self, mut indices: Vec<u32>) -> Vec<u32> {
        if let Order::Shuffled { seed, epoch } = self {
            Random::new(seed, Stream::Shuffle(epoch)).shuffle(&mut indices);
        }
        indices
    }
}
