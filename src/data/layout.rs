//! Data sets in the memory layout of the gather kernel.

use super::{Dataset, Samples};
use crate::kernel::MatrixShape;
use crate::kernel::gather::Source;
use crate::kernel::gather::scaling::Scaling;
use crate::threads::{Threads, for_chunks, is_large};

impl Dataset {
    pub(crate) fn gather_source(&self) -> (Source, Scaling) {
        match self.samples {
            Samples::Bytes(_) => (Source::Bytes, self.scaling),
            Samples::Floats(_) => (Source::Floats, self.scaling),
        }
    }

    /// The target values [len, target_cols], rows padded to a multiple of four floats; empty if there are none.
    pub(crate) fn padded_targets(&self) -> Vec<f32> {
        MatrixShape::new(self.len(), self.target_cols).pad(&self.targets)
    }

    /// Some of the samples, in the gather kernel's layout: one row for each index.
    pub(crate) fn gather_words(&self, indices: &[u32], words: &mut Vec<u32>) {
        let features = self.features;
        let sample = |index: u32| index as usize * features..(index as usize + 1) * features;
        let ld = MatrixShape::new(1, features).ld();
        match &self.samples {
            Samples::Floats(floats) => {
                words.resize(indices.len() * ld, 0);
                gather(words, ld, |i, row| {
                    let (values, padding) = row.split_at_mut(features);
                    values.copy_from_slice(bytemuck::cast_slice(&floats[sample(indices[i])]));
                    padding.fill(0);
                });
            }
            Samples::Bytes(bytes) => {
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

    /// Bytes of the data set on a device: samples, labels, targets and order.
    pub(crate) fn device_bytes(&self) -> u64 {
        let [samples, targets] = self.matrix_bytes();
        samples + targets + 8 * self.len() as u64
    }

    /// Bytes of the largest of these buffers.
    pub(crate) fn largest_bytes(&self) -> u64 {
        let [samples, targets] = self.matrix_bytes();
        samples.max(targets).max(4 * self.len() as u64)
    }

    /// Bytes of a sample or of its target values, whichever are more.
    pub(crate) fn sample_bytes(&self) -> u64 {
        let [samples, targets] = self.matrix_bytes();
        samples.max(targets).div_ceil(self.len() as u64).max(4)
    }

    fn matrix_bytes(&self) -> [u64; 2] {
        let floats = |cols| MatrixShape::new(self.len(), cols).floats_u64();
        let samples = match self.samples {
            Samples::Bytes(_) => floats(self.features),
            Samples::Floats(_) => 4 * floats(self.features),
        };
        [samples, 4 * floats(self.target_cols)]
    }

    /// The samples [len, features]: rows of bytes padded to whole words, rows of floats to a multiple of four floats.
    pub(crate) fn padded_words(&self) -> Vec<u32> {
        let shape = MatrixShape::new(self.len(), self.features);
        match &self.samples {
            Samples::Floats(floats) => bytemuck::cast_slice(&shape.pad(floats)).to_vec(),
            Samples::Bytes(bytes) => shape.pad_to_words(bytes),
        }
    }
}

/// Calls `each(i, row)` for every row of `ld` words, on several threads if there are many words.
fn gather(words: &mut [u32], ld: usize, each: impl Fn(usize, &mut [u32]) + Sync) {
    let large = is_large(0, words.len());
    Threads::default().run(large, || for_chunks(words, ld, 1, &each));
}
