//! Data sets on the device: samples, labels, target values, and their order.
//!
//! A data set that is too large is streamed: before each submit the host gathers the samples of its batches, in order,
//! into the same buffers. wgpu stages these writes, so the host can run ahead by the submits in flight.

use super::order::Order;
use crate::Result;
use crate::data::Dataset;
use crate::executor::Executor;
use crate::kernel::MatrixShape;
use crate::kernel::base::binding::Scalar;
use crate::kernel::gather::Source;
use crate::nn::Network;
use crate::plan::{BufferSpec, Clock, GatherSource, InputSource, Role};

/// The data set and order in the buffers of one clock.
#[derive(Debug)]
pub(super) struct Resident {
    clock: Clock,
    samples: Option<Loaded>,
    order: Option<Order>,
    stream: Option<Streamed>,
    /// Whether the host keeps the order of a resident data set, and that order.
    keeps_order: bool,
    indices: Vec<u32>,
}

/// A data set on the device, complete or in part.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Loaded {
    data: u64,
    placement: Placement,
    /// The executor's count of freed buffers at the upload.
    reclaims: u64,
}

/// Limits of a data set on the device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Limit in bytes of all buffers together, and of one binding.
    pub(super) budget: u64,
    pub(super) binding: u64,
    /// Samples per batch, and maximum number of batches per submit.
    pub(super) batch: usize,
    pub(super) batches: usize,
}

/// Placement of a data set on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    /// Number of samples on the device at a time: all, or those of one submit.
    rows: usize,
    streams: bool,
    /// Maximum number of batches per submit.
    pub(super) batches: usize,
}

/// Minimum size in bytes of one submit's part of a data set, even if the budget is smaller: enough to keep a device
/// busy.
const MIN_CHUNK_BYTES: u64 = 1 << 26;

impl Room {
    /// Chooses the placement of a data set.
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
        // Fewer batches per submit if they are large.
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
    /// Source of the gather for this placement.
    pub(super) fn source(self, data: &Dataset, network: &Network) -> GatherSource {
        let arrays = data.arrays().iter().zip(network.data_inputs());
        let inputs = arrays.map(|(array, input)| {
            let (source, scaling) = array.source();
            InputSource {
                input,
                source,
                scaling,
            }
        });
        GatherSource {
            inputs: inputs.collect(),
            samples: self.rows,
            labels: data.label_count(),
            starts: !network.graph.carried.is_empty() && !data.sequences().is_empty(),
            target_cols: (data.target_cols() > 0).then_some(data.target_cols()),
            augment: None,
        }
    }
}

/// A streamed data set, and the host's buffers for the samples of one submit.
#[derive(Debug, Default)]
struct Streamed {
    indices: Vec<u32>,
    /// The samples of one array.
    words: Vec<u32>,
    labels: Vec<u32>,
    targets: Vec<f32>,
    /// For each sample, whether it starts a sequence, if there are several.
    starts: Option<Vec<u32>>,
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

    /// Sets whether the order is kept on the host: see [`Resident::label`].
    pub(super) fn keeping_order(self, keeps_order: bool) -> Self {
        Resident {
            keeps_order,
            ..self
        }
    }

    /// The label of a row: with n labels per sample, rows i·n to (i + 1)·n belong to the sample at index i of the order.
    pub(super) fn label(&self, data: &Dataset, place: usize) -> u32 {
        let indices = match &self.stream {
            Some(stream) => &stream.indices,
            None => &self.indices,
        };
        let (sample, row) = (place / data.label_count(), place % data.label_count());
        data.label_words()[indices[sample] as usize * data.label_count() + row]
    }

    /// Offset in the buffers of the batch that begins at `sample` of the order, in a submit that begins at `first`.
    pub(super) fn offset(&self, first: usize, sample: usize) -> u32 {
        match self.stream {
            None => sample as u32,
            Some(_) => (sample - first) as u32,
        }
    }

    /// Uploads a data set and an order, unless they are on the device already. Its [`buffers`](Resident::buffers) must
    /// exist.
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
            self.stream = placement.streams.then(|| Streamed {
                starts: data.starts(),
                ..Streamed::default()
            });
            if !placement.streams {
                for (place, array) in data.arrays().iter().enumerate() {
                    let role = Role::Samples(self.clock, place);
                    executor.write(role, 0, &array.padded_words())?;
                }
                let targets = data.padded_targets();
                write_supervision(executor, self.clock, data.label_words(), &targets)?;
                if let Some(starts) = data.starts() {
                    executor.write(Role::SampleStarts(self.clock), 0, &starts)?;
                }
            }
            self.samples = Some(loaded);
        }
        if self.order != Some(order) {
            self.order = None;
            let indices = order.apply(data);
            if let Some(stream) = &mut self.stream {
                // The host gathers the samples in order, so the device's order is the identity.
                let identity: Vec<u32> = (0..placement.rows as u32).collect();
                executor.write(Role::Indices(self.clock), 0, &identity)?;
                stream.indices = indices;
            } else {
                executor.write(Role::Indices(self.clock), 0, &indices)?;
                if self.keeps_order {
                    self.indices = indices;
                }
            }
            self.order = Some(order);
        }
        Ok(())
    }

    /// Uploads the samples of the next submit, unless they are on the device already: `count` samples from index
    /// `first` of the order.
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
        for (place, array) in data.arrays().iter().enumerate() {
            array.gather_words(chosen, &mut stream.words);
            executor.write(Role::Samples(self.clock, place), 0, &stream.words)?;
        }
        data.gather_targets(chosen, &mut stream.targets);
        data.gather_labels(chosen, &mut stream.labels);
        if let Some(starts) = &stream.starts {
            let chosen = chosen.iter().map(|&index| starts[index as usize]);
            let starts: Vec<u32> = chosen.collect();
            executor.write(Role::SampleStarts(self.clock), 0, &starts)?;
        }
        write_supervision(executor, self.clock, &stream.labels, &stream.targets)
    }

    /// Buffers of a data set.
    pub(super) fn buffers(&self, data: &Dataset, placement: Placement) -> Vec<BufferSpec> {
        let rows = placement.rows;
        let buffer = |role, scalar, len| BufferSpec { role, scalar, len };
        let labels = rows * data.label_count();
        let mut buffers = vec![
            buffer(Role::SampleLabels(self.clock), Scalar::Word, labels),
            buffer(Role::Indices(self.clock), Scalar::Word, rows),
        ];
        for (place, array) in data.arrays().iter().enumerate() {
            let samples = MatrixShape::new(rows, array.features);
            let (scalar, len) = match array.source().0 {
                Source::Bytes => (Scalar::Word, samples.vec4s()),
                Source::Floats => (Scalar::Float, samples.floats()),
            };
            buffers.push(buffer(Role::Samples(self.clock, place), scalar, len));
        }
        if !data.sequences().is_empty() {
            buffers.push(buffer(Role::SampleStarts(self.clock), Scalar::Word, rows));
        }
        if data.target_cols() > 0 {
            let len = MatrixShape::new(rows, data.target_cols()).floats();
            buffers.push(buffer(Role::SampleTargets(self.clock), Scalar::Float, len));
        }
        buffers
    }
}

/// Writes the labels and target values of a data set.
fn write_supervision(
    executor: &mut Executor,
    clock: Clock,
    labels: &[u32],
    targets: &[f32],
) -> Result<()> {
    executor.write(Role::SampleLabels(clock), 0, labels)?;
    if targets.is_empty() {
        return Ok(());
    }
    executor.write(Role::SampleTargets(clock), 0, bytemuck::cast_slice(targets))
}
