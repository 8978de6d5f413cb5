//! Data sets in the memory layout of the gather kernel.

use super::Dataset;
use super::array::{Array, Values};
use crate::kernel::MatrixShape;
use crate::kernel::gather::Source;
use crate::kernel::gather::scaling::Scaling;
use crate::threads::{Threads, for_chunks, is_large};

impl Array {
    pub(crate) fn source(&self) -> (Source, Scaling) {
        match self.values {
            Values::Bytes(_) => (Source::Bytes, self.scaling),
            Values::Floats(_) => (Source::Floats, self.scaling),
        }
    }

    /// Some of the samples, in the gather kernel's layout: one row for each index.
    pub(crate) fn gather_words(&self, indices: &[u32], words: &mut Vec<u32>) {
        let features = self.features;
        let sample = |index: u32| index as usize * features..(index as usize + 1) * features;
        let ld = MatrixShape::new(1, features).ld();
        match &self.values {
            Values::Floats(floats) => {
                words.resize(indices.len() * ld, 0);
                gather(words, ld, |i, row| {
                    let (values, padding) = row.split_at_mut(features);
                    values.copy_from_slice(bytemuck::cast_slice(&floats[sample(indices[i])]));
                    padding.fill(0);
                });
            }
            Values::Bytes(bytes) => {
                words.resize(indices.len() * ld / 4, 0);
                gather(words, ld / 4, |i, row| {
                    let bytes = &bytes[sample(indices[i])];
                    for (word, four) in row.iter_mut().zip(bytes.chunks(4)) {
                        let mut padded = [0; 4];
                        padded[..four.len()].copy_from_slice(four);
                        *word = u32::from_le_bytes(padded);
                    }
                });
            }
        }
    }

    /// The samples [len, features]: rows of bytes padded to whole words, rows of floats to a multiple of four floats.
    pub(crate) fn padded_words(&self) -> Vec<u32> {
        let shape = MatrixShape::new(self.samples(), self.features);
        match &self.values {
            Values::Floats(floats) => bytemuck::cast_slice(&shape.pad(floats)).to_vec(),
            Values::Bytes(bytes) => shape.pad_to_words(bytes),
        }
    }

    /// Bytes of the samples on a device.
    fn bytes(&self) -> u64 {
        let floats = MatrixShape::new(self.samples(), self.features).floats_u64();
        floats * self.source().0.bytes()
    }
}

impl Dataset {
    /// The target values [len, target_cols], rows padded to a multiple of four floats; empty if there are none.
    pub(crate) fn padded_targets(&self) -> Vec<f32> {
        MatrixShape::new(self.len(), self.target_cols).pad(&self.targets)
    }

    /// The target values of some of the samples, in the gather kernel's layout: one row for each index.
    pub(crate) fn gather_targets(&self, indices: &[u32], floats: &mut Vec<f32>) {
        floats.clear();
        let cols = self.target_cols;
        let ld = MatrixShape::new(1, cols).ld();
        for &index in indices {
            let end = floats.len() + ld;
            floats.extend(&self.targets[index as usize * cols..][..cols]);
            floats.resize(end, 0.0);
        }
    }

    /// The labels of some of the samples.
    pub(crate) fn gather_labels(&self, indices: &[u32], labels: &mut Vec<u32>) {
        labels.clear();
        let count = self.labels_per_sample;
        for &index in indices {
            labels.extend(&self.labels[index as usize * count..][..count]);
        }
    }

    /// Bytes of the data set on a device: samples, labels, targets and order.
    pub(crate) fn device_bytes(&self) -> u64 {
        self.buffer_bytes().sum()
    }

    /// Bytes of the largest of these buffers.
    pub(crate) fn largest_bytes(&self) -> u64 {
        self.buffer_bytes().max().unwrap_or(0)
    }

    /// Bytes of a sample in the buffer in which it takes the most.
    pub(crate) fn sample_bytes(&self) -> u64 {
        self.largest_bytes().div_ceil(self.len() as u64).max(4)
    }

    /// Bytes of each buffer.
    fn buffer_bytes(&self) -> impl Iterator<Item = u64> + '_ {
        let len = self.len() as u64;
        let targets = 4 * MatrixShape::new(self.len(), self.target_cols).floats_u64();
        let labels = 4 * self.labels.len() as u64;
        let arrays = self.arrays.iter().map(Array::bytes);
        let starts = if self.sequences().is_empty() { 0 } else { len };
        arrays.chain([targets, labels, 4 * len, 4 * starts])
    }
}

/// Calls `each(i, row)` for every row of `ld` words, on several threads if there are many words.
fn gather(words: &mut [u32], ld: usize, each: impl Fn(usize, &mut [u32]) + Sync) {
    let large = is_large(0, words.len());
    Threads::default().run(large, || for_chunks(words, ld, 1, &each));
}
